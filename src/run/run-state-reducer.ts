/**
 * What happened in a run: a fold over its events. Knows no files.
 *
 * Promises: any legal event is taken in any order and none throws; folding a prefix and then the rest gives what folding the
 * whole gives. It is the one fold there is: what `show`, the timeline and the live page say of attempts and times is from here.
 */
import { builtInTypes, omneEvents, type RunEvent } from '../format/events.js';
import type { LogEvent } from '../format/schema.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { checkOptions, type OptionCheck } from '../options.js';
import { isRunId, parseRunId } from '../volume/run-id.js';
import { millisecondsBetween, timed } from './durations.js';
import { isFromOutside, NodeFold } from './node-fold.js';
import { type Pause, Pauses } from './pauses.js';
import type { Downtime, RunState } from './run-state.js';
import { invalid, type RunSnapshot, sealed, unsealed } from './snapshot.js';

/** Whose events are folded. */
export interface ReducerOptions {
  /**
   * The vocabulary of the events; `omneEvents` by default. Of another one, the types are folded that it has as the built-in vocabulary
   * has them, with other fields or without; a terminal type that is none of those completes the run. Where it has no
   * `pipe.started`, the run started with its first event; where it has none of nodes, there are no nodes.
   */
  events?: Vocabulary | undefined;
}

const REDUCER_OPTIONS: Readonly<Record<keyof ReducerOptions, OptionCheck>> = { events: isVocabulary };

type RunDraft = { -readonly [K in keyof RunSnapshot['run']]: RunSnapshot['run'][K] };

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
  readonly #vocabulary: Vocabulary;
  /** The types of the vocabulary that are as the built-in ones are. */
  readonly #builtIn: ReadonlySet<string>;
  readonly #run: RunDraft = {
    runId: '',
    pipe: '',
    status: 'running',
    inputs: [],
    distroVersion: '',
    eventCount: 0,
  };
  readonly #downtimes: Downtime[] = [];
  readonly #nodes = new Map<string, NodeFold>();
  #pauses = new Pauses();
  /** When the executor last appended: the `ts` of the last event that is not known to be from another process. */
  #drivenTs: string | undefined;
  #lastId = '';
  #restored = false; // nothing was applied since it was taken from a snapshot

  /**
   * The reducer that was saved as a snapshot, to be continued with the events after its `position`.
   *
   * @param snapshot - what `snapshot` returned, also by way of JSON.
   * @param runId - the run it must be of; any run by default.
   * @param options - as of a new reducer.
   * @throws EventLogError `ERR_SNAPSHOT_INVALID` when it was damaged, is of another run, or of another version of the library;
   * also by `apply`, when the first event after it is of another run, or the one that it ends with.
   * @example
   * const reducer = RunStateReducer.from(saved, runId);
   * const reader = EventLog.read(root, runId, { from: saved.position });
   * for await (const event of reader) reducer.apply(event);
   * const next = reducer.snapshot(reader.position); // to be saved in its turn
   */
  static from(snapshot: RunSnapshot, runId?: string, options: ReducerOptions = {}): RunStateReducer {
    const { run, drivenTs, downtimes, pauses, nodes, lastId } = unsealed(snapshot);
    if (runId !== undefined && run.runId !== '' && run.runId !== runId) {
      throw invalid(`it is of run ${run.runId}, not of ${runId}`);
    }
    const reducer = new RunStateReducer(options);
    Object.assign(reducer.#run, run);
    reducer.#drivenTs = drivenTs;
    reducer.#downtimes.push(...downtimes.map(downtime => Object.freeze(downtime)));
    reducer.#pauses = new Pauses(pauses);
    for (const node of nodes) reducer.#nodes.set(node.latest.nodeId, NodeFold.from(node));
    reducer.#lastId = lastId;
    reducer.#restored = lastId !== '';
    return reducer;
  }

  /**
   * The state so far as plain JSON, to go on from later without reading the log again.
   *
   * @param position - the byte position in the log after the last event applied, as a reader or tail has it.
   * @example
   * await writeFile('state.json', JSON.stringify(reducer.snapshot(reader.position)));
   */
  snapshot(position: number): RunSnapshot {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new TypeError('the position must be an integer from 0 up');
    }
    const nodes = Array.from(this.#nodes.values(), node => node.snapshot());
    return sealed({
      position,
      lastId: this.#lastId,
      run: this.#run,
      ...(this.#drivenTs === undefined ? {} : { drivenTs: this.#drivenTs }),
      downtimes: this.#downtimes,
      pauses: this.#pauses.all,
      nodes,
    });
  }

  /** Takes events of the built-in vocabulary, or of another; see `ReducerOptions`. */
  constructor(options: ReducerOptions = {}) {
    checkOptions(options, REDUCER_OPTIONS);
    this.#vocabulary = options.events ?? omneEvents;
    this.#builtIn = builtInTypes(this.#vocabulary);
  }

  /** The state so far: a copy that later events do not change. */
  get state(): RunState {
    const nodes = Array.from(this.#nodes.values(), node => node.state);
    const downtimes = [...this.#downtimes];
    return timed({ ...this.#run, inputs: [...this.#run.inputs], downtimes, nodes });
  }

  /**
   * Takes the next event.
   *
   * @example
   * for await (const events of EventLog.read(root, runId).batches()) for (const event of events) reducer.apply(event);
   */
  apply(event: RunEvent | LogEvent): void {
    const run = this.#run;
    if (this.#restored) this.#checkFollows(event);
    this.#lastId = event.id;
    const pause = this.#pauseBefore(event.ts);
    run.eventCount++;
    run.lastTs = event.ts;
    if (run.runId === '') run.runId = event.run_id;
    if (run.pipe === '' && run.startedAt === undefined && isRunId(event.run_id)) {
      run.pipe = parseRunId(event.run_id).pipe;
    }
    if (!this.#builtIn.has('pipe.started')) run.startedAt ??= event.ts;
    if (this.isBuiltIn(event)) this.#applyBuiltIn(event, pause);
    else if (this.#vocabulary.isTerminal(event)) this.#end('completed', event.ts);
    if (!this.isBuiltIn(event) || !isFromOutside(event)) this.#drivenTs = event.ts;
  }

  /** Whether an event is of a type that the vocabulary has as the built-in one has it. */
  isBuiltIn(event: LogEvent): event is RunEvent {
    return this.#builtIn.has(event.type);
  }

  #applyBuiltIn(event: RunEvent, pause: Pause): void {
    const run = this.#run;
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
        this.#applyToNode(event, pause);
    }
  }

  #checkFollows({ id, run_id }: LogEvent): void {
    if (run_id !== this.#run.runId)
      throw invalid(`an event of run ${run_id} does not follow one of ${this.#run.runId}`);
    if (id === this.#lastId) throw invalid(`event ${id} is the one it ends with`);
    this.#restored = false;
  }

  #end(status: 'completed' | 'aborted', ts: string): boolean {
    const run = this.#run;
    if (run.status !== 'running') return false; // only damage puts a second terminal event after the first
    run.status = status;
    run.endedAt = ts;
    for (const node of this.#nodes.values()) if (node.open) node.interrupt(ts);
    return true;
  }

  #applyToNode(event: Extract<RunEvent, { node_id: string }>, pause: Pause): void {
    const node = this.#nodeOf(event.node_id);
    if (event.type === 'node.started') {
      if (node.open || node.status !== 'failed') this.#pauses.add(pause);
      if (node.open && !node.abandoned) this.#resumed(node);
      node.start(event, pause);
      return;
    }
    if (node.open && !isFromOutside(event)) this.#pauses.outlived(node.begun);
    switch (event.type) {
      case 'node.completed':
        node.complete(event);
        break;
      case 'node.failed':
        node.fail(event);
        break;
      case 'gate.passed':
        node.passGate(event);
        break;
      case 'iteration.started':
        node.iterate();
        break;
    }
  }

  /** The time since the executor last appended, which ends with the event that comes now. */
  #pauseBefore(ts: string): Pause {
    const { eventCount, lastTs } = this.#run;
    const quietMs = millisecondsBetween(lastTs, ts) ?? 0;
    return { index: eventCount, stoppedAt: this.#drivenTs ?? ts, resumedAt: ts, quietMs };
  }

  /** A node that was open starts again: whoever drove the run is gone, and every other node that was open stopped then too. */
  #resumed(restarted: NodeFold): void {
    const pause = this.#pauses.takeAfter(restarted.begun);
    if (pause === undefined) return;
    const { index, stoppedAt, resumedAt } = pause;
    const durationMs = millisecondsBetween(stoppedAt, resumedAt);
    const downtime = { stoppedAt, resumedAt, ...(durationMs === undefined ? {} : { durationMs }) };
    this.#downtimes.push(Object.freeze(downtime));
    for (const node of this.#nodes.values()) if (node.open && node.begun < index) node.left(stoppedAt);
  }

  #nodeOf(nodeId: string): NodeFold {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) return known;
    const node = new NodeFold(nodeId);
    this.#nodes.set(nodeId, node);
    return node;
  }
}
