import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvent } from '../../src/format/decode.js';
import type { RunEvent } from '../../src/format/events.js';
import { EventLog } from '../../src/index.js';
import type { ReadOptions } from '../../src/read/event-filter.js';
import {
  collect,
  expectedEvents,
  lineOf,
  linesOf,
  REFERENCE,
  RUN_ID,
  readerOf,
  rejection,
  sampleEvent,
  sampleEvents,
  someFilter,
  writeLog,
} from '../support/logs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const reference = REFERENCE.toString('utf8')
  .trimEnd()
  .split('\n')
  .map(line => decodeEvent(line));

const EVENTS = sampleEvents(120);
const lineStarts = EVENTS.map((_, index) => Buffer.byteLength(linesOf(EVENTS.slice(0, index))));

describe('a replay', () => {
  test('gives the events of a log written by the Rust program, whichever way it is taken', async () => {
    const root = temporaryVolume();
    writeLog(root, REFERENCE);
    expect(reference).toHaveLength(1000);
    expect(await collect(readerOf(root))).toEqual(reference);
    expect((await collect(readerOf(root).batches())).flat()).toEqual(reference);
    expect(await readerOf(root).toArray()).toEqual(reference);
    const reader = EventLog.read(root, RUN_ID);
    expect(await reader.toArray()).toEqual(reference);
    expect([reader.position, reader.tornBytes]).toEqual([REFERENCE.length, 0]);
  });

  test('obeys from, after, types, nodeId, limit and last in any combination', async () => {
    const root = temporaryVolume();
    writeLog(root, linesOf(EVENTS));
    const some = fc.record<ReadOptions>(
      {
        from: fc.constantFrom(...lineStarts, Buffer.byteLength(linesOf(EVENTS))),
        after: fc.oneof(
          fc.nat(130).map(index => sampleEvent(index).id),
          fc.constantFrom('', '0', '7'),
        ),
        limit: fc.nat(30),
        last: fc.nat(40),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(some, someFilter, async (places, filter) => {
        const options = { ...places, ...filter };
        const expected = expectedEvents(EVENTS, options);
        expect(await collect(readerOf(root, options))).toEqual(expected);
        expect(await readerOf(root, options).toArray()).toEqual(expected);
      }),
      { numRuns: rounds(200) },
    );
  });

  test('changes nothing: neither the log nor the folder', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, `${linesOf(EVENTS)}{"torn`);
    const look = () => ({ names: readdirSync(dirname(path)), content: readFileSync(path, 'latin1') });
    const before = { ...look(), mtimeMs: statSync(path).mtimeMs };
    await readerOf(root, { last: 3 }).toArray();
    await readerOf(root).toArray();
    expect({ ...look(), mtimeMs: statSync(path).mtimeMs }).toEqual(before);
  });

  test('answers calls of next that overlap in order', async () => {
    const root = temporaryVolume();
    writeLog(root, linesOf(EVENTS));
    const iterator = readerOf(root)[Symbol.asyncIterator]();
    const answers = await Promise.all(Array.from({ length: EVENTS.length + 2 }, () => iterator.next()));
    expect(answers.map(({ value }) => value)).toEqual([...EVENTS, undefined, undefined]);
  });

  test('opens the file only when it is iterated', async () => {
    const root = temporaryVolume();
    const reader = readerOf(root);
    writeLog(root, linesOf(EVENTS));
    expect(await reader.toArray()).toEqual(EVENTS);
  });

  test('options changed after the call change nothing', async () => {
    const root = temporaryVolume();
    writeLog(root, linesOf(EVENTS));
    const options: ReadOptions = { limit: 2 };
    const reader = readerOf(root, options);
    options.limit = 50;
    expect(await reader.toArray()).toEqual(EVENTS.slice(0, 2));
  });

  test('of a run that does not exist, or that has no log, is ERR_RUN_NOT_FOUND', async () => {
    const root = temporaryVolume();
    const error = expect.objectContaining({ code: 'ERR_RUN_NOT_FOUND' });
    expect(await rejection(EventLog.read(root, RUN_ID).toArray())).toEqual(error);
    const path = writeLog(root, '');
    rmSync(path);
    expect(await rejection(collect(EventLog.read(root, RUN_ID)))).toEqual(error);
    expect(await rejection(readerOf(root, { limit: 0 }).toArray())).toMatchObject({ path });
  });

  test('of an invalid run id throws ERR_INVALID_RUN_ID at once', () => {
    const ulid = RUN_ID.slice('feature-'.length);
    const invalid = ['', 'feature', ulid, `-${ulid}`, `feature${ulid}`, `.x-${ulid}`, `a/b-${ulid}`];
    invalid.push(
      `feature-${ulid.toUpperCase()}`,
      `feature-8${'z'.repeat(25)}`,
      `${RUN_ID}\n`,
      `${RUN_ID}/..`,
    );
    invalid.push(`../feature-${ulid}`, `a\0b-${ulid}`, `${'p'.repeat(129)}-${ulid}`, `feature-${ulid}0`);
    for (const runId of invalid) {
      expect(() => EventLog.read('/nowhere', runId)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }),
      );
    }
  });
});

describe('a log that grows while it is read', () => {
  test('is handed out without gap or repeat; what is missing comes from the position', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, linesOf(EVENTS.slice(0, 10)));
    const reader = readerOf(root);
    const seen: RunEvent[] = [];
    for await (const event of reader) {
      seen.push(event);
      if (seen.length === 5)
        appendFileSync(path, linesOf(EVENTS.slice(10, 20)) + lineOf(sampleEvent(20)).slice(0, 9));
    }
    expect(seen.length).toBeGreaterThanOrEqual(10);
    expect([0, 9]).toContain(reader.tornBytes);
    appendFileSync(path, lineOf(sampleEvent(20)).slice(9));
    const rest = await readerOf(root, { from: reader.position }).toArray();
    expect([...seen, ...rest]).toEqual(sampleEvents(21));
  });
});

describe('tornBytes', () => {
  const torn = '{"type":"no';
  const whole = linesOf(EVENTS);
  const cases: { options: ReadOptions }[] = [
    { options: {} },
    { options: { from: Buffer.byteLength(whole) } },
    { options: { types: [] } },
    { options: { last: 2 } },
    { options: { last: 1000 } },
  ];

  test.for(cases)('counts the bytes of the unterminated last line, given $options', async ({ options }) => {
    const root = temporaryVolume();
    writeLog(root, whole + torn);
    const reader = readerOf(root, options);
    expect(reader.tornBytes).toBe(0);
    expect(await reader.toArray()).toEqual(expectedEvents(EVENTS, options));
    expect(reader.tornBytes).toBe(torn.length);
  });
});

test('onMalformed is called for a line after the events before it, and before those after it', async () => {
  const root = temporaryVolume();
  writeLog(root, `${linesOf(EVENTS.slice(0, 3))}{}\n${linesOf(EVENTS.slice(3, 5))}`);
  const seen: unknown[] = [];
  const reader = readerOf(root, { onMalformed: ({ line }) => seen.push(`line ${line}`) });
  for await (const event of reader) seen.push(event);
  expect(seen).toEqual([...EVENTS.slice(0, 3), 'line 4', ...EVENTS.slice(3, 5)]);
});
