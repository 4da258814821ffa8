import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/index.js';
import { deriveRunState } from '../../src/run/fold-run.js';
import { type Pause, Pauses } from '../../src/run/pauses.js';
import { RunStateReducer } from '../../src/run/run-state-reducer.js';

const BASE = Date.parse('2026-04-15T12:00:00Z');
const timeOf = (at: number): string => new Date(BASE + at).toISOString();
const RUN = { run_id: 'feature-01kp8g6dg0zg6axb6gqz17wf7m' };

let made = 0;
function of(at: number) {
  return { id: `01kp8g6dg0zg6axb6gqz${String(++made).padStart(6, '0')}`, ts: timeOf(at), ...RUN };
}
const start = (node_id: string, at: number): RunEvent => ({
  type: 'node.started',
  ...of(at),
  node_id,
  kind: 'bash',
});
const complete = (node_id: string, at: number): RunEvent => ({
  type: 'node.completed',
  ...of(at),
  node_id,
  output_path: `${node_id}.out`,
});
const fail = (node_id: string, at: number): RunEvent => ({
  type: 'node.failed',
  ...of(at),
  node_id,
  error: { kind: 'crash' },
});
const down = (from: number, to: number) => ({
  stoppedAt: timeOf(from),
  resumedAt: timeOf(to),
  durationMs: to - from,
});

function firstAttempts(all: readonly RunEvent[]): Record<string, number | undefined> {
  const { nodes } = deriveRunState(all);
  return Object.fromEntries(nodes.map(({ nodeId, history }) => [nodeId, history[0]?.durationMs]));
}

describe('where a run was left', () => {
  test('is before the first node of the new executor, though that is another than the interrupted one', () => {
    const all = [start('x', 0), start('a', 5), complete('x', 100), start('b', 3100), start('a', 3400)];
    expect(deriveRunState(all).downtimes).toEqual([down(100, 3100)]);
    expect(firstAttempts(all)).toMatchObject({ a: 95, x: 100, b: undefined });
    expect(deriveRunState(all).nodes.find(({ nodeId }) => nodeId === 'b')?.status).toBe('running');
  });

  test('is the same for all that were open then, in whichever order they start again', () => {
    const all = [start('a', 0), start('c', 5), start('x', 6), complete('x', 100), start('b', 3100)];
    for (const order of [['a', 'c'] as const, ['c', 'a'] as const]) {
      const whole = [...all, ...order.map((node, index) => start(node, 3400 + index))];
      expect(deriveRunState(whole).downtimes).toEqual([down(100, 3100)]);
      expect(firstAttempts(whole)).toMatchObject({ a: 100, c: 95 });
    }
  });

  test('is no pause that a node outlived', () => {
    const all = [start('a', 0), start('x', 5), start('y', 5000), complete('x', 5100), start('a', 5400)];
    expect(deriveRunState(all).downtimes).toEqual([down(5100, 5400)]);
    expect(firstAttempts(all)).toMatchObject({ a: 5100, x: 5095 });
  });

  test('is no pause before a failed node is tried again', () => {
    const all = [start('a', 0), start('x', 5), fail('x', 10), start('x', 5000), start('a', 5400)];
    expect(deriveRunState(all).downtimes).toEqual([down(5000, 5400)]);
  });

  test('is found again for each executor that died', () => {
    const all = [start('a', 0), start('b', 2000), start('a', 2001), start('c', 9000), start('a', 9001)];
    expect(deriveRunState(all).downtimes).toEqual([down(0, 2000), down(2001, 9000)]);
  });

  test('is the same where the fold was saved in between', () => {
    const all = [
      start('x', 0),
      start('a', 5),
      complete('x', 100),
      start('b', 3100),
      start('a', 3400),
      complete('a', 3500),
    ];
    for (let at = 1; at < all.length; at++) {
      const saved = new RunStateReducer();
      for (const event of all.slice(0, at)) saved.apply(event);
      const reducer = RunStateReducer.from(structuredClone(saved.snapshot(1)));
      for (const event of all.slice(at)) reducer.apply(event);
      expect(reducer.state).toEqual(deriveRunState(all));
    }
  });
});

describe('pauses', () => {
  const pause = (index: number, quietMs: number): Pause => ({
    index,
    quietMs,
    stoppedAt: timeOf(0),
    resumedAt: timeOf(1),
  });

  test('are kept in a bounded number, the longest of them', () => {
    const pauses = new Pauses();
    for (let index = 1; index <= 1000; index++) pauses.add(pause(index, (index * 7919) % 1000));
    const kept = pauses.all.map(({ quietMs }) => quietMs);
    expect(kept).toHaveLength(64);
    expect(Math.min(...kept)).toBe(1000 - 64);
  });

  test('of equal length, the last is taken, and none before it is kept', () => {
    const pauses = new Pauses([pause(1, 9), pause(2, 5), pause(3, 5), pause(4, 1)]);
    expect(pauses.takeAfter(1)?.index).toBe(3);
    expect(pauses.all.map(({ index }) => index)).toEqual([4]);
    expect(pauses.takeAfter(4)).toBeUndefined();
  });
});
