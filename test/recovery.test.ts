import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Committer } from '../src/commit.js';
import { inspectEnd } from '../src/recovery.js';
import { MemoryDisk } from './support/memory-file.js';

const lines = readFileSync(new URL('../fixtures/reference-1000.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, 40);
const log = Buffer.from(lines.map(line => `${line}\n`).join(''));

const inspect = (bytes: Buffer, start = 0) =>
  inspectEnd(async (buffer, position) => bytes.copy(buffer, 0, position), bytes.length, {
    path: 'log',
    start,
  });

/** Opens a writer on `bytes`; tells what is left of them and what was saved. */
async function reopen(bytes: Buffer) {
  const disk = new MemoryDisk();
  disk.written = bytes;
  const recovery = await new Committer(disk.open(), { lock: false }).start();
  return { recovery, left: disk.written, saved: [...disk.saved.values()][0], operations: disk.operations };
}

test('a log cut at any byte reopens to exactly the whole lines before the cut', async () => {
  for (let cut = 0; cut <= log.length; cut++) {
    const whole = log.subarray(0, cut).lastIndexOf('\n') + 1;
    const { recovery, left, saved } = await reopen(log.subarray(0, cut));
    expect(left.equals(log.subarray(0, whole))).toBe(true);
    expect(recovery?.bytes ?? 0).toBe(cut - whole);
    if (cut > whole) expect(saved?.equals(log.subarray(whole, cut))).toBe(true);
  }
});

test('the torn bytes are saved before they are cut, and the cut is synced', async () => {
  const { operations } = await reopen(log.subarray(0, log.length - 5));
  expect(operations).toEqual(['copy', 'truncate', 'sync']);
});

test('a log that ends well is not touched', async () => {
  const { recovery, operations } = await reopen(log);
  expect(recovery).toBeUndefined();
  expect(operations).toEqual([]);
});

test.each([1, 511, 512, 4096, 300_000])(
  'a hole of %i NUL bytes behind the last line is cut',
  async holeBytes => {
    const { recovery, left } = await reopen(Buffer.concat([log, Buffer.alloc(holeBytes)]));
    expect(left.equals(log)).toBe(true);
    expect(recovery).toMatchObject({ offset: log.length, bytes: holeBytes });
  },
);

/** The same lines as one write would leave them: with one time. */
const oneWrite = Buffer.from(log.toString().replace(/"ts":"[^"]+"/g, '"ts":"2026-04-15T12:00:00Z"'));

test('a lost page in the middle of the last write takes the whole lines behind it along', async () => {
  for (let page = 0; page + 512 <= oneWrite.length; page += 512) {
    const damaged = Buffer.from(oneWrite);
    damaged.fill(0, page, page + 512);
    const { left, saved } = await reopen(damaged);
    const whole = oneWrite.subarray(0, page).lastIndexOf('\n') + 1;
    expect(left.equals(oneWrite.subarray(0, whole))).toBe(true);
    expect(saved?.equals(damaged.subarray(whole))).toBe(true);
  }
});

test('a lost page in front of lines of a later write is damage, and nothing is cut', async () => {
  const damaged = Buffer.from(log);
  damaged.fill(0, 512, 1024);
  const { recovery, left } = await reopen(damaged);
  expect(recovery).toBeUndefined();
  expect(left.equals(damaged)).toBe(true);
});

test('NUL bytes that are no lost page are left for the readers to name', async () => {
  const damaged = Buffer.from(log);
  damaged.fill(0, 100, 110);
  const { recovery, left } = await reopen(damaged);
  expect(recovery).toBeUndefined();
  expect(left.equals(damaged)).toBe(true);
});

test('a bad last line is corrupt, named by line and offset, and not a byte is touched', async () => {
  const damaged = Buffer.concat([log, Buffer.from('{"type":"pipe.completed"}\n')]);
  await expect(reopen(damaged)).rejects.toMatchObject({
    code: 'ERR_LOG_CORRUPT',
    line: 41,
    offset: log.length,
  });
  await expect(reopen(Buffer.concat([log, Buffer.from('\n')]))).rejects.toMatchObject({
    code: 'ERR_LOG_CORRUPT',
  });
});

test('looking at what others appended stops at what was seen before', async () => {
  const start = Buffer.byteLength(lines.slice(0, 20).join('\n')) + 1;
  const unreadable = Buffer.from(log).fill('x', 0, start);
  expect(await inspect(unreadable, start)).toMatchObject({ end: log.length, tornBytes: 0 });
  expect((await inspect(log.subarray(0, start + 10), start)).last).toBeUndefined();
});

test('an empty log has no last event', async () => {
  expect(await inspect(Buffer.alloc(0))).toEqual({ end: 0, tornBytes: 0, last: undefined });
});
