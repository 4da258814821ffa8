/** What holds for the events of every vocabulary, whatever is in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLine, decodeMatched, decodeStrictly } from '../../src/format/decode.js';
import { prepareDraft, stampEvent } from '../../src/format/encode.js';
import { matchText } from '../../src/format/lanes/line-matcher.js';
import type { LogEvent } from '../../src/format/schema.js';
import { encodeEvent, MalformedLineError, type Vocabulary } from '../../src/index.js';
import { rounds } from '../support/rounds.js';
import { vocabularies } from '../support/vocabularies.js';

const ID = '01kp8g6dg0zg6axb6gqz17wf7n';
const TS = '2026-04-15T12:00:00.000Z';

/** A vocabulary with a draft of it. */
const samples = vocabularies.chain(({ events, drafts }) =>
  drafts.map(draft => ({
    events,
    draft,
    [fc.toStringMethod]: () => JSON.stringify([events.schema, draft]),
  })),
);

function verdict(decode: () => LogEvent): LogEvent | string {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedLineError) return error.reason;
    throw error;
  }
}

/** Which lane took a line: the fast one, the middle one, or neither. */
function laneOf(text: string, events: Vocabulary): 'fast' | 'flat' | 'strict' {
  const matcher = events.newMatcher();
  if (!matchText(matcher, text)) return 'strict';
  if (matcher.event(text) !== undefined) return 'fast';
  return matcher.flatEvent(text) === undefined ? 'strict' : 'flat';
}

/** A line decodes in every lane, as text and as a line of a block, as it does strictly. */
function expectStrict(text: string, events: Vocabulary): void {
  const strict = verdict(() => decodeStrictly(text, events));
  expect(verdict(() => decodeLine(text, events))).toStrictEqual(strict);
  const block = Buffer.from(`{"type":\n${text}\n"{}x${' '.repeat(32)}`);
  const matcher = events.newMatcher();
  matcher.use(block);
  matcher.match(9);
  expect(verdict(() => decodeMatched(matcher, events))).toStrictEqual(strict);
}

describe('of any vocabulary', () => {
  test('what append takes, decoding gives back equal, and the line is canonical', () => {
    const lanes = { fast: 0, flat: 0, strict: 0 };
    fc.assert(
      fc.property(samples, ({ events, draft }) => {
        const prepared = prepareDraft(draft, 'a-01kp8g6dg0zg6axb6gqz17wf7m', '', events);
        const line = stampEvent(prepared, ID, TS).trimEnd();
        expect(Buffer.byteLength(line) + 1).toBe(prepared.bytes);
        expect(decodeLine(line, events)).toStrictEqual(prepared.event);
        expect(decodeLine(Buffer.from(line), events)).toStrictEqual(prepared.event);
        expect(Object.keys(decodeLine(line, events))).toEqual(Object.keys(prepared.event));
        expect(encodeEvent({ ...prepared.event }, { events })).toBe(line);
        lanes[laneOf(line, events)]++;
        expectStrict(line, events);
      }),
      { numRuns: rounds(1000) },
    );
    expect(lanes.fast).toBeGreaterThan(10 * lanes.strict);
  });

  test('lines that were changed decode in every lane as they do strictly', () => {
    const lanes = { fast: 0, flat: 0, strict: 0 };
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\{}[]:, \tu0n1/é-.e')));
    fc.assert(
      fc.property(
        samples,
        fc.array(fc.tuple(fc.nat(), fc.nat(2), byte), { minLength: 1, maxLength: 3 }),
        (sample, edits) => {
          const { events, draft } = sample;
          const prepared = prepareDraft(draft, 'a-01kp8g6dg0zg6axb6gqz17wf7m', '', events);
          const bytes = [...Buffer.from(stampEvent(prepared, ID, TS).trimEnd())];
          for (const [seed, edit, value] of edits) {
            bytes.splice(seed % bytes.length, edit === 1 ? 0 : 1, ...(edit === 2 ? [] : [value]));
          }
          const text = Buffer.from(bytes).toString('utf8').replaceAll('\n', ' ');
          lanes[laneOf(text, events)]++;
          expectStrict(text, events);
        },
      ),
      { numRuns: rounds(2000) },
    );
    expect(Math.min(lanes.fast, lanes.strict)).toBeGreaterThan(rounds(2000) / 20);
  });

  test('lines with other keys, spaces, values of other kinds and keys twice decode as they do strictly', () => {
    const lanes = { fast: 0, flat: 0, strict: 0 };
    const values = fc.oneof(
      fc.constantFrom(
        'null',
        '-0',
        '-0.0',
        '1e400',
        '1.0',
        '1e2',
        '00',
        '-',
        'true',
        'nul',
        '"\\ud800"',
        '[[[]]]',
        '{}',
      ),
      fc.constantFrom('-1', '9007199254740993', '0.1e-2', '"x"', '[1,2.0]', '["\\u0061"]', '{"__proto__":1}'),
      fc.json({ maxDepth: 2 }),
    );
    const spaces = fc.constantFrom('', ' ', '\t', ' \r');
    const changes = fc.array(fc.tuple(fc.nat(), values), { maxLength: 2 });
    fc.assert(
      fc.property(
        samples,
        fc.nat(),
        spaces,
        changes,
        fc.boolean(),
        ({ events, draft }, turn, space, given, twice) => {
          const prepared = prepareDraft(draft, 'a-01kp8g6dg0zg6axb6gqz17wf7m', '', events);
          const line: object = JSON.parse(stampEvent(prepared, ID, TS));
          const members = Object.entries(line).map(([key, value]) => [
            JSON.stringify(key),
            JSON.stringify(value),
          ]);
          for (const [seed, value] of given)
            members[seed % members.length] = [members[seed % members.length]?.[0] ?? '', value];
          if (twice) members.push(members[turn % members.length] ?? []);
          const turned = [
            ...members.slice(turn % members.length),
            ...members.slice(0, turn % members.length),
          ];
          const pairs = turned.map(([key, value]) => `${key}${space}:${space}${value}`);
          const text = `${space}{${space}${pairs.join(`${space},${space}`)}${space}}${space}`;
          lanes[laneOf(text, events)]++;
          expectStrict(text, events);
        },
      ),
      { numRuns: rounds(2000) },
    );
    expect(Math.min(lanes.flat, lanes.strict)).toBeGreaterThan(rounds(2000) / 20);
  });
});
