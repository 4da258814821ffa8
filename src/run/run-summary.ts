/** What a listing says of a run. */
import type { RunState } from './run-state.js';

/** A run in a listing without counts. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
export interface RunOutline {
  /** `<pipe>-<ulid>`, the name of the run's folder. */
  readonly runId: string;
  /** The pipe, from the run id. */
  readonly pipe: string;
  /** `running` as long as the log holds no terminal event, also when the writer died. */
  readonly status: RunState['status'];
  /** Why the run was aborted; absent unless it was. */
  readonly reason?: string;
  /** Not ended, and a writer holds the log open. Always false where nobody can know (no byte locks). */
  readonly live: boolean;
  /** Not ended, surely no writer holds it, and nothing was written for a minute. */
  readonly orphan: boolean;
  /** When the pipe started; absent where the log does not say. */
  readonly startedAt?: string;
  /** When the last event happened; absent where there is none. */
  readonly lastTs?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** The size of the log in bytes; no position to read from: a line that is being written counts. `reader.position` is one. */
  readonly bytes: number;
  /** What is wrong with the log; the other figures are then of what could be read. Absent where nothing is, as of a run that is being made. */
  readonly problem?: string;
}

/** A run in a listing, with what a reading of its whole log counts. */
export interface RunSummary extends RunOutline {
  /** How many nodes the events name. */
  readonly nodeCount: number;
  /** How many of them completed at their latest attempt. */
  readonly completedCount: number;
  /** How many of them failed at their latest attempt. */
  readonly failedCount: number;
  /** How many events the log holds. */
  readonly eventCount: number;
}
