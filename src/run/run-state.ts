/** What is said of a run: how far it has come, when, and what each of its nodes did. */
import type { Input } from '../format/events.js';
import type { NodeState } from './node-state.js';

/**
 * A time in which an executor of the run died, and a later one went on: no executor drove the run for so long, at most. A log does
 * not say when an executor dies, only that it appended no more.
 */
export interface Downtime {
  /** When the executor last appended before: the `ts` of that event. A gate that a person or a tool passed is not from the executor. */
  readonly stoppedAt: string;
  /** When the first node started after it: the `ts` of that event. */
  readonly resumedAt: string;
  /** From the one to the other, in milliseconds; absent where a time cannot be read. */
  readonly durationMs?: number;
}

/** A run, from its events. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
export interface RunState {
  /** `<pipe>-<ulid>`; empty as long as there was no event. */
  readonly runId: string;
  /** From `pipe.started`, or from the run id as long as there was none. */
  readonly pipe: string;
  /** `running` until a terminal event was seen. */
  readonly status: 'running' | 'completed' | 'aborted';
  /** Why the run was aborted; absent unless it was. */
  readonly reason?: string;
  /** What the pipe was given; empty where nothing was. */
  readonly inputs: readonly Input[];
  /** The version that `pipe.started` names; empty where it names none. */
  readonly distroVersion: string;
  /** When the pipe started; absent where no `pipe.started` was seen. */
  readonly startedAt?: string;
  /** When the last event happened; absent as long as there was none. */
  readonly lastTs?: string;
  /** When the terminal event happened; absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** When nobody drove the run, as the nodes that were begun again show; in the order of the log, empty where none was. */
  readonly downtimes: readonly Downtime[];
  /** How many events were folded. */
  readonly eventCount: number;
  /** The nodes, in the order of their first appearance. */
  readonly nodes: readonly NodeState[];
}
