/** A run folded for an answer: its state, what is wrong with its log, and how it and its nodes are described in lines. */

import { count, duration } from '../figures.js';
import { EventLog, type NodeState, type RunState, RunStateReducer } from '../index.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { shortened } from '../run/shortened.js';
import { isLive } from '../volume/liveness.js';
import { placesOf } from '../volume/places.js';
import { parseRunId } from '../volume/run-id.js';
import { cut, oneLine } from './plain-text.js';

/** A run and what is known of it beside its events. */
export interface RunFacts {
  readonly runId: string;
  readonly state: RunState;
  /** Whether a writer has it open; undefined where nobody can know. */
  readonly live: boolean | undefined;
  /** The first damage of the log; undefined where there is none. */
  readonly problem: string | undefined;
}

/** Reads a run as far as it can be read. */
export async function factsOf(root: string, runId: string, signal: AbortSignal): Promise<RunFacts> {
  const vocabulary = await runVocabulary(placesOf(root, runId));
  const reducer = new RunStateReducer({ events: vocabulary });
  let problem: string | undefined;
  const onMalformed = (error: Error) => {
    problem ??= error.message;
  };
  for await (const events of EventLog.read(root, runId, {
    events: vocabulary,
    onMalformed,
    signal,
  }).batches())
    for (const event of events) reducer.apply(shortened(event));
  const { state } = reducer;
  const live =
    state.status === 'running' ? await isLive(placesOf(root, runId)).catch(() => undefined) : false;
  return { runId, state, live, problem };
}

/** What is said of a run as a whole, in a few lines. */
export function headOf({ runId, state, live, problem }: RunFacts): string[] {
  const { status, reason, pipe, startedAt, endedAt, durationMs, eventCount, inputs, downtimes } = state;
  const ended = status !== 'running';
  const now = ended ? status : live === true ? 'live' : live === false ? 'not ended, no writer' : 'not ended';
  const facts = [
    `pipe ${oneLine(pipe === '' ? parseRunId(runId).pipe : pipe, 100)}`, // without pipe.started the id names it
    ...(startedAt === undefined ? [] : [`started ${startedAt}`]),
    ...(endedAt === undefined ? [] : [`ended ${endedAt}`]),
    ...(durationMs === undefined ? [] : [`took ${duration(durationMs)}`]),
    count(eventCount, 'event'),
    ...(downtimes.length === 0 ? [] : [`resumed ${count(downtimes.length, 'time')}`]),
  ];
  const given = inputs.map(({ key, value }) => `${oneLine(key, 60)}=${oneLine(value, 120)}`);
  return [
    `Run ${runId}: ${now}${reason === undefined ? '' : `, reason: ${oneLine(reason)}`}`,
    facts.join(', '),
    ...(given.length === 0 ? [] : [cut(`inputs: ${given.join(', ')}`, 500)]),
    ...(problem === undefined ? [] : [`The log is damaged: ${oneLine(problem)}`]),
  ];
}

/** One line about a node. */
export function nodeLine(node: NodeState): string {
  const { nodeId, status, kind, name, model, durationMs, attempts, failedAttempts, interruptedAttempts } =
    node;
  const facts = [
    status,
    ...(kind === undefined ? [] : [kind]),
    ...(name === undefined ? [] : [`"${oneLine(name, 80)}"`]),
    ...(model === undefined ? [] : [`model ${oneLine(model, 60)}`]),
    ...(durationMs === undefined ? [] : [duration(durationMs)]),
    ...(attempts > 1 ? [`attempt ${attempts}`] : []),
    ...(failedAttempts > 0 && status !== 'failed' ? [`failed before: ${failedAttempts}`] : []),
    ...(interruptedAttempts > 0 ? [`interrupted: ${interruptedAttempts}`] : []),
    ...(node.iterations > 0 ? [count(node.iterations, 'iteration')] : []),
    ...node.gates.slice(-3).map(({ gate, method }) => `gate ${oneLine(gate, 60)} passed (${method})`),
    ...(node.errorKind === undefined ? [] : [`error ${node.errorKind}`]),
    ...(node.message === undefined ? [] : [`message: ${oneLine(node.message, 200)}`]),
  ];
  return `- ${oneLine(nodeId, 255)}: ${facts.join(', ')}`;
}
