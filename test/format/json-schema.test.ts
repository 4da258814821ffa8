/** The JSON Schema against the decoder's verdicts, with a validator that knows nothing of this library. */
import { isUtf8 } from 'node:buffer';
import { createRequire } from 'node:module';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVENT_SCHEMA } from '../../src/format/events.js';
import { jsonSchema } from '../../src/format/json-schema.js';
import { decodeEvent, EVENT_TYPES, encodeEvent, MalformedLineError } from '../../src/index.js';
import { events, rearrangedLines } from '../support/arbitraries.js';
import { conformanceCases } from '../support/logs.js';
import { rounds } from '../support/rounds.js';

const validate = new Ajv2020({ strict: true }).compile(jsonSchema());
const cases = conformanceCases();

/** Why the decoder rejects a line; undefined where it does not. */
function rejectionOf(line: string | Uint8Array): string | undefined {
  try {
    decodeEvent(line);
    return undefined;
  } catch (error) {
    if (error instanceof MalformedLineError) return error.reason;
    throw error;
  }
}

/** The JSON value of a line, where it is UTF-8 and JSON. */
function parsed(line: Uint8Array): { value: unknown } | undefined {
  if (!isUtf8(line)) return undefined;
  try {
    return { value: JSON.parse(Buffer.from(line).toString()) };
  } catch {
    return undefined;
  }
}

/** A value as text that hides nothing: each key once, numbers in plain digits, surrogates only in pairs. */
function plainly(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? part.toWellFormed() : part));
}

/** Of a value that is an event, what only its text shows. */
const ONLY_IN_TEXT = [
  ['key given twice', /^duplicate field/],
  ['half a surrogate pair', /holds a lone surrogate$/],
  ['integer not written in digits', /written in digits only$|, not -0(\.0+)?$/],
] as const;

/**
 * The rule: no JSON Schema can reject a line that has no JSON value, or one whose value, written plainly, is an event.
 * Gives what kind of line it is then.
 */
function beyondAnySchema(line: Uint8Array): string | undefined {
  const read = parsed(line);
  if (read === undefined) return isUtf8(line) ? 'not JSON' : 'not UTF-8';
  const reason = rejectionOf(line) ?? '';
  const kind = ONLY_IN_TEXT.find(([, pattern]) => pattern.test(reason))?.[0];
  return kind !== undefined && rejectionOf(plainly(read.value)) === undefined ? kind : undefined;
}

describe('of the conformance cases', () => {
  const refused = cases.filter(({ line }) => rejectionOf(line) !== undefined);

  test('none that must be rejected is left out here', () => {
    expect(cases.filter(one => one.expect === 'reject' && !refused.includes(one))).toEqual([]);
  });

  test('every event is valid', () => {
    const accepted = cases.filter(({ line }) => rejectionOf(line) === undefined);
    expect(accepted.length).toBeGreaterThanOrEqual(cases.filter(one => one.expect === 'accept').length);
    const invalid = accepted.filter(({ line }) => !validate(parsed(line)?.value));
    expect(invalid.map(({ name }) => name)).toEqual([]);
  });

  test('everything rejected is invalid but for what no JSON Schema can see', () => {
    const rejected = refused.filter(({ line }) => beyondAnySchema(line) === undefined);
    expect(rejected.length).toBeGreaterThan(300);
    const valid = rejected.filter(({ line }) => validate(parsed(line)?.value));
    expect(valid.map(({ name }) => name)).toEqual([]);
  });

  test('what no JSON Schema can see is of five kinds, found where they are meant to be', () => {
    const groups = new Map<string, Set<string>>();
    for (const { name, line } of refused) {
      const kind = beyondAnySchema(line);
      if (kind === undefined || kind === 'not JSON') continue;
      groups.set(kind, (groups.get(kind) ?? new Set()).add(name.slice(0, name.indexOf('/'))));
    }
    expect(Object.fromEntries([...groups].map(([kind, names]) => [kind, [...names].sort()]))).toEqual({
      'not UTF-8': ['invalid_utf8', 'truncated'],
      'key given twice': ['duplicate'],
      'half a surrogate pair': ['surrogate'],
      'integer not written in digits': ['integer'],
    });
  });
});

test('the schema and the decoder agree on every value', () => {
  let rejected = 0;
  fc.assert(
    fc.property(rearrangedLines, line => {
      const read = parsed(line);
      if (read === undefined) return;
      const plain = plainly(read.value);
      const reason = rejectionOf(plain);
      if (reason !== undefined) rejected++;
      expect(validate(JSON.parse(plain)), `${plain}: ${reason}`).toBe(reason === undefined);
    }),
    { numRuns: rounds(2000) },
  );
  expect(rejected).toBeGreaterThan(rounds(100));
});

test('every event that is written is valid', () => {
  fc.assert(
    fc.property(events, event => {
      expect(validate(JSON.parse(encodeEvent(event)))).toBe(true);
    }),
  );
});

test('each type of the table has a part of its own, with its fields in wire order', () => {
  const { oneOf } = jsonSchema();
  const parts = Array.isArray(oneOf) ? oneOf : [];
  expect(parts.map(part => part.title)).toEqual(EVENT_TYPES);
  for (const part of parts) {
    const fields = Object.entries(EVENT_SCHEMA).find(([type]) => type === part.title)?.[1] ?? {};
    expect(Object.keys(part.properties)).toEqual(['type', 'id', 'ts', 'run_id', ...Object.keys(fields)]);
  }
});

test('the package holds the schema as a file under its own name', () => {
  const stored: unknown = createRequire(import.meta.url)('omne-event-log/event.schema.json');
  expect(stored).toEqual(jsonSchema());
});
