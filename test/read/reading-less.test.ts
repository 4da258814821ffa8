/** `last` and `limit` look at what they need and at nothing else: counted in bytes asked of the disk. */
import fs, { appendFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunEvent } from '../../src/format/events.js';
import { BLOCK_BYTES } from '../../src/format/lines.js';
import type { ReadOptions } from '../../src/read/event-filter.js';
import { linesOf, readerOf, rejection, sampleEvent, sampleEvents, writeLog } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const EVENTS = sampleEvents(120);

/** Counts the bytes asked of the disk while a test runs. */
function countReads(): { readonly bytes: number } {
  const read = vi.spyOn(fs, 'read');
  onTestFinished(() => read.mockRestore());
  return {
    get bytes() {
      return read.mock.calls.reduce((sum, call: unknown[]) => sum + Number(call[3]), 0);
    },
  };
}

describe('the amount read', () => {
  const MANY = sampleEvents(25_000);
  const whole = linesOf(MANY);

  test('for the last n is the end of the log, not the whole', async () => {
    const root = temporaryVolume();
    writeLog(root, `what stands here is never looked at\n${whole}`);
    const asked = countReads();
    const reader = readerOf(root, { last: 10 });
    expect(await reader.toArray()).toEqual(MANY.slice(-10));
    expect(reader.position).toBe(Buffer.byteLength(whole) + 36);
    expect(asked.bytes).toBeGreaterThan(0);
    expect(asked.bytes).toBeLessThanOrEqual(6 * BLOCK_BYTES);
  });

  test('for the last n of a sparse type goes back as far as they reach, no further', async () => {
    const root = temporaryVolume();
    const sparse = MANY.map((event, index) =>
      index % 5000 === 0 ? event : { ...sampleEvent(index - (index % 5) + 1), id: event.id },
    );
    writeLog(root, linesOf(sparse));
    const asked = countReads();
    const options: ReadOptions = { types: ['node.started'], last: 2 };
    expect(await readerOf(root, options).toArray()).toEqual([MANY[15_000], MANY[20_000]]);
    const found = Buffer.byteLength(linesOf(sparse.slice(15_000)));
    expect(asked.bytes).toBeLessThanOrEqual(2 * found + 4 * BLOCK_BYTES);
    expect(asked.bytes).toBeLessThan(Buffer.byteLength(whole));
  });

  test('for the last n after an event goes back to that event, no further', async () => {
    const root = temporaryVolume();
    writeLog(root, `what stands here is never looked at\n${whole}`);
    const asked = countReads();
    const options: ReadOptions = { after: sampleEvent(24_989).id, last: 1000 };
    expect(await readerOf(root, options).toArray()).toEqual(MANY.slice(-10));
    expect(asked.bytes).toBeLessThanOrEqual(6 * BLOCK_BYTES);
  });

  test('for a limit ends with the block that holds the last event of it', async () => {
    const root = temporaryVolume();
    writeLog(root, `${whole}what stands here is never looked at\n`);
    const asked = countReads();
    expect(await readerOf(root, { limit: 10 }).toArray()).toEqual(MANY.slice(0, 10));
    expect(asked.bytes).toBeLessThanOrEqual(2 * BLOCK_BYTES); // one block is read ahead
    expect(await readerOf(root, { limit: 0 }).toArray()).toEqual([]);
    expect(await readerOf(root, { last: 0 }).toArray()).toEqual([]);
    expect(asked.bytes).toBeLessThanOrEqual(6 * BLOCK_BYTES);
  });
});

test('malformed lines before the last n are not looked at, those among them are reported', async () => {
  const root = temporaryVolume();
  writeLog(root, `{}\n${linesOf(EVENTS.slice(0, 5))}{}\n${linesOf(EVENTS.slice(5, 7))}`);
  expect(await readerOf(root, { last: 2 }).toArray()).toEqual(EVENTS.slice(5, 7));
  expect(await rejection(readerOf(root, { last: 3 }).toArray())).toMatchObject({
    code: 'ERR_MALFORMED_LINE',
  });
  const told: unknown[] = [];
  const reader = readerOf(root, { last: 3, onMalformed: error => told.push(error.offset) });
  expect(await reader.toArray()).toEqual(EVENTS.slice(4, 7));
  expect(told).toEqual([3 + Buffer.byteLength(linesOf(EVENTS.slice(0, 5)))]);
});

test('malformed lines after the last event of a limit are not reported', async () => {
  const root = temporaryVolume();
  writeLog(root, `${linesOf(EVENTS.slice(0, 3))}{}\n${linesOf(EVENTS.slice(3))}`);
  const told: unknown[] = [];
  const onMalformed = (error: unknown) => told.push(error);
  expect(await readerOf(root, { limit: 3, onMalformed }).toArray()).toEqual(EVENTS.slice(0, 3));
  expect(await readerOf(root, { limit: 3 }).toArray()).toEqual(EVENTS.slice(0, 3));
  expect(told).toEqual([]);
});

test('a log that grows gives no more than the last n found when reading began', async () => {
  const root = temporaryVolume();
  const path = writeLog(root, linesOf(EVENTS.slice(0, 10)));
  const seen: RunEvent[] = [];
  for await (const event of readerOf(root, { last: 2 })) {
    if (seen.push(event) === 1) appendFileSync(path, linesOf(EVENTS.slice(10)));
  }
  expect(seen).toEqual(EVENTS.slice(8, 10));
});
