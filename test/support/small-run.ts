/** A small run with every event type and every optional field, with nothing of chance in it. */
import { encodeEvent, type RunEvent } from '../../src/index.js';

export const SMALL_RUN = 'p-01kp8g6dg0zg6axb6gqz17wf7m';

const stamp = (number: number) => ({
  id: `01kp8g6dg0${String(number).padStart(16, '0')}`,
  ts: '2026-04-15T12:00:00.000Z',
  run_id: SMALL_RUN,
});

const round = (first: number): RunEvent[] => [
  {
    type: 'pipe.started',
    ...stamp(first),
    pipe: 'p',
    inputs: [{ key: 'a', value: '"ñ"' }],
    distro_version: '2.4.1',
  },
  { type: 'node.started', ...stamp(first + 1), node_id: 'n', kind: 'loop', name: 'шаг', model: 'm' },
  { type: 'iteration.started', ...stamp(first + 2), node_id: 'n', iteration: 1, byte_offset: 40 },
  { type: 'gate.passed', ...stamp(first + 3), node_id: 'n', gate: 'g', method: 'hook', stdout: 'ok\n' },
  { type: 'node.completed', ...stamp(first + 4), node_id: 'n', output_path: 'n.out' },
  { type: 'node.failed', ...stamp(first + 5), node_id: 'n', error: { kind: 'crash' }, message: '🔐' },
];

/** Every type but `pipe.aborted`; `rounds` times over, then the end. */
export function completedRun(rounds = 1): RunEvent[] {
  const before = Array.from({ length: rounds }, (_, index) => round(1 + 6 * index)).flat();
  return [...before, { type: 'pipe.completed', ...stamp(1 + 6 * rounds) }];
}

/** A run that was given up at once. */
export const ABORTED_RUN: readonly RunEvent[] = [{ type: 'pipe.aborted', ...stamp(1), reason: 'r' }];

/** The bytes of a log. */
export function logOf(events: readonly RunEvent[]): Buffer {
  return Buffer.from(events.map(event => `${encodeEvent(event)}\n`).join(''));
}
