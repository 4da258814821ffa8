import { afterEach, describe, expect, test, vi } from 'vitest';
import { Committer } from '../../src/append/committer.js';
import { Turns } from '../../src/append/lock-turns.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft, stampEvent } from '../../src/format/encode.js';
import { commit, gate, gatesIn, started } from '../support/committing.js';
import { RUN_ID } from '../support/logs.js';
import { MemoryDisk, systemError } from '../support/memory-file.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

afterEach(() => {
  vi.restoreAllMocks();
});

test('a batch is one write and one sync', async () => {
  const disk = new MemoryDisk();
  const committer = await started(disk);
  expect(await commit(committer, [gate('a')], [gate('b'), gate('c')])).toEqual(['kept', 'kept']);
  expect(disk.operations).toEqual(['write', 'sync']);
  expect(gatesIn(disk)).toEqual(['a', 'b', 'c']);
  expect(disk.synced).toEqual(disk.written);
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
