/**
 * The fold of one node. Knows no files.
 *
 * An attempt begins with `node.started` and ends with `node.completed` or `node.failed`. Where the node starts again first, or its
 * run ends first, the attempt was interrupted: its executor died, and a retry would have logged `node.failed`.
 *
 * Promise: any legal event is taken in any order. All that is said of a node but its attempts is of the latest one; only gates stay
 * passed when an attempt is interrupted, as the person who passed one is not asked again. One that was passed before the first start
 * is of the first attempt.
 */
import type { GatePassed, NodeCompleted, NodeFailed, NodeStarted, RunEvent } from '../format/events.js';
import { timed } from './durations.js';
import type { Attempt, GateState, NodeState, NodeStatus } from './node-state.js';
import type { Pause } from './pauses.js';
import type { NodeSnapshot } from './snapshot.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Latest = Mutable<Omit<NodeSnapshot['latest'], 'gates'>> & { gates: GateState[] };

/** Folds the events of one node. */
export class NodeFold {
  readonly #past: Attempt[] = [];
  #attempts = 0;
  #begun = 0; // the number of the event that began the latest attempt
  #latest: Latest;
  /** When the run was left while this attempt was open, as far as the other nodes show; see `left`. */
  #leftAt: string | undefined;

  constructor(nodeId: string) {
    this.#latest = latestOf(nodeId);
  }

  /** The fold that was saved. */
  static from({ past, attempts, begun, latest, leftAt }: NodeSnapshot): NodeFold {
    const fold = new NodeFold(latest.nodeId);
    fold.#past.push(...past.map(attempt => Object.freeze({ ...attempt })));
    fold.#attempts = attempts;
    fold.#begun = begun;
    fold.#latest = { ...latest, gates: [...latest.gates] };
    fold.#leftAt = leftAt;
    return fold;
  }

  /** What has to be saved of this fold. */
  snapshot(): NodeSnapshot {
    const leftAt = this.#leftAt === undefined ? {} : { leftAt: this.#leftAt };
    return {
      past: this.#past,
      attempts: this.#attempts,
      begun: this.#begun,
      latest: this.#latest,
      ...leftAt,
    };
  }

  /** Whether an attempt began and has not ended. */
  get open(): boolean {
    return this.#latest.status === 'running' && this.#latest.startedAt !== undefined;
  }

  /** How far the node has come. */
  get status(): NodeStatus {
    return this.#latest.status;
  }

  /** The number of the event that began the latest attempt. */
  get begun(): number {
    return this.#begun;
  }

  /** Whether the executor of this open attempt is known to be gone. */
  get abandoned(): boolean {
    return this.#leftAt !== undefined;
  }

  /** Another node shows that the run was resumed, and that the executor last appended at `ts` before; true unless this one shows otherwise later. */
  left(ts: string): void {
    this.#leftAt ??= ts;
  }

  /** A new attempt, after a pause. */
  start(event: NodeStarted, { index, stoppedAt }: Pause): void {
    if (this.open) this.interrupt(stoppedAt);
    if (this.#latest.status !== 'running') this.#past.push(attemptOf(this.#latest));
    this.#attempts++;
    this.#begun = index;
    const latest = latestOf(event.node_id);
    const goesOn = this.#latest.status === 'interrupted' || this.#latest.status === 'running'; // or never started
    if (goesOn) latest.gates = this.#latest.gates;
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
