/** Defining a vocabulary: what cannot be one is refused at once, with a reason. */
import { describe, expect, test } from 'vitest';
import {
  decodeEvent,
  defineEvents,
  EVENT_TYPES,
  encodeEvent,
  field,
  jsonSchema,
  omneEvents,
} from '../../src/index.js';

const stamp = { id: 'i', ts: 't', run_id: 'r' };

/** A definition that the compiler would not let through. */
const define = (definition: unknown, options?: unknown) => () =>
  Reflect.apply(defineEvents, undefined, [definition, options]);

describe('an event type', () => {
  test.for(['', 'a"b', 'a\nb', 'a b', '.a', '1a', 'ä', '`$x`', 'a'.repeat(129), 'constructor', 'toString'])(
    'cannot be named %j',
    type => {
      expect(define({ [type]: {} })).toThrow(TypeError);
      expect(define({ [type]: {} })).toThrow(/cannot be an event type/);
    },
  );

  test('cannot be named __proto__', () => {
    expect(define(JSON.parse('{"__proto__":{}}'))).toThrow(/cannot be an event type/);
  });

  test('may have dots, dashes and underscores in its name', () => {
    const events = defineEvents({ 'a.b-c_D.9': { x: field.string() } });
    const event = { type: 'a.b-c_D.9', ...stamp, x: 'y' } as const;
    expect(decodeEvent(encodeEvent(event, { events }), { events })).toStrictEqual(event);
  });

  test.for([1, null, [], 'fields', undefined])('has fields, not %j', fields => {
    expect(define({ a: fields })).toThrow(TypeError);
  });
});

describe('a field', () => {
  test.for([
    '',
    'a"b',
    'a\nb',
    'a.b',
    'a-b',
    '_a',
    '1a',
    'ä',
    'a'.repeat(129),
    'constructor',
    'a: 1 }; evil(); ({ b',
  ])('cannot be named %j', name => {
    expect(define({ a: { [name]: field.string() } })).toThrow(/cannot be the name of a field/);
    expect(define({ a: { in: field.object({ [name]: field.string() }) } })).toThrow(/cannot be the name/);
  });

  test('cannot be named __proto__', () => {
    const fields = Object.fromEntries([['__proto__', field.string()]]);
    expect(define({ a: fields })).toThrow(/cannot be the name of a field/);
  });

  test.for(['type', 'id', 'ts', 'run_id'])('cannot be the %s that every event has', name => {
    expect(define({ a: { [name]: field.string() } })).toThrow(/every event has/);
  });

  test.for([1, 'string', null, {}, { type: 'string' }, () => field.string()])('cannot be %o', value => {
    expect(define({ a: { b: value } })).toThrow(/must be made by field/);
  });

  test('cannot hold itself', () => {
    const fields: { [name: string]: unknown } = {};
    fields['self'] = fields;
    expect(define({ a: fields })).toThrow(/must be made by field/);
  });
});

describe('limits', () => {
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, field.string()]));

  test('an event has at most 100 fields', () => {
    expect(define({ a: many(1000) })).toThrow('a has 1000 fields; it may have 100');
    expect(define({ a: many(100) })).not.toThrow();
  });

  test('a vocabulary has from 1 to 1000 event types', () => {
    const types = (count: number) => Object.fromEntries(Object.keys(many(count)).map(name => [name, {}]));
    expect(define({})).toThrow(/needs an event type/);
    expect(define(types(1001))).toThrow(/it may have 1000/);
    expect(define(types(1000))).not.toThrow();
  });

  test('fields are nested 8 levels deep at most', () => {
    let list: ReturnType<typeof field.list> = field.list(field.string());
    for (let depth = 0; depth < 20; depth++) list = field.list(Object(list));
    expect(define({ a: { list } })).toThrow(/nested deeper than 8/);
    let object: ReturnType<typeof field.object> = field.object({ x: field.string() });
    for (let depth = 0; depth < 20; depth++) object = field.object({ x: object });
    expect(define({ a: { object } })).toThrow(/nested deeper than 8/);
  });

  test('an enum has from 1 to 256 words, all different, and well-formed', () => {
    const words = (...given: string[]) => define({ a: { b: Reflect.apply(field.enum, field, given) } });
    expect(words()).toThrow(/needs a word/);
    expect(words('a', 'a')).toThrow(/a word twice/);
    expect(words('\ud800')).toThrow(/cannot be a word/);
    expect(words(...Array.from({ length: 257 }, (_, index) => `w${index}`))).toThrow(/may have 256/);
    expect(words('a"b', 'c\nd', '', 'é')).not.toThrow();
  });
});

describe('a default', () => {
  test('must be one of the field', () => {
    expect(() => field.string().default(Object(1))).toThrow(TypeError);
    expect(() => field.integer({ min: 2 }).default(1)).toThrow(/from 2 to/);
    expect(() => field.enum('a', 'b').default(Object('c').toString())).toThrow(/one of a, b/);
    expect(() => field.number().default(Number.NaN)).toThrow(/finite/);
    expect(() => field.boolean().default(Object('true'))).toThrow(TypeError);
  });

  test('of a list is the empty one, and objects and json have none', () => {
    expect(() => field.list(field.string()).default(Object(['a']))).toThrow(/can only be \[\]/);
    expect(() => field.object({ a: field.string() }).default(Object({ a: '' }))).toThrow(/no default/);
    expect(() => field.json().default(Object(1))).toThrow(/no default/);
  });

  test('is given once, and not to an optional field', () => {
    expect(() => Object(field.string().default('')).default('')).toThrow(/defaulted already/);
    expect(() => Object(field.string().optional()).default('')).toThrow(/optional already/);
    expect(() => Object(field.string().default('')).optional()).toThrow(/defaulted already/);
  });

  test('is there in memory, and left out of the line', () => {
    const events = defineEvents({
      a: {
        n: field.integer().default(7),
        at: field.object({ x: field.string().default('-'), y: field.boolean() }),
      },
    });
    const text = '{"type":"a","id":"i","ts":"t","run_id":"r","at":{"y":true}}';
    const event = { type: 'a', ...stamp, n: 7, at: { x: '-', y: true } } as const;
    expect(decodeEvent(text, { events })).toStrictEqual(event);
    expect(encodeEvent(event, { events })).toBe(text);
    expect(encodeEvent({ ...event, n: 8 }, { events })).toContain('"n":8');
  });
});

describe('what else is refused', () => {
  test('a terminal type that is not defined', () => {
    expect(define({ a: {} }, { terminal: ['b'] })).toThrow('terminal type "b" is not defined');
    expect(define({ a: {} }, { terminal: ['toString'] })).toThrow(/not defined/);
  });

  test.each([null, 'events', []])('%j in the place of the types', given => {
    expect(() => Reflect.apply(defineEvents, undefined, [given])).toThrow('the events must be an object');
  });

  test('an option that does not exist', () => {
    expect(define({ a: {} }, { terminals: ['a'] })).toThrow(/did you mean terminal/);
  });

  test('bounds that hold no integer', () => {
    expect(() => field.integer({ min: 2, max: 1 })).toThrow(/greater than max/);
    expect(() => field.integer({ max: 2 ** 53 })).toThrow(/safe integer/);
    expect(() => field.integer({ min: -0 })).toThrow(/safe integer/);
    expect(() => field.integer({ min: 0.5 })).toThrow(/safe integer/);
  });

  test('a list of optional items', () => {
    expect(() => field.list(Object(field.string().optional()))).toThrow(/cannot be optional/);
  });

  test('what is no schema, as one of a json field', () => {
    expect(() => field.json(Object({}))).toThrow(/Standard Schema/);
  });
});

describe('extend', () => {
  test('gives a new vocabulary with more types, whose ends are those of both', () => {
    const agents = omneEvents.extend(
      { 'tool.called': { tool: field.string() }, done: {} },
      { terminal: ['done'] },
    );
    expect(agents.types).toEqual([...EVENT_TYPES, 'tool.called', 'done']);
    expect(agents.terminal).toEqual(['pipe.completed', 'pipe.aborted', 'done']);
    expect(omneEvents.types).toEqual(EVENT_TYPES);
  });

  test('does not take a type that is there', () => {
    expect(() => omneEvents.extend({ 'pipe.started': {} })).toThrow(/"pipe.started" is defined already/);
  });
});

test('a vocabulary has its JSON Schema', () => {
  const events = defineEvents({
    a: { n: field.number(), list: field.list(field.enum('x', 'y')), j: field.json().optional() },
  });
  expect(jsonSchema(events)).toMatchObject({
    oneOf: [
      {
        title: 'a',
        properties: { n: { type: 'number' }, list: { type: 'array', items: { enum: ['x', 'y'] } } },
        required: ['type', 'id', 'ts', 'run_id', 'n', 'list'],
      },
    ],
  });
});
