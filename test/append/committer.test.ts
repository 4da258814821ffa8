import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Append } from '../../src/append/admission.js';
import { Committer } from '../../src/append/committer.js';
import { Turns } from '../../src/append/lock-turns.js';
import { EventLogError } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft, stampEvent } from '../../src/format/encode.js';
import type { EventDraft } from '../../src/format/events.js';
import { MemoryDisk, systemError } from '../support/memory-file.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
const gate = (name: string): EventDraft => ({
  type: 'gate.passed',
  node_id: 'n',
  gate: name,
  method: 'hook',
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Commits groups of drafts as one batch; returns for each group `kept` or the code of its error, and how many events it kept. */
async function commit(committer: Committer, ...groups: EventDraft[][]): Promise<string[]> {
  const outcomes: string[] = [];
  const batch = groups.map((drafts, index): Append => {
    const events = drafts.map(draft => prepareDraft(draft, RUN_ID));
    return {
      events,
      bytes: events.reduce((sum, { bytes }) => sum + bytes, 0),
      last: events.at(-1)?.event.type === 'pipe.completed',
      resolve: () => {
        outcomes[index] = 'kept';
      },
      reject: error => {
        outcomes[index] =
          error instanceof EventLogError ? [error.code, error.kept].join(' ').trim() : String(error);
      },
    };
  });
  (await committer.commit(batch))();
  return outcomes;
}

async function started(disk: MemoryDisk): Promise<Committer> {
  const committer = new Committer(disk.open(), { lock: true });
  await committer.start();
  return committer;
}

const gatesIn = (disk: MemoryDisk) =>
  disk.written
    .toString()
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const event = decodeEvent(line);
      return event.type === 'gate.passed' ? event.gate : event.type;
    });

test('a batch is one write and one sync', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  expect(await commit(committer, [gate('a')], [gate('b'), gate('c')])).toEqual(['kept', 'kept']);
  expect(disk.operations).toEqual(['write', 'sync']);
  expect(gatesIn(disk)).toEqual(['a', 'b', 'c']);
  expect(disk.synced).toEqual(disk.written);
});

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

test('a short write keeps the whole lines, cuts the torn rest and writes the others again', async () => {
  const whole = await wholeBatch();
  for (let cut = 0; cut < whole.length; cut++) {
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
  for (let room = 0; room < whole.length; room++) {
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

test('a terminal event that was written ends the run; one for which there was no room does not', async () => {
  const group = [gate('a'), gate('b'), { type: 'pipe.completed' } as const];
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.landing = bytes => bytes - 5;
  expect(await commit(committer, group)).toEqual(['ERR_NO_SPACE 2']);
  disk.landing = bytes => bytes;
  expect(await commit(committer, group)).toEqual(['kept']);
  expect(await commit(committer, [gate('d')])).toEqual(['ERR_RUN_ENDED']);
  expect(gatesIn(disk)).toEqual(['a', 'b', 'a', 'b', 'pipe.completed']);
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
  // What the failed sync left after is taken back; the sync is not repeated.
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

test('after lines of another writer, ids go on above theirs', async () => {
  const disk = new MemoryDisk();
  const [one, two] = [await started(disk), await started(disk)];
  for (let i = 0; i < 5; i++) {
    await commit(one, [gate(`one ${i}`)]);
    await commit(two, [gate(`two ${i}`)]);
  }
  const ids = disk.written
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => decodeEvent(line).id);
  expect(ids).toEqual([...new Set(ids)].sort());
  expect(ids.length).toBe(10);
});

test('a terminal event of another writer ends the run for this one', async () => {
  const disk = new MemoryDisk();
  const [one, two] = [await started(disk), await started(disk)];
  expect(await commit(one, [{ type: 'pipe.completed' }])).toEqual(['kept']);
  expect(await commit(two, [gate('late')])).toEqual(['ERR_RUN_ENDED']);
  expect(gatesIn(disk)).toEqual(['pipe.completed']);
});

test('a terminal event that found no room does not end the run', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onOperation = name => {
    if (name === 'write') throw systemError('EDQUOT', 'write');
  };
  expect(await commit(committer, [{ type: 'pipe.completed' }])).toEqual(['ERR_NO_SPACE 0']);
  disk.onOperation = () => undefined;
  expect(await commit(committer, [gate('a')])).toEqual(['kept']);
  expect(await commit(committer, [{ type: 'pipe.completed' }])).toEqual(['kept']);
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_RUN_ENDED']);
});

test('the next append repairs the torn tail of a dead peer', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  disk.written = Buffer.concat([disk.written, Buffer.from('{"type":"gate.pas')]);
  expect(await commit(committer, [gate('b')])).toEqual(['kept']);
  expect(gatesIn(disk)).toEqual(['a', 'b']);
  expect([...disk.saved.values()].map(String)).toEqual(['{"type":"gate.pas']);
});

test('a bad whole line of another writer is named, and nothing is written after it', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  const damaged = Buffer.concat([disk.written, Buffer.from('not an event\n')]);
  disk.written = damaged;
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_CORRUPT']);
  expect(disk.written).toEqual(damaged);
});

test('a system failure before the write rejects the batch, and its message claims no more than that', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onStat = () => {
    throw systemError('EIO', 'fstat');
  };
  const prepared = prepareDraft(gate('a'), RUN_ID);
  const reject = vi.fn();
  const append = { events: [prepared], bytes: prepared.bytes, last: false, resolve: () => undefined, reject };
  (await committer.commit([append]))();
  expect(reject).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      code: 'ERR_SYSTEM',
      message: expect.stringMatching(/^the events could not be committed: EIO/),
    }),
  );
});

test('a log cut below what was acknowledged is ERR_LOG_TRUNCATED from then on', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  disk.written = disk.written.subarray(0, 10);
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_TRUNCATED']);
  expect(await commit(committer, [gate('c')])).toEqual(['ERR_LOG_TRUNCATED']);
});

test.each([
  [true, ['lock'], ['unlock']],
  [false, [], []],
])(
  'lock: %s: the lock is held from the first look to the sync, and released whatever happens',
  async (lock, taken, given) => {
    const disk = new MemoryDisk();
    disk.written = Buffer.from('torn');
    const seen: string[] = [];
    disk.onOperation = name => seen.push(name);
    disk.onLock = name => seen.push(name);
    const committer = new Committer(disk.open(), { lock });
    await committer.start();
    expect(seen.splice(0)).toEqual([...taken, 'copy', 'truncate', 'sync', ...given]);
    await commit(committer, [gate('a')]);
    expect(seen.splice(0)).toEqual([...taken, 'write', 'sync', ...given]);
    disk.inPlace = false;
    expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_REPLACED']);
    expect(seen.splice(0)).toEqual([...taken, ...given]);
    await expect(new Committer(disk.open(), { lock }).start()).rejects.toMatchObject({
      code: 'ERR_LOG_REPLACED',
    });
    expect(seen).toEqual([...taken, ...given]);
  },
);

test('a lone writer reads nothing between its commits', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  const { reads } = disk;
  for (let i = 0; i < 3; i++) await commit(committer, [gate('a')]);
  expect(disk.reads).toBe(reads);
});

test('lines of another writer count as meeting it; its own lines and those of the first look do not', async () => {
  const met = vi.spyOn(Turns.prototype, 'metPeer');
  const disk = new MemoryDisk();
  const [one, two] = [await started(disk), await started(disk)];
  await commit(one, [gate('a')]);
  await commit(one, [gate('b')]);
  await started(disk);
  expect(met).toHaveBeenCalledTimes(0);
  await commit(two, [gate('c')]);
  expect(met).toHaveBeenCalledTimes(1);
});

describe('lines of others that may be unsynced', () => {
  async function behindAPeer(): Promise<{ disk: MemoryDisk; committer: Committer }> {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    await commit(await started(disk), [gate('peer')]);
    disk.operations.length = 0;
    return { disk, committer };
  }

  test('are synced before the first write after them, and only then', async () => {
    const { disk, committer } = await behindAPeer();
    await commit(committer, [gate('a')]);
    await commit(committer, [gate('b')]);
    expect(disk.operations).toEqual(['sync', 'write', 'sync', 'write', 'sync']);
  });

  test.each(['EIO', 'ENOSPC'])(
    'that cannot be synced (%s) make the log fail for good, and nothing is written or cut',
    async code => {
      const { disk, committer } = await behindAPeer();
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
    const told = {
      code: 'ERR_SYSTEM',
      message: expect.stringMatching(/^the torn tail could not be saved and cut: EIO/),
    };
    await expect(committer.start()).rejects.toMatchObject(told);
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
        .then(tell => tell());
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

test('when no id is left, the log takes no more and nothing is written', async () => {
  const disk = new MemoryDisk();
  const last = prepareDraft(gate('a'), RUN_ID);
  disk.written = Buffer.from(stampEvent(last, '7zzzzzzzzzzzzzzzzzzzzzzzzz', '2026-04-15T12:00:00Z'));
  const committer = await started(disk);
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
  expect(committer.failure?.message).toMatch(/^no id is left/);
  expect(disk.operations).toEqual([]);
});

describe('the time of events', () => {
  const timeAt = async (now: number) => {
    vi.spyOn(Date, 'now').mockReturnValue(now);
    const disk = new MemoryDisk();
    await commit(await started(disk), [gate('a')]);
    return decodeEvent(disk.written.toString().trimEnd()).ts;
  };

  test.each([
    [-5, '1970-01-01T00:00:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [Date.UTC(2026, 3, 15), '2026-04-15T00:00:00.000Z'],
    [Date.UTC(10_000, 0), '9999-12-31T23:59:59.999Z'],
  ])('has a year of four digits when the clock says %d', async (now, ts) => {
    expect(await timeAt(now)).toBe(ts);
  });

  test('is formatted once in a millisecond', async () => {
    const format = vi.spyOn(Date.prototype, 'toISOString');
    for (const now of [1000, 1000, 1001, 1001]) await timeAt(now);
    expect(format).toHaveBeenCalledTimes(2);
  });
});

test('lines become bytes as soon as there is more than a MiB of them: no text outgrows a string', async () => {
  const MIB = 2 ** 20;
  const frame = prepareDraft(gate('x'), RUN_ID).bytes - 1;
  const partsOf = async (...sizes: number[]) => {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    const write = vi.spyOn(Buffer.prototype, 'write');
    const drafts = sizes.map(size => gate('x'.repeat(size - frame)));
    expect(await commit(committer, drafts)).toEqual(['kept']);
    const parts = write.mock.results.map(({ value }) => value);
    write.mockRestore();
    expect(gatesIn(disk)).toEqual(drafts.map(draft => 'gate' in draft && draft.gate));
    return parts;
  };
  expect(await partsOf(200, 200)).toEqual([400]);
  expect(await partsOf(MIB, 200, 200)).toEqual([MIB + 200, 200]);
  expect(await partsOf(MIB + 1, 200, MIB)).toEqual([MIB + 1, MIB + 200, 0]);
});
