/**
 * A run in time: what each node did when, folded from its events. Knows no files and no HTML.
 *
 * Promises: any legal event is taken; a time that cannot be read leaves its bar or mark out, never the node. Memory is
 * bounded by what can be seen: of marks that would lie closer than a fraction of the run, one stands for all.
 */
import type { NodeKind, RunEvent } from '../../index.js';

/** One attempt of a node; times in milliseconds since the epoch. */
export interface Span {
  readonly start: number;
  /** Undefined while it runs. */
  end?: number;
  status: 'running' | 'completed' | 'failed';
}

/** Something that happened at a moment. */
export interface Moment {
  readonly at: number;
  readonly what: string;
  /** How many others it stands for. */
  others: number;
}

/** A node's row in the picture. */
export interface Row {
  readonly nodeId: string;
  kind?: NodeKind;
  name?: string;
  model?: string;
  readonly spans: Span[];
  readonly iterations: Moment[];
  readonly gates: Moment[];
  /** The latest failure: its kind and message. */
  failure?: string;
}

/** Folds events into rows. */
export class Timeline {
  readonly #rows = new Map<string, Row>();
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;

  /** In the order of their first appearance. */
  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** The first and the last time that could be read; undefined when there was none. */
  get extent(): { start: number; end: number } | undefined {
    return this.#start <= this.#end ? { start: this.#start, end: this.#end } : undefined;
  }

  /** Takes the next event. */
  apply(event: RunEvent): void {
    const at = Date.parse(event.ts);
    if (!Number.isNaN(at)) {
      this.#start = Math.min(this.#start, at);
      this.#end = Math.max(this.#end, at);
    }
    if (!('node_id' in event)) return;
    const row = this.#rowOf(event.node_id);
    switch (event.type) {
      case 'node.started':
        row.kind = event.kind;
        if (event.name !== undefined) row.name = event.name;
        if (event.model !== undefined) row.model = event.model;
        row.spans.push({ start: at, status: 'running' });
        break;
      case 'node.completed':
        this.#endSpan(row, 'completed', at);
        break;
      case 'node.failed':
        this.#endSpan(row, 'failed', at);
        row.failure =
          event.message === undefined ? event.error.kind : `${event.error.kind}: ${event.message}`;
        break;
      case 'gate.passed':
        this.#mark(row.gates, at, `gate ${event.gate} passed (${event.method})`);
        break;
      case 'iteration.started':
        this.#mark(row.iterations, at, `iteration ${event.iteration}`);
        break;
    }
  }

  #rowOf(nodeId: string): Row {
    const known = this.#rows.get(nodeId);
    if (known !== undefined) return known;
    const row: Row = { nodeId, spans: [], iterations: [], gates: [] };
    this.#rows.set(nodeId, row);
    return row;
  }

  /** An end without a start stands for a moment. */
  #endSpan(row: Row, status: 'completed' | 'failed', at: number): void {
    let span = row.spans.at(-1);
    if (span === undefined || span.status !== 'running') row.spans.push((span = { start: at, status }));
    span.status = status;
    span.end = at;
  }

  #mark(marks: Moment[], at: number, what: string): void {
    if (Number.isNaN(at)) return;
    const before = marks.at(-1);
    const apart = (this.#end - this.#start) / FINEST;
    if (before !== undefined && at - before.at <= apart) before.others++;
    else marks.push({ at, what, others: 0 });
  }
}

/** No mark is drawn closer to the one before than this fraction of the run. */
const FINEST = 2000;
