import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deriveRunState, RunStateReducer } from '../../src/index.js';
import { drafts, events } from '../support/arbitraries.js';
import {
  COMPLETED,
  eventOf,
  FAILED,
  GATE,
  ITERATION,
  STARTED,
  stateAfter,
  timeOf,
} from '../support/folding.js';
import { RUN_ID } from '../support/logs.js';
import { rounds } from '../support/rounds.js';

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
      { numRuns: rounds(500) },
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
      { numRuns: rounds(500) },
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
      { numRuns: rounds(500) },
    );
  });
});
