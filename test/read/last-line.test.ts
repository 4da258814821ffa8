/**
 * Lines that are taken back after a reader has seen them, with others in their place: the reader says so, whatever the lengths.
 *
 * A failed sync makes a writer do that (`committer.test.ts`); here it is done to the file directly, in one go, so that no
 * reader can see the file in between.
 */
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EventLog, type EventTail, type RunEvent } from '../../src/index.js';
import { tryLock } from '../../src/volume/flock.js';
import { lineOf, logPath, RUN_ID, rejection, writeLog } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const truncated = (root: string) =>
  expect.objectContaining({ code: 'ERR_LOG_TRUNCATED', path: logPath(root) });
const QUICK = { pollInterval: 5, watch: false } as const;

/** Events with rising ids, all of the same length when the padding is. */
function events(from: number, to: number, padding = 0): RunEvent[] {
  return Array.from({ length: to - from }, (_, index) => ({
    type: 'gate.passed',
    id: `01kp8g6dg0000000000000${String(from + index).padStart(4, '0')}`,
    ts: '2026-04-15T12:00:00.000Z',
    run_id: RUN_ID,
    node_id: 'n',
    gate: 'g',
    method: 'hook',
    stdout: 'x'.repeat(padding),
  }));
}

const bytesOf = (list: readonly RunEvent[]) => list.map(lineOf).join('');

/** In the place of the last lines, from byte `size` on, there are others. */
function replaceEnd(root: string, size: number, others: string): void {
  const bytes = readFileSync(logPath(root));
  writeFileSync(logPath(root), Buffer.concat([bytes.subarray(0, size), Buffer.from(others)]), { flag: 'r+' });
  truncateSync(logPath(root), size + Buffer.byteLength(others));
}

async function take(tail: AsyncIterator<RunEvent>, count: number): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  while (ids.length < count) ids.push((await tail.next()).value?.id);
  return ids;
}

for (const [what, others] of [
  ['fewer bytes', bytesOf(events(20, 21))],
  ['as many bytes', bytesOf(events(20, 22))],
  ['more bytes', bytesOf(events(20, 26))],
  ['more bytes, ending elsewhere', bytesOf(events(20, 30, 17))],
  ['nothing', ''],
] as const) {
  test(`a tail whose last two lines gave way to ${what} says so and hands out nothing of it`, async () => {
    const root = temporaryVolume();
    writeLog(root, bytesOf(events(0, 5)));
    const tail = EventLog.tail(root, RUN_ID, QUICK)[Symbol.asyncIterator]();
    await take(tail, 5);
    const next = tail.next();
    replaceEnd(root, Buffer.byteLength(bytesOf(events(0, 3))), others);
    await expect(next).rejects.toEqual(truncated(root));
  });
}

test('a tail that was to begin at the end says so too, for it has passed over what is gone', async () => {
  const root = temporaryVolume();
  writeLog(root, bytesOf(events(0, 5)));
  const tail = EventLog.tail(root, RUN_ID, { ...QUICK, from: 'end' });
  const next = tail[Symbol.asyncIterator]().next();
  await tail.caughtUp;
  replaceEnd(root, Buffer.byteLength(bytesOf(events(0, 3))), bytesOf(events(20, 30)));
  await expect(next).rejects.toEqual(truncated(root));
});

test('a tail from a position in the log begins with the line before in mind', async () => {
  const root = temporaryVolume();
  writeLog(root, bytesOf(events(0, 5)));
  const from = Buffer.byteLength(bytesOf(events(0, 5)));
  const tail = EventLog.tail(root, RUN_ID, { ...QUICK, from });
  const next = tail[Symbol.asyncIterator]().next();
  await tail.caughtUp;
  replaceEnd(root, Buffer.byteLength(bytesOf(events(0, 4))), bytesOf(events(20, 30)));
  await expect(next).rejects.toEqual(truncated(root));
});

test('a line of many pages that is cut in the middle and goes on otherwise is no end to build on', async () => {
  const root = temporaryVolume();
  writeLog(root, bytesOf(events(0, 1, 100_000)));
  const tail = EventLog.tail(root, RUN_ID, QUICK)[Symbol.asyncIterator]();
  await take(tail, 1);
  const next = tail.next();
  truncateSync(logPath(root), 50_000);
  await expect(next).rejects.toEqual(truncated(root));
});

test('a replay that is under way says so, also about what it has read ahead', async () => {
  const root = temporaryVolume();
  const content = bytesOf(events(0, 5000));
  writeLog(root, content);
  const reader = EventLog.read(root, RUN_ID)[Symbol.asyncIterator]();
  await take(reader, 10);
  // All that was read, and what is being read ahead, is gone but for the first lines.
  replaceEnd(root, Buffer.byteLength(bytesOf(events(0, 5))), bytesOf(events(6000, 9999)));
  const rest = async () => {
    for (;;) if ((await reader.next()).done === true) return;
  };
  await expect(rest()).rejects.toEqual(truncated(root));
});

test('a tail goes on where a torn tail is cut, and where a hole is cut that it has not come past', async () => {
  const root = temporaryVolume();
  const [first, second] = events(0, 2);
  writeLog(root, bytesOf(events(0, 1)));
  const tail = EventLog.tail(root, RUN_ID, QUICK)[Symbol.asyncIterator]();
  await take(tail, 1);
  const next = tail.next();
  appendFileSync(logPath(root), '{"type":"gate.pa');
  await new Promise(done => setTimeout(done, 20)); // some looks at the torn line; fewer make the test weaker, not wrong
  await (await EventLog.open(root, RUN_ID)).close();
  appendFileSync(logPath(root), bytesOf(events(1, 2)));
  expect((await next).value).toEqual(second);
  expect(first).not.toEqual(second);
});

test('a hole that a tail reported and came past is missed when recovery has cut it', async () => {
  const root = temporaryVolume();
  const before = bytesOf(events(0, 2));
  const hole = Buffer.alloc(1024 - (Buffer.byteLength(before) % 512));
  writeLog(root, Buffer.concat([Buffer.from(before), hole, Buffer.from('\n')]));
  const told: string[] = [];
  const onMalformed = (error: Error) => told.push(error.message);
  const tail = EventLog.tail(root, RUN_ID, { ...QUICK, onMalformed });
  const iterator = tail[Symbol.asyncIterator]();
  await take(iterator, 2);
  const failure = rejection(iterator.next()); // as soon as the log is cut, maybe before the append is over
  await tail.caughtUp;
  expect(told).toHaveLength(1);
  const log = await EventLog.open(root, RUN_ID);
  expect(log.recovered?.offset).toBe(Buffer.byteLength(before));
  await log.append({ type: 'node.started', node_id: 'n'.repeat(2000), kind: 'bash' });
  expect(await failure).toEqual(truncated(root));
  await log.close();
});

/** A run that has just ended, its writer still within the commit; `fd` holds the lock. */
async function ending(): Promise<{ root: string; fd: number; size: number; tail: EventTail }> {
  const root = temporaryVolume();
  const before = bytesOf(events(0, 3));
  const path = writeLog(root, before);
  const fd = openSync(path, 'r+');
  expect(tryLock(fd, path)).toBe(true);
  appendFileSync(
    path,
    `{"type":"pipe.completed","id":"01kp8g6dg00000000000009999","ts":"","run_id":"${RUN_ID}"}\n`,
  );
  return { root, fd, size: Buffer.byteLength(before), tail: EventLog.tail(root, RUN_ID, QUICK) };
}

test('a tail ends only when the commit of the terminal event is over', async () => {
  const { fd, tail } = await ending();
  const iterator = tail[Symbol.asyncIterator]();
  await take(iterator, 4);
  let over = false;
  const end = iterator.next().finally(() => {
    over = true;
  });
  await tail.caughtUp;
  await new Promise(done => setTimeout(done, 20));
  expect(over).toBe(false);
  closeSync(fd);
  expect(await end).toEqual({ done: true, value: undefined });
});

test('a terminal event that is taken back is no end', async () => {
  const { root, fd, size, tail } = await ending();
  const iterator = tail[Symbol.asyncIterator]();
  await take(iterator, 4);
  const end = iterator.next();
  await tail.caughtUp;
  truncateSync(logPath(root), size);
  closeSync(fd);
  await expect(end).rejects.toEqual(truncated(root));
});

test('break and an abort end a tail that waits for the commit of the terminal event', async () => {
  const { root, fd, tail } = await ending();
  const iterator = tail[Symbol.asyncIterator]();
  await take(iterator, 4);
  const end = iterator.next();
  await tail.caughtUp;
  await iterator.return?.();
  expect(await end).toEqual({ done: true, value: undefined });
  const aborting = new AbortController();
  const other = EventLog.tail(root, RUN_ID, { ...QUICK, signal: aborting.signal });
  const following = other[Symbol.asyncIterator]();
  await take(following, 4);
  const aborted = following.next();
  await other.caughtUp;
  aborting.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  closeSync(fd);
});
