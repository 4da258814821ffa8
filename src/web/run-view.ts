/**
 * A run as the page shows it: the fold of its events, with the times of iterations and gates, and where its events are in the log.
 *
 * Promise: memory is bounded by the nodes of the run and by the lists that the API bounds, not by its events.
 */
import { createHash } from 'node:crypto';
import {
  type LogEvent,
  omneEvents,
  type RunEvent,
  type RunState,
  RunStateReducer,
  type Vocabulary,
} from '../index.js';
import type { GateView, IterationView, NodeView, RunCounts, RunHead, RunRow } from './api.js';

const MOST_ATTEMPTS = 100;
const MOST_ITERATIONS = 1000;
const MOST_GATES = 20;
/** More iterations are remembered, for whoever asks for one by its number, than are sent with every change. */
const SHOWN_ITERATIONS = 200;
/** Every so many-th event has its position remembered. */
const MARK_EVENTS = 256;

/** What the state of a node does not say. */
interface Extras {
  readonly index: number;
  lastEvent: number;
  lastPosition: number;
  iterations: IterationView[];
  /** Where the first iteration that the capture file holds begins, and the latest, of whichever attempt. */
  firstStart: number;
  lastStart: number;
  gates: GateView[];
}

/** Folds the events of a run; of a vocabulary of its own, nodes are shown as far as it has their events. */
export class RunView {
  readonly runId: string;
  readonly vocabulary: Vocabulary;
  readonly #reducer: RunStateReducer;
  readonly #extras = new Map<string, Extras>();
  readonly #marks: number[] = [0];
  #state: RunState | undefined;
  #count = 0;
  #position = 0;
  #epoch = '';
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  #malformedLines = 0;

  constructor(runId: string, vocabulary: Vocabulary = omneEvents) {
    this.runId = runId;
    this.vocabulary = vocabulary;
    this.#reducer = new RunStateReducer({ events: vocabulary });
  }

  /** How many events were folded. */
  get count(): number {
    return this.#count;
  }

  /** The position after the last of them. */
  get position(): number {
    return this.#position;
  }

  /** Which log it is: made of its first event, so it is the same for a copy; empty as long as there was none. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Takes the next event. */
  apply(event: LogEvent, position: number): void {
    this.#reducer.apply(event);
    this.#state = undefined;
    if (this.#count === 0) this.#epoch = createHash('sha256').update(event.id).digest('hex').slice(0, 12);
    const at = Date.parse(event.ts);
    if (!Number.isNaN(at)) {
      this.#start = Math.min(this.#start, at);
      this.#end = Math.max(this.#end, at);
    }
    if (!this.#reducer.isBuiltIn(event)) this.#noteOfNode(event, position);
    else if ('node_id' in event) this.#applyToNode(event, position);
    this.#position = position;
    if (++this.#count % MARK_EVENTS === 0) this.#marks.push(position);
  }

  /** A line was no event. */
  malformed(error: Error): void {
    this.#problem ??= error.message;
    this.#malformedLines++;
  }

  /** From where to read to come to an event, and how many to pass over there. */
  placeOf(number: number): { from: number; skip: number } {
    const mark = Math.min(Math.floor(number / MARK_EVENTS), this.#marks.length - 1);
    return { from: this.#marks[mark] ?? 0, skip: number - mark * MARK_EVENTS };
  }

  /** Where the output of an iteration of a node's latest attempt is; undefined where there is no such iteration. */
  iteration(
    nodeId: string,
    iteration: number,
  ): (IterationView & { readonly firstStart: number }) | undefined {
    const extras = this.#extras.get(nodeId);
    const found = extras?.iterations.findLast(each => each.iteration === iteration);
    return extras && found && { ...found, firstStart: extras.firstStart };
  }

  /** The head; `row` says what the log does not: whether a writer lives. */
  head(row: RunRow | undefined): RunHead {
    const { pipe, status, reason, startedAt, lastTs, durationMs, endedAt, inputs, distroVersion, nodes } =
      this.#folded;
    const problem = this.#problem ?? row?.problem;
    const count = (wanted: string) => nodes.filter(node => node.status === wanted).length;
    const counts: RunCounts = {
      events: this.#count,
      nodes: nodes.length,
      running: count('running'),
      completed: count('completed'),
      failed: count('failed'),
    };
    const running = status === 'running';
    return {
      runId: this.runId,
      pipe: pipe === '' ? this.runId.slice(0, -27) : pipe,
      status,
      ...(reason === undefined ? {} : { reason }),
      ...(row?.live === undefined ? {} : { live: running && row.live }),
      ...(row?.orphan === undefined ? {} : { orphan: running && row.orphan }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(lastTs === undefined ? {} : { lastTs }),
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(durationMs === undefined ? {} : { durationMs }),
      bytes: Math.max(this.#position, row?.bytes ?? 0),
      ...(problem === undefined ? {} : { problem }),
      counts,
      inputs,
      distroVersion,
      ...(this.#start <= this.#end ? { extent: { start: this.#start, end: this.#end } } : {}),
      malformedLines: this.#malformedLines,
    };
  }

  /** The nodes that changed after a position; all that are interrupted as well once the run has ended, which changes them without an event. */
  nodes(after = -1): NodeView[] {
    const views: NodeView[] = [];
    for (const state of this.#folded.nodes) {
      const extras = this.#extras.get(state.nodeId);
      if (extras === undefined || (extras.lastPosition <= after && state.status !== 'interrupted')) continue;
      const {
        attempts,
        history,
        iterations,
        gates,
        failedAttempts: _,
        interruptedAttempts: __,
        ...facts
      } = state;
      views.push({
        ...facts,
        index: extras.index,
        attemptCount: attempts,
        attempts: history.slice(-MOST_ATTEMPTS).map(({ durationMs: _durationMs, ...attempt }) => attempt),
        iterationCount: iterations,
        iterations: extras.iterations.slice(-SHOWN_ITERATIONS),
        gates: gates.length === 0 ? [] : extras.gates.slice(-gates.length), // the fold knows which still count
        lastEvent: extras.lastEvent,
      });
    }
    return views;
  }

  get #folded(): RunState {
    return (this.#state ??= this.#reducer.state);
  }

  /** An event that only a vocabulary of its own has may be one of a node too. */
  #noteOfNode(event: LogEvent, position: number): void {
    const nodeId: unknown = Reflect.get(event, 'node_id');
    const extras = typeof nodeId === 'string' ? this.#extras.get(nodeId) : undefined;
    if (extras === undefined) return;
    extras.lastEvent = this.#count;
    extras.lastPosition = position;
  }

  #applyToNode(event: Extract<RunEvent, { node_id: string }>, position: number): void {
    let extras = this.#extras.get(event.node_id);
    if (extras === undefined) {
      const { size: index } = this.#extras;
      const starts = { firstStart: 0, lastStart: Number.POSITIVE_INFINITY };
      extras = { index, lastEvent: 0, lastPosition: 0, iterations: [], ...starts, gates: [] };
      this.#extras.set(event.node_id, extras);
    }
    extras.lastEvent = this.#count;
    extras.lastPosition = position;
    if (event.type === 'node.started') {
      extras.iterations = [];
    } else if (event.type === 'gate.passed') {
      const { gate, method, stdout, ts: passedAt } = event;
      const view = { gate, method, passedAt, ...(stdout === undefined ? {} : { stdout }) };
      extras.gates = [...extras.gates.slice(1 - MOST_GATES), view];
    } else if (event.type === 'iteration.started') {
      const { iteration, byte_offset: start, ts: startedAt } = event;
      const last = extras.iterations.at(-1);
      // Where an offset does not rise the file was begun again: what was before is gone.
      if (start <= extras.lastStart) extras.firstStart = start;
      extras.lastStart = start;
      const before =
        last === undefined || start <= last.start
          ? []
          : [...extras.iterations.slice(1 - MOST_ITERATIONS, -1), { ...last, end: start }];
      extras.iterations = [...before, { iteration, startedAt, start }];
    }
  }
}
