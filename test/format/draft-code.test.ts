/** The compiled lane of writing against the strict checker: over random vocabularies, and drafts right and wrong. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PreparedEvent, prepareDraft, prepareStrictly } from '../../src/format/encode.js';
import { defineEvents, EventLogError, field, omneEvents, type Vocabulary } from '../../src/index.js';
import { rounds } from '../support/rounds.js';
import { vocabularies } from '../support/vocabularies.js';

const RUN_ID = 'a-01kp8g6dg0zg6axb6gqz17wf7m';

type Prepare = typeof prepareDraft;

function outcome(prepare: Prepare, draft: unknown, events: Vocabulary): PreparedEvent | [string, unknown] {
  try {
    return prepare(draft, RUN_ID, '', events);
  } catch (error) {
    if (error instanceof EventLogError) return [error.message, error.field];
    throw error;
  }
}

/** Both lanes say the same, to the order of the keys; returns whether the compiled one took the draft. */
function expectSame(draft: unknown, events: Vocabulary = omneEvents): boolean {
  const strict = outcome(prepareStrictly, draft, events);
  const given = outcome(prepareDraft, draft, events);
  expect(given).toStrictEqual(strict);
  expect(JSON.stringify(given)).toBe(JSON.stringify(strict));
  return events.draftLane.take(draft, RUN_ID) !== undefined;
}

const odd = fc.oneof(
  fc.constantFrom(undefined, null, '', 0, -0, -1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, true),
  fc.constantFrom(
    '\ud800',
    'a\udc00b',
    'é',
    '\n',
    '"',
    '\\',
    '\u007f',
    '\u2028',
    'x'.repeat(65),
    '💥'.repeat(40),
  ),
  fc.constantFrom<unknown>([], {}, [undefined], [null], new Date(0), 1n, () => 1, Symbol('s'), new Map()),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Changes one value somewhere in a draft, or adds one. */
function changed(value: unknown, seed: number, by: unknown): unknown {
  if (typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  const place = seed % (keys.length + 1);
  const rest = Math.floor(seed / (keys.length + 1));
  const key = keys[place] ?? 'extra';
  const old: unknown = Reflect.get(value, key);
  const inner = rest % 2 === 0 ? by : changed(old, rest >> 1, by);
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === key ? inner : each));
  return { ...value, [key]: inner };
}

describe('the compiled lane of writing', () => {
  test('takes what the strict checker takes, with the same copy and the same text, and leaves the rest to it', () => {
    let [taken, left] = [0, 0];
    const samples = vocabularies.chain(({ events, drafts }) =>
      fc.record({
        events: fc.constant(events),
        draft: drafts,
        changes: fc.array(fc.tuple(fc.nat(), odd), { maxLength: 2 }),
      }),
    );
    fc.assert(
      fc.property(samples, ({ events, draft, changes }) => {
        const given = changes.reduce<unknown>((value, [seed, by]) => changed(value, seed, by), draft);
        if (expectSame(given, events)) taken++;
        else left++;
      }),
      { numRuns: rounds(1500) },
    );
    expect(taken).toBeGreaterThan(rounds(1500) / 5);
    expect(left).toBeGreaterThan(rounds(1500) / 10);
  });

  test('takes every right draft of any vocabulary', () => {
    const samples = vocabularies.chain(({ events, drafts }) => drafts.map(draft => ({ events, draft })));
    fc.assert(
      fc.property(samples, ({ events, draft }) => {
        expect(expectSame(draft, events)).toBe(true);
      }),
      { numRuns: rounds(1000) },
    );
  });

  const draft = { type: 'node.started', node_id: 'a', kind: 'loop', name: 'n', model: undefined };
  const hidden = (name: string, value: unknown, enumerable = false) =>
    Object.defineProperty({ ...draft }, name, { value, enumerable, configurable: true });
  const wrongs: [string, unknown, boolean][] = [
    ['a plain draft', draft, true],
    ['keys in another order', { kind: 'loop', node_id: 'a', type: 'node.started' }, true],
    ['no prototype', Object.assign(Object.create(null), draft), true],
    ['fields that are inherited', Object.create(draft), false],
    [
      'a type that is inherited',
      Object.assign(Object.create({ type: 'node.started' }), { node_id: 'a', kind: 'loop' }),
      false,
    ],
    [
      'a field that is inherited beside an unknown one',
      Object.assign(Object.create({ name: 'x' }), { ...draft, name: undefined, foo: 1 }),
      false,
    ],
    [
      'an optional field that is inherited',
      Object.assign(Object.create({ model: 'x' }), { type: 'node.started', node_id: 'a', kind: 'loop' }),
      false,
    ],
    ['a field that is not enumerable', hidden('name', 'x'), false],
    ['a required field that is not enumerable', hidden('node_id', 'x'), false],
    ['an unknown field that is not enumerable', hidden('foo', 'x'), true],
    ['an unknown field', { ...draft, foo: 1 }, false],
    ['an unknown field that is undefined', { ...draft, foo: undefined }, true],
    ['a common field', { ...draft, id: 'x' }, false],
    ['an array', Object.assign([], draft), false],
    ['a proxy', new Proxy(draft, {}), true],
    ['null', null, false],
    ['a text', 'node.started', false],
    ['a type that is an object', { ...draft, type: {} }, false],
    ['an unknown type', { ...draft, type: 'toString' }, false],
    ['a text as an object', { ...draft, node_id: new String('a') }, false],
  ];
  test.each(wrongs)('%s: both lanes say the same', (_, given, taken) => {
    expect(expectSame(given)).toBe(taken);
  });

  test.each(['a/b', 'a..b', '../a', 'a/..', '/a', 'C:/a', 'a:b', 'a\\b', 'a\0b', '', '.', ' a', 'é/a', '-'])(
    'output_path %j: both lanes say the same',
    output_path => {
      expectSame({ type: 'node.completed', node_id: 'a', output_path });
    },
  );

  test('inputs that hide an iterator of their own are left to the strict checker', () => {
    const inputs = Object.assign([{ key: 'a', value: 'b' }], {
      [Symbol.iterator]: () => [][Symbol.iterator](),
    });
    expect(expectSame({ type: 'pipe.started', pipe: 'p', inputs })).toBe(false);
    expect(expectSame({ type: 'pipe.started', pipe: 'p', inputs: new Array(2) })).toBe(false);
    expect(expectSame({ type: 'pipe.started', pipe: 'p', inputs: [{ key: 'é', value: '"' }] })).toBe(true);
  });

  test('a field is read once, and a getter that appends harms no other draft', () => {
    let reads = 0;
    const given = {
      ...{ type: 'gate.passed', node_id: 'é', gate: 'g', method: 'hook' },
      get stdout(): string {
        reads++;
        prepareDraft({ type: 'pipe.completed' }, RUN_ID);
        return 'plain';
      },
    };
    const { tail, bytes, head } = prepareDraft(given, RUN_ID);
    expect(reads).toBe(1);
    expect(bytes).toBe(Buffer.byteLength(head + tail) + 26 + 24 + '","ts":"'.length);
  });

  test('a json field whose schema refuses is refused by the strict checker, with its issues', () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never' }] }) },
    } as const;
    const events = defineEvents({ noted: { values: field.list(field.json(schema)) } });
    expect(expectSame({ type: 'noted', values: [1] }, events)).toBe(false);
    expect(outcome(prepareDraft, { type: 'noted', values: [1] }, events)).toEqual([
      expect.stringContaining('never'),
      'values[0]',
    ]);
  });

  test('where code from text is forbidden, the strict checker does all', () => {
    const program = `
      const { EventLog, omneEvents } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url))});
      const draft = { type: 'pipe.started', pipe: 'p' };
      console.log(omneEvents.draftLane.take(draft, 'x') === undefined);
    `;
    const flags = ['--disallow-code-generation-from-strings', '--input-type=module', '-e', program];
    expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toBe('true\n');
  });
});
