/**
 * What happened in one node: its attempts, each with its times, and the latest one in full. Knows no files.
 *
 * An attempt begins with `node.started` and ends with `node.completed` or `node.failed`. Where the node starts again first, or its
 * run ends first, the attempt was interrupted: its executor died, and a retry would have logged `node.failed`.
 *
 * Promise: any legal event is taken in any order. All that is said of a node but its attempts is of the latest one; only gates stay
 * passed when an attempt is interrupted, as the person who passed one is not asked again.
 */
import type {
  ErrorKind,
  GateMethod,
  GatePassed,
  NodeCompleted,
  NodeFailed,
  NodeKind,
  NodeStarted,
  RunEvent,
} from '../format/events.js';

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
  /** The gates it passed, in the order of the events: in this attempt, and in those right before that were interrupted. */
  readonly gates: readonly GateState[];
  /** When it started; absent where no `node.started` was seen. */
  readonly startedAt?: string;
  /** When it ended; absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Counts = 'attempts' | 'failedAttempts' | 'interruptedAttempts' | 'history';
type Latest = Mutable<Omit<NodeState, Counts | 'gates'>> & { gates: GateState[] };

/** A node as a saved fold has it. */
export interface NodeSnapshot {
  /** The attempts before the latest one, oldest first. */
  readonly past: readonly Attempt[];
  /** How often the node started. */
  readonly attempts: number;
  /** The node at its latest attempt. */
  readonly latest: Omit<NodeState, Counts>;
  /** When the run was left while the latest attempt was open, by the `ts` of the log; absent where nothing shows that the run was left. */
  readonly leftAt?: string;
}

/** Folds the events of one node. */
export class NodeFold {
  readonly #past: Attempt[] = [];
  #attempts = 0;
  #latest: Latest;
  /** When the run was left while this attempt was open, as far as the other nodes show; see `left`. */
  #leftAt: string | undefined;

  constructor(nodeId: string) {
    this.#latest = latestOf(nodeId);
  }

  /** The fold that was saved. */
  static from({ past, attempts, latest, leftAt }: NodeSnapshot): NodeFold {
    const fold = new NodeFold(latest.nodeId);
    fold.#past.push(...past.map(attempt => Object.freeze({ ...attempt })));
    fold.#attempts = attempts;
    fold.#latest = { ...latest, gates: [...latest.gates] };
    fold.#leftAt = leftAt;
    return fold;
  }

  /** What has to be saved of this fold. */
  snapshot(): NodeSnapshot {
    const leftAt = this.#leftAt === undefined ? {} : { leftAt: this.#leftAt };
    return { past: this.#past, attempts: this.#attempts, latest: this.#latest, ...leftAt };
  }

  /** Whether an attempt began and has not ended. */
  get open(): boolean {
    return this.#latest.status === 'running' && this.#latest.startedAt !== undefined;
  }

  /** Whether the executor of this open attempt is known to be gone. */
  get abandoned(): boolean {
    return this.#leftAt !== undefined;
  }

  /** Another node shows that the run was resumed, and that the executor last appended at `ts` before; true unless this one shows otherwise later. */
  left(ts: string): void {
    this.#leftAt ??= ts;
  }

  /** A new attempt; `lastTs` is when the executor last appended before. */
  start(event: NodeStarted, lastTs: string): void {
    if (this.open) this.interrupt(lastTs);
    if (this.#latest.status !== 'running') this.#past.push(attemptOf(this.#latest));
    this.#attempts++;
    const latest = latestOf(event.node_id);
    if (this.#latest.status === 'interrupted') latest.gates = this.#latest.gates;
    latest.kind = event.kind;
    if (event.name !== undefined) latest.name = event.name;
    if (event.model !== undefined) latest.model = event.model;
    latest.startedAt = event.ts;
    this.#latest = latest;
  }

  /** The attempt ends without an event of its own: at `ts`, or before, when the run was left. */
  interrupt(ts: string): void {
    this.#end('interrupted', this.#leftAt ?? ts);
  }

  complete(event: NodeCompleted): void {
    this.#end('completed', event.ts);
    this.#latest.outputPath = event.output_path;
  }

  fail(event: NodeFailed): void {
    this.#end('failed', event.ts);
    this.#latest.errorKind = event.error.kind;
    if (event.message !== undefined) this.#latest.message = event.message;
  }

  passGate(event: GatePassed): void {
    const { gate, method, stdout } = event;
    if (!isFromOutside(event)) this.#leftAt = undefined;
    this.#latest.gates.push(stdout === undefined ? { gate, method } : { gate, method, stdout });
  }

  iterate(): void {
    this.#leftAt = undefined;
    this.#latest.iterations++;
  }

  /** The last end counts; nothing stays of one before it. (Deleting makes an object slow, and is hardly ever needed.) */
  #end(status: NodeStatus, ts: string): void {
    const latest = this.#latest;
    if (latest.endedAt !== undefined) {
      delete latest.outputPath;
      delete latest.errorKind;
      delete latest.message;
    }
    this.#leftAt = undefined;
    latest.status = status;
    latest.endedAt = ts;
  }

  /** The state so far: a copy that later events do not change. */
  get state(): NodeState {
    const latest = this.#latest;
    const begun = latest.startedAt !== undefined || latest.status !== 'running';
    const history = begun ? [...this.#past, attemptOf(latest)] : [...this.#past];
    const count = (status: NodeStatus) => history.filter(attempt => attempt.status === status).length;
    return timed({
      ...latest,
      gates: [...latest.gates],
      attempts: this.#attempts,
      failedAttempts: count('failed'),
      interruptedAttempts: count('interrupted'),
      history,
    });
  }
}

/** Whether an event is from another process than the executor, as far as events say: a gate that a person or a tool passed. */
export function isFromOutside(event: RunEvent): boolean {
  return event.type === 'gate.passed' && (event.method === 'human_cli' || event.method === 'mcp_tool');
}

function latestOf(nodeId: string): Latest {
  return { nodeId, status: 'running', iterations: 0, gates: [] };
}

function attemptOf({ status, startedAt, endedAt, errorKind }: Latest): Attempt {
  const attempt: Mutable<Attempt> = { status };
  if (startedAt !== undefined) attempt.startedAt = startedAt;
  if (endedAt !== undefined) attempt.endedAt = endedAt;
  if (status === 'failed' && errorKind !== undefined) attempt.errorKind = errorKind;
  return Object.freeze(timed(attempt));
}

/** Adds how long a span took, where its times can be read; the clock may have gone back. */
export function timed<Span extends { startedAt?: string; endedAt?: string; durationMs?: number }>(
  span: Span,
): Span {
  const durationMs = millisecondsBetween(span.startedAt, span.endedAt);
  if (durationMs !== undefined) span.durationMs = durationMs;
  return span;
}

/** The time from one `ts` to another; undefined where one is absent or cannot be read. */
export function millisecondsBetween(start: string | undefined, end: string | undefined): number | undefined {
  if (start === undefined || end === undefined) return undefined;
  const passed = Date.parse(end) - Date.parse(start);
  return Number.isNaN(passed) ? undefined : Math.max(0, passed);
}
