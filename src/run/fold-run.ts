/** A run folded as a whole: from all its events, or from all that a stream hands out. */
import type { RunEvent } from '../format/events.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import type { EventStream } from '../read/event-stream.js';
import { parseRunId } from '../volume/run-id.js';
import type { RunState } from './run-state.js';
import { type ReducerOptions, RunStateReducer } from './run-state-reducer.js';

/**
 * Folds all events of a run into its state.
 *
 * @example
 * const state = deriveRunState(await EventLog.read(root, runId).toArray());
 * console.log(state.status, state.nodes.filter(node => node.status === 'failed'));
 */
export function deriveRunState(
  events: Iterable<RunEvent | LogEvent>,
  options: ReducerOptions = {},
): RunState {
  const reducer = new RunStateReducer(options);
  for (const event of events) reducer.apply(event);
  return reducer.state;
}

/** The state of a run, from all that a stream hands out; of an empty log it has what the run id says. */
export async function foldRun<T extends string, V extends Vocabulary>(
  runId: string,
  events: EventStream<T, V>,
  vocabulary?: Vocabulary,
): Promise<RunState> {
  const reducer = new RunStateReducer({ events: vocabulary });
  for await (const batch of events.batches()) for (const event of batch) reducer.apply(event);
  const { state } = reducer;
  return state.eventCount > 0 ? state : { ...state, runId, pipe: parseRunId(runId).pipe };
}
