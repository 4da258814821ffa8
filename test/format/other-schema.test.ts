/** The lanes are compiled from any schema within its limits, not from the one of today alone; what is beyond them does not compile. */
import { describe, expect, test } from 'vitest';
import { decodeStrictly, decodeText } from '../../src/format/decode.js';
import type { EventSchema, FieldSpec, RecordSpec } from '../../src/format/schema.js';
import { Vocabulary } from '../../src/format/vocabulary.js';
import { EventFilter } from '../../src/read/event-filter.js';

const ID = { type: 'string' } as const;

const vocabulary = (schema: EventSchema) => new Vocabulary(schema, []);

function lineOf(type: string, fields: object): string {
  return JSON.stringify({ type, id: 'i', ts: 't', run_id: 'r', ...fields });
}

function manyFields(count: number, presence?: 'optional'): RecordSpec {
  const spec: FieldSpec = presence === undefined ? ID : { ...ID, presence };
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`field_${index}`, spec]));
}

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
  ])('%s, it is found by the filter', ([, spec, fields]) => {
    const events = vocabulary({ 'tool.called': spec, 'x.other': {} });
    const text = `${lineOf('tool.called', fields)}\n${lineOf('x.other', {})}\n`;
    const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(64)]).subarray(0, text.length);
    const matcher = events.newMatcher();
    matcher.use(bytes);
    const end = matcher.match(0);
    expect(matcher.type).toBe('tool.called');
    const passesOver = (nodeId: string) => {
      if (matcher.type === undefined) throw new Error('no match');
      return new EventFilter({ events, nodeId }).passesOver(matcher.type, matcher);
    };
    expect(passesOver('a')).toBe(false);
    if (spec['node_id']?.type === 'string') expect(passesOver('b')).toBe(true);
    matcher.match(end + 1);
    expect(passesOver('a')).toBe(true); // it has none
  });

  test('absent where it is optional, the line is of no node', () => {
    const events = vocabulary({
      'tool.called': { node_id: { ...ID, presence: 'optional' } },
    });
    const text = `${lineOf('tool.called', {})}\n`;
    const matcher = events.newMatcher();
    matcher.use(Buffer.concat([Buffer.from(text), Buffer.alloc(64)]).subarray(0, text.length));
    matcher.match(0);
    if (matcher.type === undefined) throw new Error('no match');
    expect(new EventFilter({ events, nodeId: 'a' }).passesOver(matcher.type, matcher)).toBe(true);
  });
});

describe('more fields than a lane has slots', () => {
  test('over several types, each line decodes as it does strictly', () => {
    const names = Object.keys(manyFields(60));
    const schema = Object.fromEntries(names.map((name, index) => [`some.type${index}`, { [name]: ID }]));
    const events = vocabulary(schema);
    for (const [index, name] of names.entries()) {
      for (const text of [
        lineOf(`some.type${index}`, { [name]: 'v' }),
        ` ${lineOf(`some.type${index}`, { [name]: 'v' })}`,
      ]) {
        expect(decodeText(text, events)).toEqual(decodeStrictly(text, events));
        expect(decodeText(text, events)).toMatchObject({ [name]: 'v' });
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
  ])('%s, a line decodes as it does strictly', ([, spec, fields]) => {
    const events = vocabulary({ 'big.one': spec });
    const text = lineOf('big.one', fields);
    expect(decodeText(text, events)).toEqual(JSON.parse(text));
    expect(decodeStrictly(text, events)).toEqual(JSON.parse(text));
  });
});
