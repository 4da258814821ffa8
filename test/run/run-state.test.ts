import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDraft, NodeState, RunEvent } from '../../src/index.js';
import { decodeEvent, deriveRunState, RunStateReducer } from '../../src/index.js';
import { drafts, events } from '../support/arbitraries.js';
import { RUN_ID } from '../support/logs.js';

/** The event of a draft, so many milliseconds after noon, or at a time of any text. */
function eventOf(draft: EventDraft, at: number | string = 0): RunEvent {
  const ts = typeof at === 'string' ? at : timeOf(at);
  return decodeEvent(JSON.stringify({ ...draft, id: 'id', ts, run_id: RUN_ID }));
}

function timeOf(milliseconds: number): string {
  return new Date(Date.UTC(2026, 3, 15, 12) + milliseconds).toISOString();
}

/** The state after drafts that came one second apart, from the first second on. */
const stateAfter = (...given: EventDraft[]) =>
  deriveRunState(given.map((draft, index) => eventOf(draft, 1000 * (index + 1))));
const nodeAfter = (...given: EventDraft[]): NodeState | undefined => stateAfter(...given).nodes[0];

const STARTED = { type: 'node.started', node_id: 'n', kind: 'loop' } as const;
const COMPLETED = { type: 'node.completed', node_id: 'n', output_path: 'nodes/n.out' } as const;
const FAILED = { type: 'node.failed', node_id: 'n', error: { kind: 'crash' }, message: 'exit 1' } as const;
const GATE = { type: 'gate.passed', node_id: 'n', gate: 'tests', method: 'hook' } as const;
const ITERATION = { type: 'iteration.started', node_id: 'n', iteration: 1, byte_offset: 28 } as const;

describe('the run', () => {
  test('of no events is running, without id, pipe and times', () => {
    expect(deriveRunState([])).toEqual({
      runId: '',
      pipe: '',
      status: 'running',
      inputs: [],
      distroVersion: '',
      downtimes: [],
      eventCount: 0,
      nodes: [],
    });
  });

  test('takes pipe, inputs and version from its start', () => {
    const inputs = [{ key: 'task', value: 'login' }];
    expect(stateAfter({ type: 'pipe.started', pipe: 'feature', inputs, distro_version: '2.4.1' })).toEqual({
      runId: RUN_ID,
      pipe: 'feature',
      status: 'running',
      inputs,
      distroVersion: '2.4.1',
      startedAt: timeOf(1000),
      lastTs: timeOf(1000),
      downtimes: [],
      eventCount: 1,
      nodes: [],
    });
  });

  test('has the pipe of its run id as long as it has not started', () => {
    expect(stateAfter(STARTED).pipe).toBe('feature');
    expect(stateAfter(STARTED, { type: 'pipe.started', pipe: 'other' }, COMPLETED).pipe).toBe('other');
  });

  test('keeps an empty pipe that its start names', () => {
    expect(stateAfter({ type: 'pipe.started', pipe: '' }, STARTED).pipe).toBe('');
  });

  test('has no pipe where there is neither a start nor a run id', () => {
    const event = eventOf(STARTED);
    event.run_id = 'no run id';
    expect(deriveRunState([event])).toMatchObject({ runId: 'no run id', pipe: '' });
  });

  test('is completed by its end', () => {
    const state = stateAfter({ type: 'pipe.started', pipe: 'p' }, STARTED, { type: 'pipe.completed' });
    expect(state).toMatchObject({ status: 'completed', endedAt: timeOf(3000), durationMs: 2000 });
    expect(state).not.toHaveProperty('reason');
  });

  test('is aborted for a reason', () => {
    expect(
      stateAfter({ type: 'pipe.started', pipe: 'p' }, { type: 'pipe.aborted', reason: 'no host' }),
    ).toMatchObject({ status: 'aborted', reason: 'no host', endedAt: timeOf(2000), durationMs: 1000 });
  });

  test('ends once: what a second terminal event says does not count', () => {
    const aborted = { type: 'pipe.aborted', reason: 'late' } as const;
    const completed = stateAfter({ type: 'pipe.completed' }, aborted);
    expect(completed).toMatchObject({ status: 'completed', endedAt: timeOf(1000), lastTs: timeOf(2000) });
    expect(completed).not.toHaveProperty('reason');
    expect(stateAfter(aborted, { type: 'pipe.completed' })).toMatchObject({
      status: 'aborted',
      reason: 'late',
      endedAt: timeOf(1000),
    });
  });

  test('counts events after its end, and the nodes they name', () => {
    expect(stateAfter({ type: 'pipe.completed' }, STARTED, COMPLETED)).toMatchObject({
      status: 'completed',
      endedAt: timeOf(1000),
      lastTs: timeOf(3000),
      eventCount: 3,
      nodes: [{ nodeId: 'n', status: 'completed' }],
    });
  });

  test('has its duration also when the start comes after the end', () => {
    const late = eventOf({ type: 'pipe.started', pipe: 'p' }, 500);
    expect(deriveRunState([eventOf({ type: 'pipe.completed' }, 900), late]).durationMs).toBe(400);
  });

  test('gives the times that are in the events, and no duration, where they cannot be read', () => {
    const start = eventOf({ type: 'pipe.started', pipe: 'p' }, 'yesterday');
    const state = deriveRunState([start, eventOf({ type: 'pipe.completed' }, 1000)]);
    expect(state).toMatchObject({ startedAt: 'yesterday', endedAt: timeOf(1000) });
    expect(state).not.toHaveProperty('durationMs');
  });

  test('took no time where the clock has gone back', () => {
    const start = eventOf({ type: 'pipe.started', pipe: 'p' }, 1000);
    expect(deriveRunState([start, eventOf({ type: 'pipe.completed' }, 0)]).durationMs).toBe(0);
  });
});

describe('a node', () => {
  test('runs from its start on', () => {
    expect(nodeAfter({ ...STARTED, name: 'Fix', model: 'opus' })).toEqual({
      nodeId: 'n',
      kind: 'loop',
      name: 'Fix',
      model: 'opus',
      status: 'running',
      attempts: 1,
      failedAttempts: 0,
      interruptedAttempts: 0,
      history: [{ status: 'running', startedAt: timeOf(1000) }],
      iterations: 0,
      gates: [],
      startedAt: timeOf(1000),
    });
    expect(Object.keys(nodeAfter(STARTED) ?? {})).not.toContain('name');
  });

  test('is completed with its output, gates and iterations', () => {
    const gates = [GATE, { ...GATE, gate: 'review', method: 'human_cli', stdout: 'ok' } as const];
    expect(nodeAfter(STARTED, ITERATION, ...gates, { ...ITERATION, iteration: 2 }, COMPLETED)).toEqual({
      nodeId: 'n',
      kind: 'loop',
      status: 'completed',
      outputPath: 'nodes/n.out',
      attempts: 1,
      failedAttempts: 0,
      interruptedAttempts: 0,
      history: [{ status: 'completed', startedAt: timeOf(1000), endedAt: timeOf(6000), durationMs: 5000 }],
      iterations: 2,
      gates: [
        { gate: 'tests', method: 'hook' },
        { gate: 'review', method: 'human_cli', stdout: 'ok' },
      ],
      startedAt: timeOf(1000),
      endedAt: timeOf(6000),
      durationMs: 5000,
    });
  });

  test('fails with a kind and a message, or without a message', () => {
    expect(nodeAfter(STARTED, FAILED)).toMatchObject({
      status: 'failed',
      errorKind: 'crash',
      message: 'exit 1',
      endedAt: timeOf(2000),
      durationMs: 1000,
    });
    const silent = nodeAfter({ type: 'node.failed', node_id: 'n', error: { kind: 'timeout' } });
    expect(silent).toMatchObject({ status: 'failed', errorKind: 'timeout' });
    expect(silent).not.toHaveProperty('message');
  });

  test('that starts again is at its latest attempt; only the attempts add up', () => {
    const first = [{ ...STARTED, name: 'Fix', model: 'opus' }, GATE, ITERATION, FAILED];
    const failed = {
      status: 'failed',
      errorKind: 'crash',
      startedAt: timeOf(1000),
      endedAt: timeOf(4000),
      durationMs: 3000,
    };
    expect(nodeAfter(...first, STARTED)).toEqual({
      nodeId: 'n',
      kind: 'loop',
      status: 'running',
      attempts: 2,
      failedAttempts: 1,
      interruptedAttempts: 0,
      history: [failed, { status: 'running', startedAt: timeOf(5000) }],
      iterations: 0,
      gates: [],
      startedAt: timeOf(5000),
    });
    expect(nodeAfter(...first, STARTED, ITERATION, COMPLETED)).toEqual({
      nodeId: 'n',
      kind: 'loop',
      status: 'completed',
      outputPath: 'nodes/n.out',
      attempts: 2,
      failedAttempts: 1,
      interruptedAttempts: 0,
      history: [
        failed,
        { status: 'completed', startedAt: timeOf(5000), endedAt: timeOf(7000), durationMs: 2000 },
      ],
      iterations: 1,
      gates: [],
      startedAt: timeOf(5000),
      endedAt: timeOf(7000),
      durationMs: 2000,
    });
  });

  test('may complete, fail, iterate or pass a gate without a start', () => {
    const node = { nodeId: 'n', attempts: 0, interruptedAttempts: 0, iterations: 0, gates: [] };
    const endedAt = timeOf(1000);
    expect(nodeAfter(COMPLETED)).toEqual({
      ...node,
      status: 'completed',
      failedAttempts: 0,
      history: [{ status: 'completed', endedAt }],
      outputPath: 'nodes/n.out',
      endedAt,
    });
    expect(nodeAfter(FAILED)).toEqual({
      ...node,
      status: 'failed',
      failedAttempts: 1,
      history: [{ status: 'failed', errorKind: 'crash', endedAt }],
      errorKind: 'crash',
      message: 'exit 1',
      endedAt,
    });
    const running = { ...node, status: 'running', failedAttempts: 0, history: [] };
    expect(nodeAfter(ITERATION)).toEqual({ ...running, iterations: 1 });
    expect(nodeAfter(GATE)).toEqual({ ...running, gates: [{ gate: 'tests', method: 'hook' }] });
    expect(nodeAfter(GATE, STARTED)).toMatchObject({
      attempts: 1,
      interruptedAttempts: 0,
      history: [{ status: 'running', startedAt: timeOf(2000) }],
    });
  });

  test('that ends twice is as its last end says, with nothing left of the one before', () => {
    const completed = nodeAfter(STARTED, FAILED, COMPLETED);
    expect(completed).toEqual({ ...nodeAfter(STARTED, ITERATION, COMPLETED), iterations: 0 });
    const silent = { type: 'node.failed', node_id: 'n', error: { kind: 'timeout' } } as const;
    const failed = nodeAfter(STARTED, COMPLETED, FAILED, silent);
    expect(failed).toMatchObject({ status: 'failed', errorKind: 'timeout', endedAt: timeOf(4000) });
    expect(failed).not.toHaveProperty('message');
    expect(failed).not.toHaveProperty('outputPath');
  });

  test('keeps no duration of an end before the one whose time cannot be read', () => {
    const [node] = deriveRunState([eventOf(STARTED, 0), eventOf(FAILED, 5), eventOf(FAILED, '')]).nodes;
    expect(node?.endedAt).toBe('');
    expect(node).not.toHaveProperty('durationMs');
  });

  test('comes in the order of first appearance, also when it starts again', () => {
    const of = (node_id: string) => ({ ...STARTED, node_id });
    const state = stateAfter({ ...GATE, node_id: 'b' }, of('a'), of('__proto__'), of('b'), of('a'), of(''));
    expect(state.nodes.map(({ nodeId, attempts }) => [nodeId, attempts])).toEqual([
      ['b', 1],
      ['a', 2],
      ['__proto__', 1],
      ['', 1],
    ]);
  });
});

describe('an attempt that was interrupted', () => {
  const start = (node_id: string, at: number) => eventOf({ ...STARTED, node_id }, at);
  const complete = (node_id: string, at: number) => eventOf({ ...COMPLETED, node_id }, at);
  const span = (status: string, from: number, to: number) => {
    return { status, startedAt: timeOf(from), endedAt: timeOf(to), durationMs: to - from };
  };
  const historyOf = (all: readonly RunEvent[], nodeId: string) =>
    deriveRunState(all).nodes.find(node => node.nodeId === nodeId)?.history;

  test('ends where the log last grew before the node started again, and the time up to there is downtime', () => {
    const state = deriveRunState([
      start('n', 0),
      start('other', 10),
      complete('other', 400),
      start('n', 9000),
      complete('n', 9233),
    ]);
    expect(state.downtimes).toEqual([{ stoppedAt: timeOf(400), resumedAt: timeOf(9000), durationMs: 8600 }]);
    expect(state.nodes[0]).toMatchObject({
      status: 'completed',
      attempts: 2,
      failedAttempts: 0,
      interruptedAttempts: 1,
      history: [span('interrupted', 0, 400), span('completed', 9000, 9233)],
      durationMs: 233,
    });
  });

  test('beside others ends when they do, in whichever order they start again: the run was down once', () => {
    const before = [start('a', 0), start('b', 5), eventOf({ ...ITERATION, node_id: 'b' }, 70)];
    for (const [first, second] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const all = [...before, start(first, 1000), complete(first, 1500), start(second, 1501)];
      expect(deriveRunState(all).downtimes).toEqual([
        { stoppedAt: timeOf(70), resumedAt: timeOf(1000), durationMs: 930 },
      ]);
      expect(historyOf(all, 'a')?.[0]).toEqual(span('interrupted', 0, 70));
      expect(historyOf(all, 'b')?.[0]).toEqual(span('interrupted', 5, 70));
    }
  });

  test('is known from one that goes on by what a node shows later', () => {
    const all = [start('a', 0), start('b', 5), start('a', 1000), complete('b', 1200)];
    expect(historyOf(all, 'b')).toEqual([span('completed', 5, 1200)]);
    const iterating = [start('a', 0), start('b', 5), start('a', 1000)];
    iterating.push(eventOf({ ...ITERATION, node_id: 'b' }, 1100), start('b', 3000));
    expect(historyOf(iterating, 'b')?.[0]).toEqual(span('interrupted', 5, 1100));
    expect(deriveRunState(iterating).downtimes).toHaveLength(2);
  });

  test('keeps the gates that were passed in it, until an attempt fails or completes', () => {
    const gatesOf = (...given: EventDraft[]) => nodeAfter(...given)?.gates.map(({ gate }) => gate);
    const review = { ...GATE, gate: 'review' };
    expect(gatesOf(STARTED, GATE, STARTED)).toEqual(['tests']);
    expect(gatesOf(STARTED, GATE, STARTED, review, STARTED, COMPLETED)).toEqual(['tests', 'review']);
    expect(gatesOf(STARTED, GATE, STARTED, FAILED, STARTED)).toEqual([]);
    expect(gatesOf(STARTED, GATE, COMPLETED, STARTED)).toEqual([]);
  });

  test('takes no longer for a gate that somebody passed while no executor ran', () => {
    const gate = (at: number, node_id: string, method: 'hook' | 'human_cli' | 'mcp_tool') =>
      eventOf({ ...GATE, node_id, method }, at);
    for (const method of ['human_cli', 'mcp_tool'] as const) {
      const all = [
        start('a', 0),
        start('b', 5),
        gate(800, 'a', method),
        start('a', 1000),
        complete('a', 1100),
      ];
      all.push(gate(1200, 'b', method), start('b', 1300));
      expect(deriveRunState(all).downtimes).toEqual([
        { stoppedAt: timeOf(5), resumedAt: timeOf(1000), durationMs: 995 },
      ]);
      expect(historyOf(all, 'a')?.[0]).toEqual(span('interrupted', 0, 5));
      expect(historyOf(all, 'b')?.[0]).toEqual(span('interrupted', 5, 5));
      const saved = new RunStateReducer();
      for (const event of all.slice(0, 3)) saved.apply(event);
      const reducer = RunStateReducer.from(saved.snapshot(1));
      for (const event of all.slice(3)) {
        event.id = 'later';
        reducer.apply(event);
      }
      expect(reducer.state).toEqual(deriveRunState(all));
    }
    const hooked = [start('a', 0), gate(800, 'a', 'hook'), start('a', 1000)];
    expect(historyOf(hooked, 'a')?.[0]).toEqual(span('interrupted', 0, 800));
  });

  test('comes as often as the executor dies, and a failed attempt is none', () => {
    const fail = (at: number) => eventOf(FAILED, at);
    const all = [start('n', 0), start('n', 10), fail(20), start('n', 30), start('n', 40), complete('n', 50)];
    expect(deriveRunState(all).nodes[0]).toMatchObject({
      attempts: 4,
      failedAttempts: 1,
      interruptedAttempts: 2,
      history: [
        span('interrupted', 0, 0),
        span('failed', 10, 20),
        span('interrupted', 30, 30),
        span('completed', 40, 50),
      ],
    });
  });

  test('is one that was open when the run ended; no node runs in a run that has ended', () => {
    const aborted = eventOf({ type: 'pipe.aborted', reason: 'Ctrl-C' }, 900);
    expect(deriveRunState([start('n', 0), aborted]).nodes[0]).toMatchObject({
      status: 'interrupted',
      interruptedAttempts: 1,
      history: [span('interrupted', 0, 900)],
      endedAt: timeOf(900),
      durationMs: 900,
    });
    const left = [start('a', 0), start('b', 5), start('a', 5000), complete('a', 5100), aborted];
    expect(historyOf(left, 'b')).toEqual([span('interrupted', 5, 5)]);
  });
});

test('a state is a snapshot: neither later events nor changes of the events taken change it', () => {
  const reducer = new RunStateReducer();
  const inputs = [{ key: 'a', value: 'b' }];
  const start = eventOf({ type: 'pipe.started', pipe: 'p', inputs });
  for (const event of [start, eventOf(STARTED), eventOf(GATE)]) reducer.apply(event);
  const before = reducer.state;
  const copy = structuredClone(before);
  for (const draft of [GATE, ITERATION, FAILED, STARTED, { type: 'pipe.completed' } as const]) {
    reducer.apply(eventOf(draft));
  }
  if (start.type === 'pipe.started') for (const input of start.inputs.splice(0)) input.value = 'changed';
  expect(before).toEqual(copy);
  expect(reducer.state.inputs).toEqual(inputs);
  expect(reducer.state).not.toEqual(copy);
});

describe('of any legal events in any order', () => {
  /** Few nodes, so that their events meet; some times that cannot be read. */
  const meeting = fc
    .tuple(drafts, fc.constantFrom('a', 'b', '__proto__'), fc.oneof(fc.nat(9999), fc.constant('never')))
    .map(([draft, node_id, at]) => eventOf('node_id' in draft ? { ...draft, node_id } : draft, at));
  const sequences = fc.oneof(
    fc.array(meeting, { maxLength: 30 }),
    fc.array(fc.oneof(events, meeting), { maxLength: 12 }),
  );

  test('folding a prefix and then the rest gives the fold of the whole', () => {
    fc.assert(
      fc.property(sequences, fc.nat(), (all, cut) => {
        const at = cut % (all.length + 1);
        const reducer = new RunStateReducer();
        for (const event of all.slice(0, at)) reducer.apply(event);
        expect(reducer.state).toEqual(deriveRunState(all.slice(0, at)));
        for (const event of all.slice(at)) reducer.apply(event);
        expect(reducer.state).toEqual(deriveRunState(all));
      }),
      { numRuns: 500 },
    );
  });

  test('no later event changes a state taken before', () => {
    fc.assert(
      fc.property(sequences, all => {
        const reducer = new RunStateReducer();
        const taken = all.map(event => {
          reducer.apply(event);
          return { state: reducer.state, copy: structuredClone(reducer.state) };
        });
        for (const { state, copy } of taken) expect(state).toEqual(copy);
      }),
    );
  });

  test('a state is the same once written as JSON and read again', () => {
    fc.assert(
      fc.property(sequences, all => {
        const state = deriveRunState(all);
        expect(JSON.parse(JSON.stringify(state))).toStrictEqual(state);
      }),
      { numRuns: 500 },
    );
  });

  test('the counts are those of the events, and durations those of their times', () => {
    fc.assert(
      fc.property(sequences, all => {
        const state = deriveRunState(all);
        expect(state.eventCount).toBe(all.length);
        expect(state.lastTs).toBe(all.at(-1)?.ts);
        const named = all.flatMap(event => ('node_id' in event ? [event.node_id] : []));
        expect(state.nodes.map(node => node.nodeId)).toEqual([...new Set(named)]);
        for (const { history, ...node } of state.nodes) {
          const count = (status: string) => history.filter(attempt => attempt.status === status).length;
          expect([node.failedAttempts, node.interruptedAttempts]).toEqual([
            count('failed'),
            count('interrupted'),
          ]);
          expect(history.slice(0, -1).every(({ endedAt }) => endedAt !== undefined)).toBe(true);
          if (history.length > 0) expect(node).toMatchObject(history.at(-1) ?? {});
        }
        for (const { nodeId, attempts } of state.nodes) {
          const starts = all.filter(event => event.type === 'node.started' && event.node_id === nodeId);
          expect(attempts).toBe(starts.length);
        }
        const spans = state.nodes.flatMap(node => [node, ...node.history]);
        for (const { startedAt = '', endedAt = '', durationMs } of [state, ...spans]) {
          const passed = Date.parse(endedAt) - Date.parse(startedAt);
          expect(durationMs).toBe(Number.isNaN(passed) ? undefined : Math.max(0, passed));
        }
      }),
      { numRuns: 500 },
    );
  });
});
