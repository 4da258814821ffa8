/** The lanes are compiled from any schema within its limits, not from the one of today alone; what is beyond them does not compile. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { FieldSpec, RecordSpec } from '../../src/format/events.js';

const ID = { type: 'string' } as const;

/** The format compiled anew from another schema. */
async function compiledFrom(schema: Readonly<Record<string, RecordSpec>>) {
  vi.doMock('../../src/format/events.js', async original => ({
    ...(await original<object>()),
    EVENT_SCHEMA: schema,
    EVENT_TYPES: Object.keys(schema),
  }));
  const { decodeStrictly, decodeText } = await import('../../src/format/decode.js');
  const { LineMatcher } = await import('../../src/format/lanes/line-matcher.js');
  const { EventFilter } = await import('../../src/read/event-filter.js');
  return { decodeStrictly, decodeText, LineMatcher, EventFilter };
}

function lineOf(type: string, fields: object): string {
  return JSON.stringify({ type, id: 'i', ts: 't', run_id: 'r', ...fields });
}

function manyFields(count: number, presence?: 'optional'): RecordSpec {
  const spec: FieldSpec = presence === undefined ? ID : { ...ID, presence };
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`field_${index}`, spec]));
}

beforeEach(() => void vi.resetModules());

describe('a node id at any place', () => {
  test.for<[string, RecordSpec, object]>([
    ['first', { node_id: ID, tool: ID }, { node_id: 'a', tool: 'x' }],
    ['second', { tool: ID, node_id: ID }, { tool: 'x', node_id: 'a' }],
    [
      'after an object',
      { at: { type: 'object', of: { b: ID, c: ID } }, node_id: ID },
      { at: { b: '', c: '' }, node_id: 'a' },
    ],
    ['optional', { tool: ID, node_id: { ...ID, presence: 'optional' } }, { tool: 'x', node_id: 'a' }],
    [
      'a word of a list',
      { tool: ID, node_id: { type: 'enum', values: ['a', 'b'] } },
      { tool: 'x', node_id: 'a' },
    ],
  ])('%s, it is found by the filter', async ([, spec, fields]) => {
    const { LineMatcher, EventFilter } = await compiledFrom({ 'tool.called': spec, 'x.other': {} });
    const text = `${lineOf('tool.called', fields)}\n${lineOf('x.other', {})}\n`;
    const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(64)]).subarray(0, text.length);
    const matcher = new LineMatcher();
    matcher.use(bytes);
    const end = matcher.match(0);
    expect(matcher.type).toBe('tool.called');
    const passesOver = (nodeId: string) => {
      if (matcher.type === undefined) throw new Error('no match');
      return new EventFilter({ nodeId }).passesOver(matcher.type, matcher);
    };
    expect(passesOver('a')).toBe(false);
    if (spec['node_id']?.type === 'string') expect(passesOver('b')).toBe(true);
    matcher.match(end + 1);
    expect(passesOver('a')).toBe(true); // it has none
  });

  test('absent where it is optional, the line is of no node', async () => {
    const { LineMatcher, EventFilter } = await compiledFrom({
      'tool.called': { node_id: { ...ID, presence: 'optional' } },
    });
    const text = `${lineOf('tool.called', {})}\n`;
    const matcher = new LineMatcher();
    matcher.use(Buffer.concat([Buffer.from(text), Buffer.alloc(64)]).subarray(0, text.length));
    matcher.match(0);
    if (matcher.type === undefined) throw new Error('no match');
    expect(new EventFilter({ nodeId: 'a' }).passesOver(matcher.type, matcher)).toBe(true);
  });
});

describe('more fields than a lane has slots', () => {
  test('over several types, each line decodes as it does strictly', async () => {
    const names = Object.keys(manyFields(60));
    const schema = Object.fromEntries(names.map((name, index) => [`some.type${index}`, { [name]: ID }]));
    const { decodeStrictly, decodeText } = await compiledFrom(schema);
    for (const [index, name] of names.entries()) {
      for (const text of [
        lineOf(`some.type${index}`, { [name]: 'v' }),
        ` ${lineOf(`some.type${index}`, { [name]: 'v' })}`,
      ]) {
        expect(decodeText(text)).toEqual(decodeStrictly(text));
        expect(decodeText(text)).toMatchObject({ [name]: 'v' });
      }
    }
  });

  test.for<[string, RecordSpec, object]>([
    ['in one type', manyFields(28), Object.fromEntries(Object.keys(manyFields(28)).map(name => [name, 'v']))],
    ['most of them optional', manyFields(28, 'optional'), { field_0: 'v', field_27: 'v' }],
    [
      'in its objects',
      { a: { type: 'object', of: manyFields(20) }, b: { type: 'object', of: manyFields(20) } },
      Object.fromEntries(
        ['a', 'b'].map(each => [
          each,
          Object.fromEntries(Object.keys(manyFields(20)).map(name => [name, each])),
        ]),
      ),
    ],
  ])('%s, a line decodes as it does strictly', async ([, spec, fields]) => {
    const { decodeStrictly, decodeText } = await compiledFrom({ 'big.one': spec });
    const text = lineOf('big.one', fields);
    expect(decodeText(text)).toEqual(JSON.parse(text));
    expect(decodeStrictly(text)).toEqual(JSON.parse(text));
  });
});

describe('what does not compile', () => {
  test.for(['a-b', '__proto__', '', '1a', 'a b', 'a: 1 }; evil(); ({ b', 'ä', 'a"'])(
    'a field named %j',
    async name => {
      await expect(compiledFrom({ 'some.type': { [name]: ID } })).rejects.toThrow(
        /cannot be the name of a field/,
      );
      vi.resetModules();
      const inner = { outer: { type: 'list', of: { [name]: ID } } } as const;
      await expect(compiledFrom({ 'some.type': inner })).rejects.toThrow(/cannot be the name of a field/);
    },
  );

  test.for(['', 'a"b', 'a\\b', 'a\nb', 'ä', '`$x`'])('an event type named %j', async type => {
    await expect(compiledFrom({ [type]: {} })).rejects.toThrow(/cannot be an event type/);
  });

  test('an event with a field "type" of its own', async () => {
    await expect(compiledFrom({ 'some.type': { type: ID } })).rejects.toThrow(/"type" cannot be/);
  });

  test('a record of more fields than it may have', async () => {
    await expect(compiledFrom({ 'some.type': manyFields(40) })).rejects.toThrow(/it may have 31/);
  });
});
