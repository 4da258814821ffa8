/** What holds for every event and for every line, whatever is in them. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepareDraft, stampEvent } from '../src/format/encode.js';
import {
  decodeEvent,
  EVENT_TYPES,
  EventLogError,
  encodeEvent,
  MalformedLineError,
  type RunEvent,
} from '../src/index.js';
import {
  brokenTexts,
  drafts,
  escaped,
  events,
  joined,
  jsonTexts,
  lines,
  type Member,
  membersOf,
  runIds,
  spaces,
  texts,
  ulids,
  unknownKeys,
} from './support/arbitraries.js';
import { rounds } from './support/rounds.js';

/** The event, or undefined when the line is rejected as it must be; anything else fails the test. */
function decoded(line: string | Uint8Array): RunEvent | undefined {
  try {
    return decodeEvent(line);
  } catch (error) {
    if (!(error instanceof MalformedLineError)) throw error;
    expect(error.code).toBe('ERR_MALFORMED_LINE');
    expect(error.reason).not.toBe('');
    return undefined;
  }
}

/** A moment of the years 1970 to 9999, as the library writes it. */
const moments = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map(date => date.toISOString());

describe('an event', () => {
  test('survives encoding and decoding, as text and as bytes', () => {
    fc.assert(
      fc.property(events, event => {
        const line = encodeEvent(event);
        expect(decodeEvent(line)).toStrictEqual(event);
        expect(decodeEvent(Buffer.from(line))).toStrictEqual(event);
      }),
      { numRuns: rounds(1000) },
    );
  });

  test('is one line: neither LF nor any other control character is in its encoding', () => {
    fc.assert(
      fc.property(events, event => {
        expect(encodeEvent(event)).not.toMatch(/[\0-\x1f]/);
      }),
      { numRuns: rounds(500) },
    );
  });

  test('is encoded the same whatever the order of its properties', () => {
    const shuffled = events.chain(event => {
      const members = membersOf(event);
      return fc.tuple(fc.constant(event), fc.shuffledSubarray(members, { minLength: members.length }));
    });
    fc.assert(
      fc.property(shuffled, ([event, members]) => {
        expect(encodeEvent(JSON.parse(joined(members)))).toBe(encodeEvent(event));
      }),
      { numRuns: rounds(300) },
    );
  });
});

describe('a draft that append takes', () => {
  test('is read back equal from the line that is written', () => {
    fc.assert(
      fc.property(drafts, runIds, ulids, moments, (draft, runId, id, ts) => {
        const prepared = prepareDraft(draft, runId);
        const line = stampEvent(prepared, id, ts);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(Buffer.byteLength(line)).toBe(prepared.bytes);
        expect(decodeEvent(line)).toStrictEqual(prepared.event);
        expect({ ...prepared.event, ...draft, id, ts, run_id: runId }).toStrictEqual(prepared.event);
        expect(`${encodeEvent(prepared.event as RunEvent)}\n`).toBe(line);
      }),
      { numRuns: rounds(1000) },
    );
  });

  test('never shares an object with the event: changing one leaves the other alone', () => {
    const input = fc.record({ key: texts, value: texts });
    fc.assert(
      fc.property(fc.array(input, { minLength: 1, maxLength: 3 }), runIds, ulids, (inputs, runId, id) => {
        const draft = { type: 'pipe.started', pipe: 'a', inputs };
        const prepared = prepareDraft(draft, runId);
        const before = structuredClone(prepared.event);
        for (const each of inputs) each.key = `changed ${each.key}`;
        inputs.length = 0;
        expect(prepared.event).toStrictEqual(before);
        const line = stampEvent(prepared, id, new Date(0).toISOString());
        expect(decodeEvent(line)).toStrictEqual(prepared.event);
      }),
      { numRuns: rounds(100) },
    );
  });
});

test('any value at all as a draft is either refused with ERR_INVALID_EVENT or read back equal', () => {
  const values = fc.oneof(
    fc.anything({ withNullPrototype: true, withMap: true, withSparseArray: true, withBigInt: true }),
    fc
      .tuple(drafts, fc.string(), fc.anything({ withSparseArray: true }))
      .map(([draft, key, value]) => ({ ...draft, [key]: value })),
    fc
      .tuple(drafts, fc.nat(7), fc.oneof(brokenTexts, texts, fc.anything(), fc.double()))
      .map(([draft, at, value]) => ({ ...draft, [Object.keys(draft)[at] ?? 'id']: value })),
    drafts, // nearly all others are refused, and few rounds would have too few that are taken
  );
  const outcomes = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(values, value => {
      try {
        const prepared = prepareDraft(value, 'pipe-01kp8g6dg0zg6axb6gqz17wf7m');
        const line = stampEvent(prepared, '01kp8g6dg0zg6axb6gqz17wf7m', '2026-04-15T12:00:00.000Z');
        expect(decodeEvent(line)).toStrictEqual(prepared.event);
        outcomes.taken++;
      } catch (error) {
        if (!(error instanceof EventLogError)) throw error;
        expect(error.code).toBe('ERR_INVALID_EVENT');
        expect(error.field).toBeTypeOf('string');
        outcomes.refused++;
      }
    }),
    { numRuns: rounds(2000) },
  );
  expect(Math.min(outcomes.taken, outcomes.refused)).toBeGreaterThan(rounds(20));
});

describe('a line', () => {
  test('is either rejected or its re-encoding is a fixed point', () => {
    const outcomes = { accepted: 0, rejected: 0 };
    fc.assert(
      fc.property(lines, line => {
        const event = decoded(line);
        if (isUtf8(line)) expect(decoded(Buffer.from(line).toString('utf8'))).toStrictEqual(event);
        if (event === undefined) {
          outcomes.rejected++;
          return;
        }
        outcomes.accepted++;
        const canonical = encodeEvent(event);
        expect(decodeEvent(canonical)).toStrictEqual(event);
        expect(encodeEvent(decodeEvent(canonical))).toBe(canonical);
      }),
      { numRuns: rounds(5000) },
    );
    expect(Math.min(outcomes.accepted, outcomes.rejected)).toBeGreaterThan(rounds(500));
  });

  test('reads the same with its members reordered, escaped, spaced out and joined by unknown ones', () => {
    const unknown = fc.tuple(unknownKeys, jsonTexts.filter(isJson));
    fc.assert(
      fc.property(
        events,
        fc.array(unknown, { maxLength: 3 }),
        spaces,
        fc.nat(),
        (event, strangers, space, seed) => {
          const known = membersOf(event).map(
            ([key, value], at): Member => ((seed >> at) & 1 ? [escaped(key), escaped(value)] : [key, value]),
          );
          const members = [...known, ...strangers];
          const turn = seed % members.length;
          const line = joined([...members.slice(turn), ...members.slice(0, turn)], space);
          expect(decodeEvent(line)).toStrictEqual(event);
        },
      ),
      { numRuns: rounds(1000) },
    );
  });

  test('is rejected when a known member is in it twice, however the key is written', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.nat(), fc.boolean(), (event, from, to, spelledOut) => {
        const members = membersOf(event);
        const [key, value] = members[from % members.length] ?? ['', ''];
        const again: Member = [spelledOut ? escaped(key) : key, value];
        expect(decoded(joined(members.toSpliced(to % (members.length + 1), 0, again)))).toBeUndefined();
      }),
      { numRuns: rounds(500) },
    );
  });

  test('is rejected when a known text holds half a surrogate pair', () => {
    fc.assert(
      fc.property(events, brokenTexts, fc.nat(), (event, broken, seed) => {
        const members = membersOf(event);
        const texts = members.flatMap(([, value], at) => (value.startsWith('"') ? [at] : []));
        const at = texts[seed % texts.length] ?? 0;
        const [key] = members[at] ?? [''];
        expect(decoded(joined(members.with(at, [key, JSON.stringify(broken)])))).toBeUndefined();
      }),
      { numRuns: rounds(300) },
    );
  });

  test('is rejected when a required member is left out or null', () => {
    const optional = ['inputs', 'distro_version', 'name', 'model', 'message', 'stdout'];
    fc.assert(
      fc.property(events, fc.nat(), fc.boolean(), (event, seed, leftOut) => {
        const members = membersOf(event);
        const required = members.filter(([key]) => !optional.includes(JSON.parse(key)));
        const [key] = required[seed % required.length] ?? [''];
        const rest = members.filter(([other]) => other !== key);
        expect(decoded(joined(leftOut ? rest : [...rest, [key, 'null']]))).toBeUndefined();
      }),
      { numRuns: rounds(300) },
    );
  });
});

test('every event type is tried by these tests', () => {
  expect(new Set(fc.sample(events, 500).map(({ type }) => type))).toEqual(new Set(EVENT_TYPES));
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
