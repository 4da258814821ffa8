import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MAX_BATCH_BYTES, MAX_PENDING_BYTES } from '../../src/append/commit-queue.js';
import { Committer } from '../../src/append/committer.js';
import { inspectEnd } from '../../src/append/recovery.js';
import type { ReadAt } from '../../src/format/lines.js';
import { MemoryDisk } from '../support/memory-file.js';
import { positionsIn } from '../support/rounds.js';

const lines = readFileSync(new URL('../../fixtures/reference-1000.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .slice(0, 40);
const log = Buffer.from(lines.map(line => `${line}\n`).join(''));
const lineEnds = lines.map((_, index) => Buffer.byteLength(lines.slice(0, index + 1).join('\n')) + 1);

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
  for (const cut of positionsIn(log.length, lineEnds, 10)) {
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
  'a hole of %i NUL bytes after the last line is cut',
  async holeBytes => {
    const { recovery, left } = await reopen(Buffer.concat([log, Buffer.alloc(holeBytes)]));
    expect(left.equals(log)).toBe(true);
    expect(recovery).toMatchObject({ offset: log.length, bytes: holeBytes });
  },
);

/** The same lines as one write would leave them: with one time. */
const oneWrite = Buffer.from(log.toString().replace(/"ts":"[^"]+"/g, '"ts":"2026-04-15T12:00:00Z"'));

test('a lost page in the middle of the last write takes the whole lines after it along', async () => {
  for (let page = 0; page + 512 <= oneWrite.length; page += 512) {
    const damaged = Buffer.from(oneWrite);
    damaged.fill(0, page, page + 512);
    const { left, saved } = await reopen(damaged);
    const whole = oneWrite.subarray(0, page).lastIndexOf('\n') + 1;
    expect(left.equals(oneWrite.subarray(0, whole))).toBe(true);
    expect(saved?.equals(damaged.subarray(whole))).toBe(true);
  }
});

test('a lost page before lines of a later write is damage, and nothing is cut', async () => {
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
  expect(await inspect(unreadable, start)).toMatchObject({ end: log.length });
  expect((await inspect(log.subarray(0, start + 10), start)).last).toBeUndefined();
});

test('an empty log has no last event', async () => {
  expect(await inspect(Buffer.alloc(0))).toEqual({ end: 0, last: undefined });
});

/** A line of so many bytes, its newline included. */
function line(bytes: number, ts = 'last'): Buffer {
  const event = { type: 'pipe.aborted', id: '', ts, run_id: '', reason: '' };
  event.reason = 'x'.repeat(bytes - JSON.stringify(event).length - 1);
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

/** The bytes with NUL from one position to the other. */
const holed = (bytes: Buffer, from: number, to: number) => Buffer.from(bytes).fill(0, from, to);

describe('a hole', () => {
  const write = Buffer.concat([line(300), line(700), line(200), line(800)]); // ends at 300, 1000, 1200, 2000
  const endOf = async (bytes: Buffer, start?: number) => (await inspect(bytes, start)).end;

  test.each([
    [512, 1024, 300],
    [1024, 1536, 1000],
    [300, 512, 300],
    [1000, 1024, 1000],
    [0, 512, 0],
  ])(
    'from %i to %i starts with a sector or a line, and ends with a sector: cut at %i',
    async (from, to, end) => {
      expect(await endOf(holed(write, from, to))).toBe(end);
    },
  );

  test.each([
    [512, 600],
    [400, 512],
    [1000, 1010],
    [301, 512],
  ])('from %i to %i is none: nothing is cut', async (from, to) => {
    expect(await endOf(holed(write, from, to))).toBe(write.length);
  });

  test('is measured from the start of the file, wherever looking began', async () => {
    expect(await endOf(holed(write, 512, 1024), 300)).toBe(300);
    expect(await endOf(holed(write, 300, 512), 300)).toBe(300);
    expect(await endOf(holed(write, 1024, 1536), 300)).toBe(1000);
    const odd = Buffer.concat([line(513), line(300)]);
    expect(await endOf(odd, 513)).toBe(odd.length);
  });

  test('may be one of several in a write, with whole lines between them', async () => {
    const long = Buffer.concat([line(300), line(900), line(300), line(300), line(200)]); // the last one from 1800
    expect(await endOf(holed(holed(long, 512, 1024), 1600, 1610))).toBe(300);
  });

  test('before lines of two writes is damage', async () => {
    const damaged = holed(Buffer.concat([line(300), line(900), line(200), line(800, 'later')]), 512, 1024);
    expect(await endOf(damaged)).toBe(damaged.length);
  });

  test('is found in a last write that is longer than the window looked at first', async () => {
    const long = Buffer.concat([line(100, 'before'), ...Array<Buffer>(3 * 4096).fill(line(256))]);
    for (const hole of [1024, MAX_BATCH_BYTES, 2 * MAX_BATCH_BYTES]) {
      const whole = long.subarray(0, hole).lastIndexOf('\n') + 1;
      expect(await endOf(holed(long, hole, hole + 512))).toBe(whole);
    }
  });
});

describe('looking back', () => {
  /** The spans that are read of a log that repeats one MiB of lines for ever, without those that find its end. */
  async function spansOf(size: number, content: Buffer, start = 0): Promise<[from: number, bytes: number][]> {
    const spans: [number, number][] = [];
    const read: ReadAt = async (buffer, position) => {
      spans.push([position, buffer.length]);
      for (let done = 0; done < buffer.length; ) {
        done += content.copy(buffer, done, (position + done) % content.length);
      }
      return buffer.length;
    };
    expect(await inspectEnd(read, size, { path: 'log', start })).toMatchObject({ end: size });
    return spans.slice(1, -1);
  }
  const mib = Buffer.concat(Array<Buffer>(4096).fill(line(256)));

  test('goes as far as the line before the last write, or to the start of a short log', async () => {
    const before = Buffer.concat([line(1000), line(256, 'before'), ...Array<Buffer>(4095).fill(line(256))]);
    expect(await spansOf(before.length, before)).toEqual([
      [before.length - MAX_BATCH_BYTES - 1, MAX_BATCH_BYTES + 1],
    ]);
    expect(await spansOf(2560, mib)).toEqual([[0, 2560]]);
    expect(await spansOf(2560, mib, 256)).toEqual([[256, 2304]]);
  });

  test('doubles the window while there is one time in it, and gives up where no write can be as long', async () => {
    const size = MAX_PENDING_BYTES * 3;
    const windows = Array.from({ length: 7 }, (_, index) => MAX_BATCH_BYTES * 2 ** index);
    expect(await spansOf(size, mib)).toEqual(windows.map(bytes => [size - bytes - 1, bytes + 1]));
    expect(windows.at(-1)).toBe(MAX_PENDING_BYTES);
  });

  test('finds a torn tail after what was seen before', async () => {
    const torn = Buffer.concat([log, Buffer.from('torn')]);
    expect(await inspect(torn, log.length)).toEqual({ end: log.length, last: undefined });
  });

  test.each(['time', 'event'])(
    'passes on an error in reading the last %s that says nothing about the line',
    async what => {
      const failure = new RangeError('no room for the text');
      const decoding = vi.spyOn(Buffer.prototype, 'toString');
      onTestFinished(() => decoding.mockRestore());
      if (what === 'event') decoding.mockImplementationOnce(() => lines.at(-1) ?? ''); // the time is read first
      decoding.mockImplementationOnce(() => {
        throw failure;
      });
      await expect(inspect(log)).rejects.toBe(failure);
    },
  );
});

describe('the number of a bad last line', () => {
  const bad = Buffer.from('bad\n');

  test('is counted a MiB at a time, and not beyond the line', async () => {
    const content = Buffer.concat([...Array<Buffer>(9000).fill(line(256)), bad]);
    const spans: [number, number][] = [];
    const read: ReadAt = async (buffer, position) => {
      spans.push([position, buffer.length]);
      return content.copy(buffer, 0, position);
    };
    const outcome = inspectEnd(read, content.length, { path: 'log' });
    await expect(outcome).rejects.toMatchObject({ line: 9001, offset: 9000 * 256 });
    const MIB = 2 ** 20;
    expect(spans.slice(-3)).toEqual([
      [0, MIB],
      [MIB, MIB],
      [2 * MIB, 9000 * 256 - 2 * MIB],
    ]);
  });

  test('does not matter in a log that was cut in the meantime', async () => {
    const content = Buffer.concat([log, bad]);
    const read: ReadAt = async (buffer, position) =>
      position + buffer.length === content.length ? content.copy(buffer, 0, position) : 0;
    const outcome = inspectEnd(read, content.length, { path: 'log' });
    await expect(outcome).rejects.toMatchObject({ code: 'ERR_LOG_CORRUPT', offset: log.length });
  });
});

test('the saved tail is named by a lower-case ULID', async () => {
  const disk = new MemoryDisk();
  disk.written = Buffer.from('torn');
  await new Committer(disk.open(), { lock: false }).start();
  expect([...disk.saved.keys()]).toEqual([
    expect.stringMatching(/events\.jsonl\.torn-[0-7][0-9a-hjkmnp-tv-z]{25}$/),
  ]);
});
