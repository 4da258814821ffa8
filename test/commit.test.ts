import { expect, test } from 'vitest';
import { decodeEvent, prepareDraft } from '../src/codec.js';
import { type Append, Committer } from '../src/commit.js';
import type { EventDraft } from '../src/events.js';
import { MemoryDisk, systemError } from './support/memory-file.js';

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
const gate = (name: string): EventDraft => ({
  type: 'gate.passed',
  node_id: 'n',
  gate: name,
  method: 'hook',
});

/** Commits groups of drafts as one batch; tells for each group `kept` or the code of its error. */
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
        outcomes[index] = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      },
    };
  });
  await committer.commit(batch);
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

test('a write cut short once keeps the whole entries, cuts the torn rest and writes the others again', async () => {
  const whole = new MemoryDisk();
  await commit(await started(whole), [gate('a')], [gate('b')], [gate('c')]);
  for (let cut = 0; cut < whole.written.length; cut++) {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    let writes = 0;
    disk.landing = bytes => (writes++ === 0 ? cut : bytes);
    const outcomes = await commit(committer, [gate('a')], [gate('b')], [gate('c')]);
    const wholeBefore = disk.written.subarray(0, cut).lastIndexOf('\n') !== -1;
    // Without a single whole entry there was no progress: the disk is taken for full.
    expect(outcomes).toEqual(wholeBefore ? ['kept', 'kept', 'kept'] : Array(3).fill('ERR_NO_SPACE'));
    expect(gatesIn(disk)).toEqual(wholeBefore ? ['a', 'b', 'c'] : []);
    expect(disk.synced).toEqual(disk.written);
  }
});

test('a full disk keeps exactly the entries that landed whole, and the log works again once there is room', async () => {
  const whole = new MemoryDisk();
  await commit(await started(whole), [gate('a')], [gate('b'), gate('c')], [gate('d')]);
  for (let room = 0; room < whole.written.length; room++) {
    const disk = new MemoryDisk();
    const committer = await started(disk);
    disk.landing = bytes => {
      const left = room - disk.written.length;
      if (left === 0) throw systemError('ENOSPC', 'write');
      return Math.min(bytes, left);
    };
    const outcomes = await commit(committer, [gate('a')], [gate('b'), gate('c')], [gate('d')]);
    const kept = [['a'], ['b', 'c'], ['d']].filter((_, index) => outcomes[index] === 'kept').flat();
    expect(gatesIn(disk)).toEqual(kept);
    expect(outcomes.filter(outcome => outcome !== 'kept').every(outcome => outcome === 'ERR_NO_SPACE')).toBe(
      true,
    );
    disk.landing = bytes => bytes;
    expect(await commit(committer, [gate('e')])).toEqual(['kept']);
    expect(gatesIn(disk)).toEqual([...kept, 'e']);
  }
});

test('ENOSPC from the sync is a failed sync: final, and never tried again', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  disk.onOperation = name => {
    if (name === 'sync') throw systemError('ENOSPC', 'fdatasync');
  };
  expect(await commit(committer, [gate('a')])).toEqual(['ERR_LOG_FAILED']);
  disk.onOperation = () => undefined;
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_FAILED']);
  // What the failed sync left behind is taken back; the sync is not repeated.
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

test('what another writer appended is seen: ids go on above it', async () => {
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
  expect(await commit(committer, [{ type: 'pipe.completed' }])).toEqual(['ERR_NO_SPACE']);
  disk.onOperation = () => undefined;
  expect(await commit(committer, [gate('a')])).toEqual(['kept']);
  expect(await commit(committer, [{ type: 'pipe.completed' }])).toEqual(['kept']);
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_RUN_ENDED']);
});

test('the torn tail of a dead peer is mended by the next append', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  disk.written = Buffer.concat([disk.written, Buffer.from('{"type":"gate.pas')]);
  expect(await commit(committer, [gate('b')])).toEqual(['kept']);
  expect(gatesIn(disk)).toEqual(['a', 'b']);
  expect([...disk.saved.values()].map(String)).toEqual(['{"type":"gate.pas']);
});

test('a bad whole line of another writer is named and nothing is written behind it', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  const damaged = Buffer.concat([disk.written, Buffer.from('not an event\n')]);
  disk.written = damaged;
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_CORRUPT']);
  expect(disk.written).toEqual(damaged);
});

test('a log cut below what was acknowledged is ERR_LOG_TRUNCATED from then on', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  await commit(committer, [gate('a')]);
  disk.written = disk.written.subarray(0, 10);
  expect(await commit(committer, [gate('b')])).toEqual(['ERR_LOG_TRUNCATED']);
  expect(await commit(committer, [gate('c')])).toEqual(['ERR_LOG_TRUNCATED']);
});
