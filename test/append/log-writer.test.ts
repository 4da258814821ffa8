import { describe, expect, test } from 'vitest';
import { Committer } from '../../src/append/committer.js';
import { prepareDraft } from '../../src/format/encode.js';
import type { EventDraft } from '../../src/format/events.js';
import { commit, gate, gatesIn, started } from '../support/committing.js';
import { RUN_ID } from '../support/logs.js';
import { MemoryDisk, systemError } from '../support/memory-file.js';
import { positionsIn } from '../support/rounds.js';

const linesIn = (disk: MemoryDisk) => disk.written.toString().split('\n').length - 1;

const LINES = ['a', 'b', 'c', 'd'];
const GROUPS = [['a'], ['b', 'c'], ['d']];
const inGroups = () => GROUPS.map(group => group.map(gate));

/** The groups above on a disk where nothing goes wrong. */
async function wholeBatch(): Promise<Buffer> {
  const disk = new MemoryDisk();
  await commit(await started(disk), ...inGroups());
  return disk.written;
}

/** Where a write of the batch may end early. */
function endsWithin(whole: Buffer): number[] {
  const lineEnds = [...whole.toString('latin1').matchAll(/\n/g)].map(({ index }) => index + 1);
  return positionsIn(whole.length, lineEnds, 10).filter(end => end < whole.length);
}

test('a short write keeps the whole lines, cuts the torn rest and writes the others again', async () => {
  const whole = await wholeBatch();
  for (const cut of endsWithin(whole)) {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    let writes = 0;
    disk.landing = bytes => (writes++ === 0 ? cut : bytes);
    const outcomes = await commit(committer, ...inGroups());
    const lineBefore = whole.subarray(0, cut).includes('\n');
    // Without a single whole line there was no progress: the disk is taken for full.
    expect(outcomes).toEqual(Array(3).fill(lineBefore ? 'kept' : 'ERR_NO_SPACE 0'));
    expect(gatesIn(disk)).toEqual(lineBefore ? LINES : []);
    expect(disk.synced).toEqual(disk.written);
  }
});

test('a full disk keeps exactly the lines that were written whole and says how many; no line is ever taken back', async () => {
  const whole = await wholeBatch();
  for (const room of endsWithin(whole)) {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    let seen = 0; // whole lines that a reader may have
    disk.onOperation = () => {
      expect(linesIn(disk)).toBeGreaterThanOrEqual(seen);
      seen = linesIn(disk);
    };
    disk.landing = bytes => {
      const left = room - disk.written.length;
      if (left === 0) throw systemError('ENOSPC', 'write');
      return Math.min(bytes, left);
    };
    const outcomes = await commit(committer, ...inGroups());
    const lines = linesIn(disk);
    expect(disk.written).toHaveLength(whole.subarray(0, room).lastIndexOf('\n') + 1);
    expect(gatesIn(disk)).toEqual(LINES.slice(0, lines));
    expect(disk.synced).toEqual(disk.written);
    expect(outcomes).toEqual([
      lines >= 1 ? 'kept' : 'ERR_NO_SPACE 0',
      lines >= 3 ? 'kept' : `ERR_NO_SPACE ${lines === 2 ? 1 : 0}`,
      'ERR_NO_SPACE 0',
    ]);
    disk.landing = bytes => bytes;
    expect(await commit(committer, [gate('e')])).toEqual(['kept']);
    expect(gatesIn(disk)).toEqual([...LINES.slice(0, lines), 'e']);
  }
});

test('ENOSPC from the sync is a failed sync: final, never retried', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onOperation = name => {
    if (name === 'sync') throw systemError('ENOSPC', 'fdatasync');
  };
  expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
  disk.onOperation = () => undefined;
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
  // What the failed sync left is taken back; the sync is not repeated.
  expect(disk.operations).toEqual(['write', 'sync', 'truncate']);
});

test('ENOSPC from a write that changed the file all the same is a failed sync', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onOperation = name => {
    if (name !== 'write') return;
    disk.written = Buffer.from('some bytes');
    throw systemError('ENOSPC', 'write');
  };
  expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
});

test.each(['EIO', 'EBADF', 'EROFS'])('%s from a write is final', async code => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onOperation = name => {
    if (name === 'write') throw systemError(code, 'write');
  };
  expect(await commit(committer, [gate('a')], [gate('b')])).toEqual(['ERR_LOG_FAILED', 'ERR_LOG_FAILED']);
});

test('a cut that fails is final', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.landing = () => 5;
  disk.onOperation = name => {
    if (name === 'truncate') throw systemError('EIO', 'ftruncate');
  };
  expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
});

describe('lines of others that may be unsynced', () => {
  async function afterAPeer(): Promise<{ disk: MemoryDisk; committer: Committer }> {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    await commit(await started(disk), [gate('peer')]);
    disk.operations.length = 0;
    return { disk, committer };
  }

  test('are synced before the first write after them, and only then', async () => {
    const { disk, committer } = await afterAPeer();
    await commit(committer, [gate('a')]);
    await commit(committer, [gate('b')]);
    expect(disk.operations).toEqual(['sync', 'write', 'sync', 'write', 'sync']);
  });

  test.each(['EIO', 'ENOSPC'])(
    'that cannot be synced (%s) make the log fail for good, and nothing is written or cut',
    async code => {
      const { disk, committer } = await afterAPeer();
      disk.onOperation = () => {
        throw systemError(code, 'fdatasync');
      };
      expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
      expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
      expect(disk.operations).toEqual(['sync']);
      expect(committer.failure).toMatchObject({ code: 'ERR_LOG_FAILED', cause: { code } });
    },
  );
});

describe('a torn tail of a dead peer that cannot be repaired', () => {
  /** A writer that has seen so much of a log, and a torn tail after it. */
  async function torn(seen: EventDraft[]): Promise<{ disk: MemoryDisk; committer: Committer }> {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    if (seen.length > 0) await commit(committer, seen);
    disk.written = Buffer.concat([disk.written, Buffer.from('torn')]);
    disk.operations.length = 0;
    return { disk, committer };
  }
  const failing = (disk: MemoryDisk, failed: string) => {
    disk.onOperation = name => {
      if (name === failed) throw systemError('EIO', failed);
    };
  };

  test.each(['copy', 'truncate'])('rejects only that commit when the %s fails', async operation => {
    const { disk, committer } = await torn([gate('a')]);
    failing(disk, operation);
    expect(await commit(committer, [gate('b')])).toEqual(['ERR_SYSTEM']);
    expect(committer.failure).toBeUndefined();
    disk.onOperation = () => undefined;
    expect(await commit(committer, [gate('c')])).toEqual(['kept']);
    expect(gatesIn(disk)).toEqual(['a', 'c']);
  });

  test.each([[[]], [[gate('a')]]])('is final when the sync fails, for the cut may not last', async seen => {
    const { disk, committer } = await torn(seen);
    failing(disk, 'sync');
    expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
    disk.onOperation = () => undefined;
    expect(await commit(committer, [gate('c')])).toEqual(['ERR_LOG_FAILED']);
    expect(disk.operations).toEqual(['copy', 'truncate', 'sync']);
  });

  test('is final when the size is unknown afterwards', async () => {
    const { disk, committer } = await torn([gate('a')]);
    disk.onOperation = () => {
      disk.onStat = () => {
        throw systemError('EIO', 'fstat');
      };
      throw systemError('EIO', 'copy');
    };
    expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
  });

  test('at the first look rejects start', async () => {
    const disk = new MemoryDisk();
    disk.written = Buffer.from('torn');
    failing(disk, 'sync');
    const committer = new Committer(disk.open(), { lock: true });
    const refusal = {
      code: 'ERR_SYSTEM',
      message: expect.stringMatching(/^the torn tail could not be saved and cut: EIO/),
    };
    await expect(committer.start()).rejects.toMatchObject(refusal);
    expect(committer.failure).toBeUndefined();
  });
});

describe('after a write that failed', () => {
  /** What is done to a log when a write fails that left it with another size: that from before, and the batch, are given. */
  async function operationsWhenTheFileIs(change: (size: number, batch: number) => number): Promise<string[]> {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    await commit(committer, [gate('a')]);
    const { length } = disk.written;
    await commit(committer, [gate('a')]);
    const batch = disk.written.length - length;
    disk.operations.length = 0;
    disk.onOperation = name => {
      if (name !== 'write') return;
      disk.written = Buffer.alloc(change(disk.written.length, batch));
      throw systemError('EIO', 'write');
    };
    expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
    return disk.operations;
  }

  test('cuts off what may be of this batch', async () => {
    expect(await operationsWhenTheFileIs(size => size + 1)).toEqual(['write', 'truncate']);
    expect(await operationsWhenTheFileIs((size, batch) => size + batch)).toEqual(['write', 'truncate']);
  });

  test('cuts nothing where nothing was written, or where the file is longer or shorter than the write explains', async () => {
    expect(await operationsWhenTheFileIs(size => size)).toEqual(['write']);
    expect(await operationsWhenTheFileIs((size, batch) => size + batch + 1)).toEqual(['write']);
    expect(await operationsWhenTheFileIs(size => size - 1)).toEqual(['write']);
  });
});

test('ERR_NO_SPACE gives the errno, or says that a write came to its end early', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  const messageOf = async () => {
    const event = prepareDraft(gate('a'), RUN_ID);
    const error = await new Promise<unknown>(settle => {
      const entry = { events: [event], bytes: event.bytes, last: false };
      void committer
        .commit([{ ...entry, resolve: () => settle('kept'), reject: settle }])
        .then(settleAll => settleAll());
    });
    return String(error);
  };
  disk.landing = () => 5;
  expect(await messageOf()).toContain('no space for the event (a write came to its end early)');
  disk.landing = () => {
    throw systemError('EDQUOT', 'write');
  };
  expect(await messageOf()).toContain('no space for the event (EDQUOT)');
});
