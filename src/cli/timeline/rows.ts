/**
 * A run in time: what each node did when. Attempts and their times are those of the run's state; the marks are added here.
 * Knows no files and no HTML.
 *
 * Promises: any legal event is taken; a time that cannot be read leaves its bar or mark out, never the node. Of marks that
 * would lie closer than a fraction of the run, one is drawn for all, so their number is bounded by what can be seen.
 */
import type { LogEvent, NodeState, NodeStatus, RunEvent, RunState, Vocabulary } from '../../index.js';
import { RunStateReducer } from '../../run/run-state-reducer.js';

/** A stretch of time, in milliseconds since the epoch. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** One attempt of a node; times in milliseconds since the epoch. */
export interface Span {
  readonly start: number;
  /** Undefined while it runs. */
  readonly end: number | undefined;
  readonly status: NodeStatus;
}

/** Something that happened at a moment. */
export interface Moment {
  readonly at: number;
  readonly what: string;
  /** How many others it is drawn for. */
  others: number;
}

interface Marks {
  readonly iterations: Moment[];
  readonly gates: Moment[];
}

/** A node's row in the picture. */
export interface Row extends Marks {
  readonly node: NodeState;
  readonly spans: readonly Span[];
}

/** Folds events into rows. */
export class Timeline {
  readonly #reducer: RunStateReducer;
  readonly #marks = new Map<string, Marks>();
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  /** Of the events that a vocabulary has of the built-in ones; see `ReducerOptions`. */
  constructor(events?: Vocabulary) {
    this.#reducer = new RunStateReducer({ events });
  }

  /** The state of the run. */
  get state(): RunState {
    return this.#reducer.state;
  }

  /** In the order of their first appearance. */
  get rows(): readonly Row[] {
    return this.state.nodes.map(node => ({ node, spans: spansOf(node), ...this.#marksOf(node.nodeId) }));
  }

  /** When no executor drove the run. */
  get downtimes(): readonly Stretch[] {
    return this.state.downtimes
      .map(({ stoppedAt, resumedAt }) => ({ start: Date.parse(stoppedAt), end: Date.parse(resumedAt) }))
      .filter(({ start, end }) => start < end);
  }

  /** The first and the last time that could be read; undefined when there was none. */
  get extent(): Stretch | undefined {
    return this.#start <= this.#end ? { start: this.#start, end: this.#end } : undefined;
  }

  /** Takes the next event. */
  apply(event: RunEvent | LogEvent): void {
    this.#reducer.apply(event);
    const at = Date.parse(event.ts);
    if (Number.isNaN(at)) return;
    this.#start = Math.min(this.#start, at);
    this.#end = Math.max(this.#end, at);
    if (!this.#reducer.isBuiltIn(event)) return;
    if (event.type === 'gate.passed') {
      this.#mark(this.#marksOf(event.node_id).gates, at, `gate ${event.gate} passed (${event.method})`);
    } else if (event.type === 'iteration.started') {
      this.#mark(this.#marksOf(event.node_id).iterations, at, `iteration ${event.iteration}`);
    }
  }

  #marksOf(nodeId: string): Marks {
    const known = this.#marks.get(nodeId);
    if (known !== undefined) return known;
    const marks: Marks = { iterations: [], gates: [] };
    this.#marks.set(nodeId, marks);
    return marks;
  }

  #mark(marks: Moment[], at: number, what: string): void {
    const before = marks.at(-1);
    const apart = (this.#end - this.#start) / FINEST;
    if (before !== undefined && at - before.at <= apart) before.others++;
    else marks.push({ at, what, others: 0 });
  }
}

/** No mark is drawn closer to the one before than this fraction of the run. */
const FINEST = 2000;

/** An end without a start is a moment. */
function spansOf({ history }: NodeState): Span[] {
  return history.map(({ status, startedAt, endedAt }) => ({
    start: Date.parse(startedAt ?? endedAt ?? ''),
    end: endedAt === undefined ? undefined : Date.parse(endedAt),
    status,
  }));
}
