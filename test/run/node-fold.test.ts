import { describe, expect, test } from 'vitest';
import type { EventDraft, RunEvent } from '../../src/index.js';
import { deriveRunState, RunStateReducer } from '../../src/index.js';
import {
  COMPLETED,
  eventOf,
  FAILED,
  GATE,
  ITERATION,
  nodeAfter,
  STARTED,
  stateAfter,
  timeOf,
} from '../support/folding.js';

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

  test('has the gates it passed before its first start in its first attempt, and not in one after a failure', () => {
    const early = { ...GATE, gate: 'review', method: 'human_cli' } as const;
    const gates = [{ gate: 'review', method: 'human_cli' }];
    expect(nodeAfter(early, STARTED, COMPLETED)).toMatchObject({ status: 'completed', attempts: 1, gates });
    const both = [...gates, { gate: 'tests', method: 'hook' }];
    expect(nodeAfter(early, STARTED, GATE, STARTED, COMPLETED)).toMatchObject({ attempts: 2, gates: both });
    expect(nodeAfter(early, STARTED, FAILED, STARTED)?.gates).toEqual([]);
    expect(nodeAfter(early, COMPLETED, STARTED)?.gates).toEqual([]);
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
