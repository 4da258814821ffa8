/** What the compiler knows of the events of any vocabulary. */
import { describe, expectTypeOf, test } from 'vitest';
import {
  type DraftsOf,
  decodeEvent,
  defineEvents,
  type EventDraft,
  EventLog,
  type EventOf,
  type EventsOf,
  encodeEvent,
  eventDecoder,
  field,
  omneEvents,
  type RunEvent,
  type TypesOf,
} from '../../src/index.js';

const builds = defineEvents(
  {
    'build.started': { target: field.string(), args: field.list(field.string()).optional() },
    'step.finished': {
      step: field.string(),
      seconds: field.number(),
      cached: field.boolean(),
      outcome: field.enum('ok', 'failed'),
      retries: field.integer({ min: 0 }).default(0),
      where: field.object({ file: field.string(), line: field.integer().optional() }),
      detail: field.json().optional(),
    },
    'build.finished': { ok: field.boolean() },
  },
  { terminal: ['build.finished'] },
);
const agents = omneEvents.extend({ 'tool.called': { node_id: field.string(), tokens: field.integer() } });
type BuildEvent = EventsOf<typeof builds>;
type StepFinished = EventOf<'step.finished', typeof builds>;
const stamp = { id: '', ts: '', run_id: '' };
declare const log: EventLog<typeof builds>;
type AgentEvent = EventsOf<typeof agents>;
type AgentDraft = DraftsOf<typeof agents>;
declare function model(history: readonly AgentEvent[]): Promise<AgentDraft>;

describe('an event', () => {
  test('has the fields of its type, in types that people can read', () => {
    type Expected = {
      type: 'step.finished';
      id: string;
      ts: string;
      run_id: string;
      step: string;
      seconds: number;
      cached: boolean;
      outcome: 'ok' | 'failed';
      retries: number;
      where: { file: string; line?: number };
    };
    expectTypeOf<Omit<StepFinished, 'detail'>>().toEqualTypeOf<Expected>();
    expectTypeOf<TypesOf<typeof builds>>().toEqualTypeOf<
      'build.started' | 'step.finished' | 'build.finished'
    >();
  });

  test('narrows in a switch, which is exhaustive', () => {
    const told = (event: BuildEvent): string => {
      switch (event.type) {
        case 'build.started':
          return event.args?.join(' ') ?? event.target;
        case 'step.finished':
          return `${event.step} ${event.seconds.toFixed(1)} ${event.where.file}`;
        case 'build.finished':
          return String(event.ok);
      }
    };
    expectTypeOf(told).returns.toBeString();
  });

  test('of a vocabulary that extends another is one of both', () => {
    expectTypeOf<RunEvent>().toExtend<EventsOf<typeof agents>>();
    expectTypeOf<Extract<EventsOf<typeof agents>, { type: 'tool.called' }>['tokens']>().toBeNumber();
  });
});

describe('reading', () => {
  test('gives the events of the vocabulary, narrowed by types', async () => {
    const events = builds;
    expectTypeOf(await EventLog.read('.', '', { events }).toArray()).toEqualTypeOf<BuildEvent[]>();
    expectTypeOf(await EventLog.read('.', '', { events, types: ['step.finished'] }).toArray()).toEqualTypeOf<
      StepFinished[]
    >();
    expectTypeOf(await EventLog.tail('.', '', { events, types: ['step.finished'] }).toArray()).toEqualTypeOf<
      StepFinished[]
    >();
    expectTypeOf(await log.read({ types: ['step.finished'] }).toArray()).toEqualTypeOf<StepFinished[]>();
    expectTypeOf(await log.read().toArray()).toEqualTypeOf<BuildEvent[]>();
    expectTypeOf(await eventDecoder({ events, types: ['step.finished'] }).toArray()).toEqualTypeOf<
      StepFinished[]
    >();
    for await (const { event } of EventLog.readAll('.', { events, types: ['step.finished'] })) {
      expectTypeOf(event.seconds).toBeNumber();
    }
    expectTypeOf(decodeEvent('', { events })).toEqualTypeOf<BuildEvent>();
    expectTypeOf(decodeEvent('')).toEqualTypeOf<RunEvent>();
    // @ts-expect-error no type of this vocabulary
    EventLog.read('.', '', { events, types: ['node.failed'] });
    // @ts-expect-error no type of this vocabulary
    log.read({ types: ['node.failed'] });
    // @ts-expect-error no vocabulary
    EventLog.read('.', '', { events: {} });
  });
});

describe('appending', () => {
  test('takes the drafts of the vocabulary, and resolves with their events', async () => {
    const created = await EventLog.create('.', 'nightly', { events: builds });
    expectTypeOf(created).toEqualTypeOf<EventLog<typeof builds>>();
    const where = { file: 'a' };
    const finished = await created.append({
      type: 'step.finished',
      step: 'lint',
      seconds: 1.5,
      cached: false,
      outcome: 'ok',
      where,
      detail: { any: [1, 'x', null] },
    });
    expectTypeOf(finished).toEqualTypeOf<StepFinished>();
    const both = await created.appendAll([
      { type: 'build.started', target: 'all' },
      { type: 'build.finished', ok: true },
    ]);
    expectTypeOf(both[1].ok).toBeBoolean();
    expectTypeOf<DraftsOf<typeof omneEvents>>().toEqualTypeOf<EventDraft>();
  });

  test('refuses what the vocabulary has not', () => {
    // @ts-expect-error a type of another vocabulary
    log.append({ type: 'pipe.completed' });
    // @ts-expect-error a field is missing
    log.append({ type: 'build.started' });
    // @ts-expect-error a field of another kind
    log.append({ type: 'build.finished', ok: 'yes' });
    // @ts-expect-error no field of this type
    log.append({ type: 'build.finished', ok: true, why: '' });
    log.append({
      type: 'step.finished',
      step: '',
      seconds: 0,
      cached: true,
      outcome: 'ok',
      // @ts-expect-error no field of the object
      where: { file: '', col: 1 },
    });
    log.append({
      type: 'step.finished',
      step: '',
      seconds: 0,
      cached: true,
      // @ts-expect-error no such word
      outcome: 'maybe',
      where: { file: '' },
    });
    log.append({
      type: 'step.finished',
      step: '',
      seconds: 0,
      cached: true,
      outcome: 'ok',
      where: { file: '' },
      // @ts-expect-error what is no JSON
      detail: () => 1,
    });
    // @ts-expect-error a field is missing
    encodeEvent({ type: 'build.finished', ...stamp }, { events: builds });
  });
});

describe('defining', () => {
  test('refuses what is no field, a terminal type that is not defined, and a default of another kind', () => {
    // @ts-expect-error no field
    defineEvents({ a: { b: 'string' } });
    // @ts-expect-error not defined
    defineEvents({ a: {} }, { terminal: ['b'] });
    // @ts-expect-error of another kind
    field.string().default(1);
    // @ts-expect-error an enum of none
    field.enum();
    // @ts-expect-error no such word
    field.enum('a', 'b').default('c');
    // @ts-expect-error items cannot be optional
    field.list(field.string().optional());
  });
});

describe('an agent', () => {
  test('has the types that its page names', () => {
    expectTypeOf(model).parameter(0).items.toEqualTypeOf<AgentEvent>();
    expectTypeOf(model).returns.resolves.toEqualTypeOf<AgentDraft>();
    expectTypeOf<AgentDraft['type']>().toEqualTypeOf<TypesOf<typeof agents>>();
  });
});
