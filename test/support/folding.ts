/** Events to fold, and the states they give. */
import type { EventDraft, NodeState, RunEvent, RunState } from '../../src/index.js';
import { decodeEvent, deriveRunState } from '../../src/index.js';
import { RUN_ID } from './logs.js';

/** The event of a draft, so many milliseconds after noon, or at a time of any text. */
export function eventOf(draft: EventDraft, at: number | string = 0): RunEvent {
  const ts = typeof at === 'string' ? at : timeOf(at);
  return decodeEvent(JSON.stringify({ ...draft, id: 'id', ts, run_id: RUN_ID }));
}

export function timeOf(milliseconds: number): string {
  return new Date(Date.UTC(2026, 3, 15, 12) + milliseconds).toISOString();
}

/** The state after drafts that came one second apart, from the first second on. */
export const stateAfter = (...given: EventDraft[]): RunState =>
  deriveRunState(given.map((draft, index) => eventOf(draft, 1000 * (index + 1))));
export const nodeAfter = (...given: EventDraft[]): NodeState | undefined => stateAfter(...given).nodes[0];

export const STARTED = { type: 'node.started', node_id: 'n', kind: 'loop' } as const;
export const COMPLETED = { type: 'node.completed', node_id: 'n', output_path: 'nodes/n.out' } as const;
export const FAILED = {
  type: 'node.failed',
  node_id: 'n',
  error: { kind: 'crash' },
  message: 'exit 1',
} as const;
export const GATE = { type: 'gate.passed', node_id: 'n', gate: 'tests', method: 'hook' } as const;
export const ITERATION = { type: 'iteration.started', node_id: 'n', iteration: 1, byte_offset: 28 } as const;
