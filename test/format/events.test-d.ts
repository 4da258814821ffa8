/** What the types of the vocabulary let through, and what does not compile. Never run: the compiler is the test. */
import { describe, expectTypeOf, test } from 'vitest';
import {
  type DraftOf,
  decodeEvent,
  type ErrorKind,
  EVENT_TYPES,
  type EventDraft,
  type EventLog,
  type EventOf,
  type EventType,
  type ExactDraft,
  encodeEvent,
  type GateMethod,
  type GatePassed,
  type Input,
  type IterationStarted,
  isRunId,
  isTerminal,
  type MissingField,
  type NodeCompleted,
  type NodeError,
  type NodeFailed,
  type NodeKind,
  type NodeStarted,
  type PipeAborted,
  type PipeCompleted,
  type PipeStarted,
  type RunEvent,
} from '../../src/index.js';

declare const log: EventLog;
declare const event: RunEvent;
declare const draft: EventDraft;
declare const text: string;
declare const flag: boolean;
declare const kind: NodeKind;

describe('the vocabulary', () => {
  test('has these shapes', () => {
    type Stamp = { id: string; ts: string; run_id: string };
    type Flat<T> = { [K in keyof T]: T[K] };
    expectTypeOf<Input>().toEqualTypeOf<{ key: string; value: string }>();
    expectTypeOf<NodeKind>().toEqualTypeOf<'command' | 'prompt' | 'bash' | 'loop'>();
    expectTypeOf<GateMethod>().toEqualTypeOf<'hook' | 'human_cli' | 'mcp_tool'>();
    expectTypeOf<ErrorKind>().toEqualTypeOf<
      | 'host_missing'
      | 'timeout'
      | 'blocked'
      | 'gate_failed'
      | 'gate_timeout'
      | 'crash'
      | 'max_iterations_exceeded'
    >();
    expectTypeOf<NodeError>().toEqualTypeOf<{ kind: ErrorKind }>();
    expectTypeOf<PipeStarted>().toEqualTypeOf<
      Flat<{ type: 'pipe.started'; pipe: string; inputs: Input[]; distro_version: string } & Stamp>
    >();
    expectTypeOf<PipeCompleted>().toEqualTypeOf<Flat<{ type: 'pipe.completed' } & Stamp>>();
    expectTypeOf<PipeAborted>().toEqualTypeOf<Flat<{ type: 'pipe.aborted'; reason: string } & Stamp>>();
    expectTypeOf<NodeStarted>().toEqualTypeOf<
      Flat<{ type: 'node.started'; node_id: string; kind: NodeKind; name?: string; model?: string } & Stamp>
    >();
    expectTypeOf<NodeCompleted>().toEqualTypeOf<
      Flat<{ type: 'node.completed'; node_id: string; output_path: string } & Stamp>
    >();
    expectTypeOf<NodeFailed>().toEqualTypeOf<
      Flat<{ type: 'node.failed'; node_id: string; error: NodeError; message?: string } & Stamp>
    >();
    expectTypeOf<GatePassed>().toEqualTypeOf<
      Flat<
        { type: 'gate.passed'; node_id: string; gate: string; method: GateMethod; stdout?: string } & Stamp
      >
    >();
    expectTypeOf<IterationStarted>().toEqualTypeOf<
      Flat<{ type: 'iteration.started'; node_id: string; iteration: number; byte_offset: number } & Stamp>
    >();
  });

  test('is a union by type', () => {
    expectTypeOf<EventOf<'node.started'>>().toEqualTypeOf<NodeStarted>();
    expectTypeOf<EventOf<EventType>>().toEqualTypeOf<RunEvent>();
    expectTypeOf<RunEvent['type']>().toEqualTypeOf<EventType>();
    expectTypeOf(EVENT_TYPES).toEqualTypeOf<readonly EventType[]>();
    // @ts-expect-error there is no such type
    expectTypeOf<EventOf<'node.paused'>>().toBeNever();
    // @ts-expect-error the list cannot be changed
    EVENT_TYPES.push('pipe.started');
  });

  test('narrows in a switch, which is exhaustive with a case for each type', () => {
    const summary = (): string | number => {
      switch (event.type) {
        case 'pipe.started':
          return event.inputs.length;
        case 'pipe.completed':
          return event.id;
        case 'pipe.aborted':
          return event.reason;
        case 'node.started':
          return event.kind;
        case 'node.completed':
          return event.output_path;
        case 'node.failed':
          return event.error.kind;
        case 'gate.passed':
          return event.method;
        case 'iteration.started':
          return event.byte_offset;
        default:
          expectTypeOf(event).toBeNever();
          return event;
      }
    };
    expectTypeOf(summary).returns.toEqualTypeOf<string | number>();
    // @ts-expect-error not every event has a reason
    event.reason;
  });

  test('narrows by isTerminal, to both sides', () => {
    if (isTerminal(event)) expectTypeOf(event).toEqualTypeOf<PipeCompleted | PipeAborted>();
    else expectTypeOf(event.type).toEqualTypeOf<Exclude<EventType, 'pipe.completed' | 'pipe.aborted'>>();
  });

  test('keeps absent apart from undefined', () => {
    const stamp = { id: text, ts: text, run_id: text };
    // @ts-expect-error an absent name is no name at all
    encodeEvent({ type: 'node.started', ...stamp, node_id: text, kind, name: undefined });
    // @ts-expect-error no event without an id
    encodeEvent({ type: 'pipe.completed', ts: text, run_id: text });
    expectTypeOf(decodeEvent(new Uint8Array())).toEqualTypeOf<RunEvent>();
  });

  test('knows run ids', () => {
    const value: unknown = text;
    if (isRunId(value)) expectTypeOf(value).toEqualTypeOf<string>();
  });
});

describe('append resolves to the event of the draft', () => {
  test('from a literal', () => {
    expectTypeOf(
      log.append({ type: 'node.started', node_id: 'a', kind: 'bash' }),
    ).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(log.append({ type: 'pipe.started', pipe: 'a' })).resolves.toEqualTypeOf<PipeStarted>();
    expectTypeOf(
      log.append({ type: 'node.started', node_id: text, kind, ...(flag && { name: text }) }),
    ).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(
      log.append({ type: 'node.failed', node_id: text, error: { kind: flag ? 'crash' : 'timeout' } }),
    ).resolves.toEqualTypeOf<NodeFailed>();
  });

  test('from a variable', () => {
    const constant = { type: 'node.started', node_id: 'a', kind: 'bash' } as const;
    const checked = { type: 'node.started', node_id: text, kind } satisfies EventDraft;
    const typed: DraftOf<'node.started'> = { type: 'node.started', node_id: text, kind };
    expectTypeOf(log.append(constant)).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(log.append(checked)).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(log.append(typed)).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(log.append(Object.freeze(typed))).resolves.toEqualTypeOf<NodeStarted>();
  });

  test('from an event of another run', async () => {
    const { id, ts, run_id, ...draft } = await log.append({ type: 'node.started', node_id: text, kind });
    expectTypeOf(log.append(draft)).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf([id, ts, run_id]).toEqualTypeOf<string[]>();
  });

  test('from a union, narrowed or not', () => {
    expectTypeOf(log.append(draft)).resolves.toEqualTypeOf<RunEvent>();
    if (draft.type === 'node.started') expectTypeOf(log.append(draft)).resolves.toEqualTypeOf<NodeStarted>();
    else expectTypeOf(log.append(draft)).resolves.toEqualTypeOf<Exclude<RunEvent, NodeStarted>>();
    if (draft.type === 'node.started' || draft.type === 'node.failed') {
      expectTypeOf(log.append(draft)).resolves.toEqualTypeOf<NodeStarted | NodeFailed>();
    }
  });

  test('from one of two literals', () => {
    const ended = log.append(flag ? { type: 'pipe.completed' } : { type: 'pipe.aborted', reason: text });
    expectTypeOf(ended).resolves.toEqualTypeOf<PipeCompleted | PipeAborted>();
    const named = log.append(
      flag
        ? { type: 'node.started', node_id: text, kind }
        : { type: 'node.failed', node_id: text, error: { kind: 'crash' } },
    );
    expectTypeOf(named).resolves.toEqualTypeOf<NodeStarted | NodeFailed>();
  });

  test('from inputs that may not be changed', () => {
    const inputs: readonly Readonly<Input>[] = [];
    const constant = { type: 'pipe.started', pipe: 'a', inputs: [{ key: 'a', value: 'b' }] } as const;
    expectTypeOf(
      log.append({ type: 'pipe.started', pipe: 'a', inputs }),
    ).resolves.toEqualTypeOf<PipeStarted>();
    expectTypeOf(log.append(constant)).resolves.toEqualTypeOf<PipeStarted>();
    expectTypeOf(log.appendAll([constant])).resolves.toEqualTypeOf<[PipeStarted]>();
  });

  test('through a function of the caller that is as exact, or that is not', () => {
    const exact = <const D extends EventDraft>(draft: D & ExactDraft<D>) => log.append<D>(draft);
    const loose = (draft: EventDraft) => log.append(draft);
    expectTypeOf(
      exact({ type: 'node.started', node_id: 'a', kind: 'bash' }),
    ).resolves.toEqualTypeOf<NodeStarted>();
    expectTypeOf(loose).returns.resolves.toEqualTypeOf<RunEvent>();
    // @ts-expect-error unknown field
    exact({ type: 'pipe.completed', extra: 1 });
  });
});

describe('a draft does not compile', () => {
  test('with a field that is missing', () => {
    // @ts-expect-error kind
    log.append({ type: 'node.started', node_id: 'a' });
    // @ts-expect-error error.kind
    log.append({ type: 'node.failed', node_id: 'a', error: {} });
    // @ts-expect-error inputs[0].value
    log.append({ type: 'pipe.started', pipe: 'a', inputs: [{ key: 'a' }] });
    // @ts-expect-error type
    log.append({ node_id: 'a', kind: 'bash' });
    // @ts-expect-error the draft itself
    log.append();
  });

  test('with a field that is unknown', () => {
    // @ts-expect-error at the top
    log.append({ type: 'pipe.completed', extra: 1 });
    // @ts-expect-error of another type
    log.append({ type: 'node.started', node_id: 'a', kind, reason: text });
    // @ts-expect-error stamped by the log
    log.append({ type: 'pipe.completed', id: text });
    // @ts-expect-error stamped by the log
    log.append({ type: 'pipe.completed', run_id: text });
    // @ts-expect-error in an object
    log.append({ type: 'node.failed', node_id: 'a', error: { kind: 'crash', extra: 1 } });
    // @ts-expect-error in an item of a list
    log.append({ type: 'pipe.started', pipe: 'a', inputs: [{ key: 'a', value: 'b', extra: 1 }] });
    // @ts-expect-error in one of two drafts
    log.append(flag ? { type: 'pipe.completed' } : { type: 'pipe.aborted', reason: text, extra: 1 });
  });

  test('with a field that is unknown, built in a variable before', () => {
    const extra = { type: 'pipe.completed', extra: 1 } as const;
    const nested = { type: 'node.failed', node_id: 'a', error: { kind: 'crash', extra: 1 } } as const;
    const item = { type: 'pipe.started', pipe: 'a', inputs: [{ key: 'a', value: 'b', extra: 1 }] } as const;
    // @ts-expect-error at the top
    log.append(extra);
    // @ts-expect-error in an object
    log.append(nested);
    // @ts-expect-error in an item of a list
    log.append(item);
    // @ts-expect-error an event is no draft: the log stamps it
    log.append(event);
  });

  test('with a value of another type', () => {
    // @ts-expect-error no such type
    log.append({ type: 'node.paused', node_id: 'a' });
    // @ts-expect-error any text is not a type
    log.append({ type: text, node_id: 'a', kind });
    // @ts-expect-error no such kind
    log.append({ type: 'node.started', node_id: 'a', kind: 'shell' });
    // @ts-expect-error any text is not a kind
    log.append({ type: 'node.started', node_id: 'a', kind: text });
    // @ts-expect-error no such method
    log.append({ type: 'gate.passed', node_id: 'a', gate: 'b', method: 'human' });
    // @ts-expect-error a number in quotes
    log.append({ type: 'iteration.started', node_id: 'a', iteration: '1', byte_offset: 0 });
    // @ts-expect-error a field that must be there is not undefined
    log.append({ type: 'node.started', node_id: undefined, kind });
    // @ts-expect-error null is not absent
    log.append({ type: 'node.started', node_id: 'a', kind, name: null });
    // @ts-expect-error null is not absent
    log.append({ type: 'pipe.started', pipe: 'a', inputs: null });
  });

  test('that lacks a field, which the error names', () => {
    const lacking = { type: 'node.started', kind: 'bash' } as const;
    expectTypeOf<ExactDraft<typeof lacking>>().toEqualTypeOf<MissingField<'node_id'>>();
    expectTypeOf<ExactDraft<{ type: 'gate.passed'; gate: 'a' }>>().toEqualTypeOf<
      MissingField<'node_id' | 'method'>
    >();
    // @ts-expect-error no node_id
    log.append(lacking);
    // @ts-expect-error no node_id in the second
    log.appendAll([{ type: 'pipe.completed' }, lacking]);
  });
});

test('what may be left out may be undefined', () => {
  const model = flag ? text : undefined;
  log.append({ type: 'node.started', node_id: 'a', kind, model, name: undefined });
  log.append({ type: 'pipe.started', pipe: 'a', inputs: undefined, distro_version: undefined });
  log.appendAll([{ type: 'gate.passed', node_id: 'a', gate: 'b', method: 'hook', stdout: undefined }]);
});

test('appendAll takes any iterable of drafts, mixed as they come', () => {
  const started = (node_id: string) => ({ type: 'node.started', node_id, kind: 'bash' }) as const;
  function* drafts(): Generator<EventDraft> {
    yield { type: 'pipe.started', pipe: 'a' };
    yield started('a');
  }
  expectTypeOf(
    log.appendAll([{ type: 'pipe.started', pipe: 'a' }, { type: 'pipe.completed' }]),
  ).resolves.toEqualTypeOf<[PipeStarted, PipeCompleted]>();
  expectTypeOf(
    log.appendAll(['a', 'b'].map(node_id => ({ type: 'node.started', node_id, kind: 'bash' }))),
  ).resolves.toEqualTypeOf<NodeStarted[]>();
  expectTypeOf(log.appendAll(['a', 'b'].map(started))).resolves.toEqualTypeOf<NodeStarted[]>();
  expectTypeOf(log.appendAll(drafts())).resolves.toEqualTypeOf<RunEvent[]>();
  expectTypeOf(log.appendAll(new Set<EventDraft>())).resolves.toEqualTypeOf<RunEvent[]>();
  const frozen: readonly EventDraft[] = [];
  expectTypeOf(log.appendAll(frozen)).resolves.toEqualTypeOf<RunEvent[]>();
  expectTypeOf(log.appendAll([])).resolves.toEqualTypeOf<[]>();
  // @ts-expect-error unknown field
  log.appendAll([{ type: 'pipe.completed', extra: 1 }]);
  const odd = (node_id: string) => ({ type: 'node.started', node_id, kind: 'bash', extra: 1 }) as const;
  // @ts-expect-error unknown field of a draft made elsewhere
  log.appendAll(['a'].map(odd));
  // @ts-expect-error missing field
  log.appendAll([{ type: 'pipe.completed' }, { type: 'node.started', node_id: 'a' }]);
  // @ts-expect-error one draft is no iterable
  log.appendAll({ type: 'pipe.completed' });
});

test('a generic wrapper keeps both when it takes an ExactDraft', () => {
  const record = <D extends EventDraft>(draft: D & ExactDraft<D>) => log.append<D>(draft);
  expectTypeOf(record({ type: 'pipe.completed' })).resolves.toEqualTypeOf<PipeCompleted>();
  // @ts-expect-error unknown field
  record({ type: 'pipe.completed', extra: 1 });
});
