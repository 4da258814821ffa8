/** What is said of a node: its attempts, each with its times, and the latest one in full. */
import type { ErrorKind, GateMethod, NodeKind } from '../format/events.js';

/** A gate that a node passed. */
export interface GateState {
  /** The name of the gate. */
  readonly gate: string;
  /** How it was passed. */
  readonly method: GateMethod;
  /** What it printed, or the end of that; absent where the event has none. */
  readonly stdout?: string;
}

/** How far an attempt, or the node at its latest attempt, has come. */
export type NodeStatus = 'running' | 'completed' | 'failed' | 'interrupted';

/** One attempt of a node. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
export interface Attempt {
  /** `running` until it ended; `interrupted` where the node started again, or the run ended, without an end of this attempt. */
  readonly status: NodeStatus;
  /** When it started; absent where no `node.started` was seen. */
  readonly startedAt?: string;
  /** When it ended; of an interrupted one, when the executor last appended before the run was resumed. Absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** Why it failed, for programs; absent unless it did. */
  readonly errorKind?: ErrorKind;
}

/** A node at its latest attempt. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
export interface NodeState {
  /** The node's id in its pipe. */
  readonly nodeId: string;
  /** What kind of work it does; absent where no `node.started` was seen. */
  readonly kind?: NodeKind;
  /** Its name for people; absent where it has none. */
  readonly name?: string;
  /** The model it asks; absent where it asks none. */
  readonly model?: string;
  /** `running` until an end was seen; `interrupted` where the run ended without one. */
  readonly status: NodeStatus;
  /** Why it failed, for programs; absent unless it did. */
  readonly errorKind?: ErrorKind;
  /** Why it failed, for people; absent where the event has none. */
  readonly message?: string;
  /** Where its output lies, relative to the volume root, with forward slashes; absent unless it completed. */
  readonly outputPath?: string;
  /** How often the node started. */
  readonly attempts: number;
  /** How many attempts failed. */
  readonly failedAttempts: number;
  /** How many attempts were interrupted: the executor died, and the run was resumed or ended. */
  readonly interruptedAttempts: number;
  /** The attempts with their times, oldest first; the last one is that which the node is at. */
  readonly history: readonly Attempt[];
  /** How many iterations began in this attempt. */
  readonly iterations: number;
  /** The gates it passed, in the order of the events: in this attempt, in those right before that were interrupted, and before the first start. */
  readonly gates: readonly GateState[];
  /** When it started; absent where no `node.started` was seen. */
  readonly startedAt?: string;
  /** When it ended; absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
}
