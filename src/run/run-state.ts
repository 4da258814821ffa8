/**
 * What happened in a run: a fold over its events. Knows no files.
 *
 * Promises: any legal event is taken in any order and none throws; folding a prefix and then the rest gives what folding the
 * whole gives. A node that starts again is at its latest attempt: all that is told of a node but `attempts` is of that one.
 */
import type { ErrorKind, GateMethod, Input, NodeKind, RunEvent } from '../format/events.js';
import { isRunId, parseRunId } from '../volume/run-id.js';

/** A gate that a node passed. */
export interface GateState {
  /** The name of the gate. */
  readonly gate: string;
  /** How it was passed. */
  readonly method: GateMethod;
  /** What it printed, or the end of that; absent where the event has none. */
  readonly stdout?: string;
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
  /** `running` until an end was seen. */
  readonly status: 'running' | 'completed' | 'failed';
  /** Why it failed, for programs; absent unless it did. */
  readonly errorKind?: ErrorKind;
  /** Why it failed, for people; absent where the event has none. */
  readonly message?: string;
  /** Where its output lies, relative to the volume root, with forward slashes; absent unless it completed. */
  readonly outputPath?: string;
  /** How often the node started. */
  readonly attempts: number;
  /** How many iterations began in this attempt. */
  readonly iterations: number;
  /** The gates it passed, in the order of the events. */
  readonly gates: readonly GateState[];
  /** When it started; absent where no `node.started` was seen. */
  readonly startedAt?: string;
  /** When it completed or failed; absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
}

/** A run as its events tell it. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
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
  /** The version that `pipe.started` tells; empty where it tells none. */
  readonly distroVersion: string;
  /** When the pipe started; absent where no `pipe.started` was seen. */
  readonly startedAt?: string;
  /** When the last event happened; absent as long as there was none. */
  readonly lastTs?: string;
  /** When the terminal event happened; absent while it runs. */
  readonly endedAt?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** How many events were folded. */
  readonly eventCount: number;
  /** The nodes, in the order of their first appearance. */
  readonly nodes: readonly NodeState[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type NodeDraft = Mutable<Omit<NodeState, 'gates'>> & { gates: GateState[] };
type RunDraft = Mutable<Omit<RunState, 'nodes'>>;

/**
 * Folds events into the state of their run, one at a time.
 *
 * @example
 * const reducer = new RunStateReducer();
 * for await (const event of EventLog.tail(root, runId)) {
 *   reducer.apply(event);
 *   draw(reducer.state);
 * }
 */
export class RunStateReducer {
  readonly #run: RunDraft = {
    runId: '',
    pipe: '',
    status: 'running',
    inputs: [],
    distroVersion: '',
    eventCount: 0,
  };
  readonly #nodes = new Map<string, NodeDraft>();

  /** The state so far: a copy that later events do not change. */
  get state(): RunState {
    const nodes = Array.from(this.#nodes.values(), node => timed({ ...node, gates: [...node.gates] }));
    return timed({ ...this.#run, inputs: [...this.#run.inputs], nodes });
  }

  /**
   * Takes the next event.
   *
   * @example
   * for await (const events of EventLog.read(root, runId).batches()) for (const event of events) reducer.apply(event);
   */
  apply(event: RunEvent): void {
    const run = this.#run;
    run.eventCount++;
    run.lastTs = event.ts;
    if (run.runId === '') run.runId = event.run_id;
    if (run.pipe === '' && run.startedAt === undefined && isRunId(event.run_id)) {
      run.pipe = parseRunId(event.run_id).pipe;
    }
    switch (event.type) {
      case 'pipe.started':
        run.pipe = event.pipe;
        run.inputs = event.inputs.map(input => ({ ...input })); // the event stays the caller's
        run.distroVersion = event.distro_version;
        run.startedAt = event.ts;
        break;
      case 'pipe.completed':
        this.#end('completed', event.ts);
        break;
      case 'pipe.aborted':
        if (this.#end('aborted', event.ts)) run.reason = event.reason;
        break;
      default:
        this.#applyToNode(event);
    }
  }

  #end(status: 'completed' | 'aborted', ts: string): boolean {
    const run = this.#run;
    if (run.status !== 'running') return false; // only damage puts a second terminal event after the first
    run.status = status;
    run.endedAt = ts;
    return true;
  }

  #applyToNode(event: Extract<RunEvent, { node_id: string }>): void {
    const node = this.#nodeOf(event.node_id);
    switch (event.type) {
      case 'node.started': {
        const started = newNode(event.node_id);
        started.kind = event.kind;
        if (event.name !== undefined) started.name = event.name;
        if (event.model !== undefined) started.model = event.model;
        started.attempts = node.attempts + 1;
        started.startedAt = event.ts;
        this.#nodes.set(event.node_id, started);
        break;
      }
      case 'node.completed':
        endNode(node, 'completed', event.ts);
        node.outputPath = event.output_path;
        break;
      case 'node.failed':
        endNode(node, 'failed', event.ts);
        node.errorKind = event.error.kind;
        if (event.message !== undefined) node.message = event.message;
        break;
      case 'gate.passed': {
        const { gate, method, stdout } = event;
        node.gates.push(stdout === undefined ? { gate, method } : { gate, method, stdout });
        break;
      }
      case 'iteration.started':
        node.iterations++;
        break;
    }
  }

  #nodeOf(nodeId: string): NodeDraft {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) return known;
    const node = newNode(nodeId);
    this.#nodes.set(nodeId, node);
    return node;
  }
}

/**
 * Folds all events of a run into its state.
 *
 * @example
 * const state = deriveRunState(await EventLog.read(root, runId).toArray());
 * console.log(state.status, state.nodes.filter(node => node.status === 'failed'));
 */
export function deriveRunState(events: Iterable<RunEvent>): RunState {
  const reducer = new RunStateReducer();
  for (const event of events) reducer.apply(event);
  return reducer.state;
}

function newNode(nodeId: string): NodeDraft {
  return { nodeId, status: 'running', attempts: 0, iterations: 0, gates: [] };
}

/** The last end counts; nothing stays of one before it. (Deleting makes an object slow, and is hardly ever needed.) */
function endNode(node: NodeDraft, status: 'completed' | 'failed', ts: string): void {
  if (node.endedAt !== undefined) {
    delete node.outputPath;
    delete node.errorKind;
    delete node.message;
  }
  node.status = status;
  node.endedAt = ts;
}

/** Adds how long a span took, where its times can be read; the clock may have gone back. */
function timed<Span extends { startedAt?: string; endedAt?: string; durationMs?: number }>(span: Span): Span {
  if (span.startedAt === undefined || span.endedAt === undefined) return span;
  const durationMs = Date.parse(span.endedAt) - Date.parse(span.startedAt);
  if (!Number.isNaN(durationMs)) span.durationMs = Math.max(0, durationMs);
  return span;
}
