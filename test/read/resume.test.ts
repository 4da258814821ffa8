/** `position` and `from`: stopping anywhere and going on there, without a gap or a repeat. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/format/events.js';
import { BLOCK_BYTES } from '../../src/format/lines.js';
import type { ReadOptions } from '../../src/read/event-filter.js';
import type { EventReader } from '../../src/read/event-reader.js';
import {
  expectedEvents,
  linesOf,
  readerOf,
  rejection,
  sampleEvents,
  someFilter,
  writeLog,
} from '../support/logs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const EVENTS = sampleEvents(120);

type Take = (reader: EventReader, count: number) => Promise<RunEvent[]>;

/** Reads a few at a time, each time with a new reader from the position of the last, until nothing comes. */
async function readInPieces(root: string, counts: readonly number[], filter: ReadOptions, take: Take) {
  const all: RunEvent[] = [];
  let from = 0;
  for (let turn = 0; ; turn++) {
    const reader = readerOf(root, { ...filter, from });
    const taken = await take(reader, counts[turn % counts.length] ?? 1);
    if (taken.length === 0) return all;
    all.push(...taken);
    from = reader.position;
  }
}

const someEvents: Take = async (reader, count) => {
  const taken: RunEvent[] = [];
  for await (const event of reader) if (taken.push(event) === count) break;
  return taken;
};
const someBatches: Take = async (reader, count) => {
  const taken: RunEvent[] = [];
  let left = count;
  for await (const events of reader.batches()) {
    taken.push(...events);
    if (--left === 0) break;
  }
  return taken;
};
const counts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

test('reading event by event in pieces: nothing is skipped, nothing comes twice', async () => {
  const root = temporaryVolume();
  writeLog(root, linesOf(EVENTS));
  const property = fc.asyncProperty(counts, someFilter, async (some, filter) => {
    expect(await readInPieces(root, some, filter, someEvents)).toEqual(expectedEvents(EVENTS, filter));
  });
  await fc.assert(property, { numRuns: Math.max(20, rounds(50)) });
});

test('reading a log of many blocks in pieces, by events and by batches, gives the whole', async () => {
  const root = temporaryVolume();
  const events = sampleEvents(8000).map(event =>
    event.type === 'gate.passed' ? { ...event, stdout: 'ok\n'.repeat(1000) } : event,
  );
  writeLog(root, linesOf(events));
  expect(Buffer.byteLength(linesOf(events))).toBeGreaterThan(15 * BLOCK_BYTES);
  const filter: ReadOptions = { types: ['gate.passed', 'pipe.aborted'] };
  assert.deepEqual(await readInPieces(root, [1999, 2801], {}, someEvents), events);
  assert.deepEqual(await readInPieces(root, [1, 3, 2], {}, someBatches), events);
  assert.deepEqual(await readInPieces(root, [1, 2], filter, someBatches), expectedEvents(events, filter));
});

test('an abort leaves the position after the last event handed out, also with last', async () => {
  const root = temporaryVolume();
  writeLog(root, linesOf(EVENTS));
  const abort = new AbortController();
  const reader = readerOf(root, { last: 20, signal: abort.signal });
  const seen: RunEvent[] = [];
  const consume = async () => {
    for await (const event of reader) if (seen.push(event) === 5) abort.abort();
  };
  await rejection(consume());
  const rest = await readerOf(root, { from: reader.position }).toArray();
  expect([...seen, ...rest]).toEqual(EVENTS.slice(-20));
});

test('the position is where reading began while nothing was handed out', async () => {
  const root = temporaryVolume();
  writeLog(root, linesOf(EVENTS));
  const from = Buffer.byteLength(linesOf(EVENTS.slice(0, 7)));
  const reader = readerOf(root, { from, types: ['pipe.started'] });
  expect(await reader.toArray()).toEqual([]);
  expect(reader.position).toBe(from);
});
