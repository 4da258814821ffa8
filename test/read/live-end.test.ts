/** The live end: one small read finds what was appended and the last line before it; what is larger is found all the same. */
import fs, { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { EventLog, type RunEvent } from '../../src/index.js';
import { lineOf, logPath, RUN_ID, writeLog } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const NOTICES_ALONE = { pollInterval: 60_000 } as const;

function event(number: number, padding = 0): RunEvent {
  const id = `01kp8g6dg0000000000000${String(number).padStart(4, '0')}`;
  const common = { id, ts: '2026-04-15T12:00:00.000Z', run_id: RUN_ID, node_id: 'n' };
  return { type: 'gate.passed', ...common, gate: 'g', method: 'hook', stdout: '€'.repeat(padding) };
}

/** A tail by notices alone that waits after its first event. */
async function waiting(padding = 0) {
  const root = temporaryVolume();
  writeLog(root, lineOf(event(0, padding)));
  const tail = EventLog.tail(root, RUN_ID, NOTICES_ALONE);
  const iterator = tail[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toEqual(event(0, padding));
  const next = iterator.next();
  await tail.caughtUp;
  await new Promise(setImmediate); // it has looked once more, and waits
  return { path: logPath(root), tail, iterator, next };
}

afterEach(() => {
  vi.restoreAllMocks();
});

for (const [what, padding, reads] of [
  ['a short line', 0, 1],
  ['a line of which only the start is compared', 400, 2],
] as const) {
  test(`what comes after ${what} is found by ${reads} of the smallest reads, none of them in the thread pool`, async () => {
    const { path, iterator, next } = await waiting(padding);
    const now = vi.spyOn(fs, 'readSync');
    const inPool = vi.spyOn(fs, 'read');
    appendFileSync(path, lineOf(event(1)));
    const { value } = await next;
    expect([now.mock.calls.length, inPool.mock.calls.length]).toEqual([reads, 0]);
    expect(value).toEqual(event(1));
    await iterator.return();
  });
}

test('lines that come one by one, of all lengths around those of its memory, are handed out whole and in order', async () => {
  const { path, iterator, next } = await waiting();
  let waitingFor = next;
  for (const [index, padding] of [0, 100, 110, 120, 1200, 1300, 1320, 1340, 5000, 100_000, 0, 3].entries()) {
    const line = Buffer.from(lineOf(event(index + 1, padding)));
    const cut = line.length - 1 - Math.min(padding, 5); // within a character
    appendFileSync(path, line.subarray(0, cut));
    await new Promise(setImmediate);
    appendFileSync(path, line.subarray(cut));
    expect((await waitingFor).value).toEqual(event(index + 1, padding));
    waitingFor = iterator.next();
  }
  await iterator.return();
});

test('more than its memory at once is read on in the thread pool', async () => {
  const { path, tail, iterator, next } = await waiting();
  const many = Array.from({ length: 1000 }, (_, index) => event(index + 1));
  appendFileSync(path, many.map(lineOf).join(''));
  const taken = [(await next).value];
  while (taken.length < many.length) taken.push((await iterator.next()).value);
  expect(taken).toEqual(many);
  expect(tail.position).toBe(fs.statSync(path).size);
  await iterator.return();
});

for (const [what, padding, cut] of [
  [
    'the last line gave way to another one of its length',
    0,
    (path: string) => writeFileSync(path, lineOf(event(9))),
  ],
  ['the log was emptied', 0, (path: string) => truncateSync(path)],
  ['a long last line was cut', 400, (path: string) => truncateSync(path, 600)],
] as const) {
  test(`that ${what} is an error at the notice`, async () => {
    const { path, next } = await waiting(padding);
    cut(path);
    await expect(next).rejects.toMatchObject({ code: 'ERR_LOG_TRUNCATED', path });
  });
}
