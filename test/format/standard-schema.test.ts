/** Json fields with schemas of zod, valibot and arktype: the same verdicts, whoever made the schema. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import type { StandardSchema } from '../../src/index.js';
import { decodeEvent, defineEvents, EventLog, encodeEvent, field } from '../../src/index.js';
import { rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const stamp = { type: 'tool.called', id: 'i', ts: 't', run_id: 'r' } as const;
const VALID = { tool: 'grep', args: ['-n', 'x'], limit: 3 };

/** For each library: a schema, one that changes the value, and one that answers asynchronously. */
const LIBRARIES: readonly (readonly [
  string,
  {
    readonly plain: StandardSchema;
    readonly changing: StandardSchema;
    readonly slow: StandardSchema | undefined;
  },
])[] = [
  [
    'zod',
    {
      plain: z.strictObject({ tool: z.string(), args: z.array(z.string()), limit: z.int().min(1) }),
      changing: z.object({ tool: z.string().transform(text => text.toUpperCase()) }),
      slow: z.object({ tool: z.string() }).refine(async () => true),
    },
  ],
  [
    'valibot',
    {
      plain: v.strictObject({
        tool: v.string(),
        args: v.array(v.string()),
        limit: v.pipe(v.number(), v.integer(), v.minValue(1)),
      }),
      changing: v.object({ tool: v.pipe(v.string(), v.toUpperCase()) }),
      slow: v.pipeAsync(
        v.object({ tool: v.string() }),
        v.checkAsync(async () => true),
      ),
    },
  ],
  [
    'arktype',
    {
      plain: type({ '+': 'reject', tool: 'string', args: 'string[]', limit: 'number.integer >= 1' }),
      changing: type({ tool: type('string').pipe(text => text.toUpperCase()) }),
      slow: undefined, // it has none
    },
  ],
];

describe.each(LIBRARIES)('a schema of %s', (_, { plain, changing }) => {
  const eventsOf = (schema: StandardSchema) => defineEvents({ 'tool.called': { call: field.json(schema) } });
  const encode = (schema: StandardSchema, call: unknown) => () =>
    encodeEvent({ ...stamp, call: Object(call) }, { events: eventsOf(schema) });

  test('lets through what it accepts, as it is', () => {
    const text = encode(plain, VALID)();
    expect(text).toBe(
      '{"type":"tool.called","id":"i","ts":"t","run_id":"r","call":{"tool":"grep","args":["-n","x"],"limit":3}}',
    );
    expect(decodeEvent(text, { events: eventsOf(plain) })).toStrictEqual({ ...stamp, call: VALID });
  });

  test('refuses what it does not accept, with all its issues and where they are', () => {
    const wrong = { tool: 1, args: ['a', false], limit: 3 };
    expect(encode(plain, wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_EVENT', field: 'call' }),
    );
    for (const part of ['"call" breaks its schema', 'tool', 'args', '; ']) {
      expect(encode(plain, wrong)).toThrow(part);
    }
    expect(encode(plain, wrong)).toThrow(/args(\.|\[)1/);
    expect(encode(plain, { ...VALID, more: 1 })).toThrow('breaks its schema');
    expect(encode(plain, { ...VALID, limit: 0 })).toThrow(/limit/);
  });

  test('refuses a value that it would change, also by leaving something out', () => {
    expect(encode(changing, { tool: 'grep' })).toThrow('has a schema that would change the value');
    expect(encode(changing, { tool: 'GREP' })).not.toThrow();
  });

  test('does not let through what JSON cannot hold', () => {
    expect(encode(plain, { ...VALID, limit: Number.NaN })).toThrow(/call/);
    expect(encode(plain, { ...VALID, tool: '\ud800' })).toThrow('lone surrogate');
  });

  test('is asked on append alone: lines are read without it, and the run carries plain json', async () => {
    const root = temporaryVolume();
    await using log = await EventLog.create(root, 'agent', { events: eventsOf(plain) });
    await log.append({ type: 'tool.called', call: Object(VALID) });
    const refused = await rejection(log.append({ type: 'tool.called', call: Object({}) }));
    expect(refused).toMatchObject({ code: 'ERR_INVALID_EVENT', field: 'call' });
    const text = readFileSync(join(dirname(log.path), 'vocabulary.json'), 'utf8');
    expect(JSON.parse(text).events).toEqual({ 'tool.called': { call: { type: 'json' } } });
    const { runId } = log;
    const events = eventsOf(changing); // would accept none of these lines as they are
    expect(await EventLog.read(root, runId, { events }).toArray()).toMatchObject([{ call: VALID }]);
  });
});

test('a schema that strips what it does not know refuses it', () => {
  for (const schema of [
    z.object({ a: z.number() }),
    v.object({ a: v.number() }),
    type({ '+': 'delete', a: 'number' }),
  ]) {
    const events = defineEvents({ 'tool.called': { call: field.json(schema) } });
    const call = Object({ a: 1, b: 2 });
    expect(() => encodeEvent({ ...stamp, call }, { events })).toThrow('would change the value');
  }
});

const SLOW = LIBRARIES.flatMap(([name, { slow }]) => (slow === undefined ? [] : [[name, slow] as const]));

test.each(SLOW)('a schema of %s that answers asynchronously is refused', (_, schema) => {
  const events = defineEvents({ 'tool.called': { call: field.json(schema) } });
  const call = Object({ tool: 'grep' });
  expect(() => encodeEvent({ ...stamp, call }, { events })).toThrow(
    'has a schema that answers asynchronously',
  );
});

test('an answer that comes too late does not end the program', async () => {
  const late: StandardSchema = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('too late')) },
  };
  const events = defineEvents({ 'tool.called': { call: field.json(late) } });
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  expect(() => encodeEvent({ ...stamp, call: Object({}) }, { events })).toThrow('answers asynchronously');
  await new Promise(setImmediate);
  expect(unhandled).toEqual([]);
});

test.each(LIBRARIES)(
  'a run opened again with schemas of %s is of the same vocabulary',
  async (_, { plain, changing }) => {
    const eventsOf = (call: StandardSchema) =>
      defineEvents({
        'tool.called': { calls: field.list(field.json(call)), at: field.object({ call: field.json(call) }) },
      });
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'agent', { events: eventsOf(plain) });
    await log.close();
    for (const events of [eventsOf(plain), eventsOf(changing)]) {
      await (await EventLog.open(root, log.runId, { events })).close();
    }
    expect(readFileSync(join(dirname(log.path), 'vocabulary.json'), 'utf8')).not.toContain('tool"');
  },
);
