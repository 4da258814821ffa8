/**
 * `EventLog`: the one object an executor holds, and the calls on a volume. It ties the wings together; each call is a line or two.
 *
 *                   of a volume                          of a log
 *     to write      allocate, create, open, resume       append, appendAll, capture, flush, close
 *     to read       read, tail, readAll, tailAll         read, tail
 *     to look       runs, isLive, prune                  ended, position, pendingBytes
 *
 * Promise: `create` resolves only when the log, empty as it is, would survive a power cut.
 */

import { Appender } from './append/appender.js';
import {
  LOG_OPTIONS,
  type LogOptions,
  OPEN_LOG_OPTIONS,
  type OpenedLog,
  type OpenLogOptions,
  openForAppending,
} from './append/open-for-appending.js';
import type { AppendOptions } from './append/pending-append.js';
import type { Recovery } from './append/recovery.js';
import { EventLogError, systemError } from './errors.js';
import type { EventsOfDrafts, ExactDraft, PartialDraft } from './format/draft-types.js';
import type { OmneEvents } from './format/events.js';
import { MAX_LINE_BYTES } from './format/lines.js';
import type { DefinitionOf, EventIn, TypesOf, Vocabulary } from './format/vocabulary.js';
import { checkOptions } from './options.js';
import type { VolumeReadOptions, VolumeTailOptions } from './read/all/options.js';
import { VolumeStream } from './read/all/volume-stream.js';
import type { ReadOptions } from './read/event-filter.js';
import { EventReader } from './read/event-reader.js';
import { EventTail } from './read/event-tail.js';
import type { TailOptions } from './read/tail-options.js';
import { type Capture, makeCapture } from './run/capture.js';
import { foldRun } from './run/fold-run.js';
import { listRuns, type OutlinesOptions, type RunsOptions } from './run/list-runs.js';
import { type PruneReport, pruneRuns } from './run/prune.js';
import type { PruneOptions } from './run/prune-run.js';
import type { RunState } from './run/run-state.js';
import type { RunOutline, RunSummary } from './run/run-summary.js';
import { allocateRunId } from './volume/allocate-run-id.js';
import { isLive } from './volume/liveness.js';
import { inRunFolder } from './volume/make-folders.js';
import { absoluteRoot, placesOf, type RunPlaces } from './volume/places.js';

/** A run to go on with. */
export interface ResumedRun<V extends Vocabulary = OmneEvents> {
  /** The log, open for appending; this process drives the run until it is closed. */
  readonly log: EventLog<V>;
  /** What happened in the run so far. */
  readonly state: RunState;
}

/**
 * The event log of one run, open for appending.
 *
 * @example
 * await using log = await EventLog.create('.', 'feature');
 * await log.append({ type: 'pipe.started', pipe: 'feature' });
 * await log.append({ type: 'pipe.completed' }); // on disk when it resolves
 */
export class EventLog<V extends Vocabulary = OmneEvents> implements AsyncDisposable {
  /** The folder that contains `.omne`, absolute. */
  readonly root: string;
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** The path of events.jsonl. */
  readonly path: string;
  /** What `open` cut from a torn tail; undefined when there was nothing to repair. */
  readonly recovered: Recovery | undefined;

  readonly #vocabulary: V;
  readonly #appender: Appender;
  readonly #maxLineBytes: number;
  readonly #mode: number | undefined;

  private constructor(places: RunPlaces, runId: string, opened: OpenedLog, options: LogOptions<V>) {
    this.root = places.root;
    this.runId = runId;
    this.path = places.log;
    this.recovered = opened.recovery;
    this.#vocabulary = opened.vocabulary as V; // that of the option, where it is given
    this.#appender = new Appender(opened, runId, options);
    this.#maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.#mode = options.mode;
  }

  /**
   * Allocates a run id and makes nothing else: for executors that prepare the run's folder before they log.
   *
   * @param options - as for `create`; `mode`, `lock` and `lockTimeout` matter here.
   * @returns `<pipe>-<ulid>`, greater than every run id handed out in this volume before.
   * @throws EventLogError `ERR_INVALID_PIPE`, `ERR_LOCK_TIMEOUT`, `ERR_LOCK_UNSUPPORTED`, `ERR_UNSAFE_PATH`, `ERR_NO_SPACE`, `ERR_SYSTEM`.
   * @example
   * const runId = await EventLog.allocate(root, 'feature');
   * const log = await EventLog.open(root, runId, { create: true });
   */
  static async allocate(root: string, pipe: string, options: LogOptions<Vocabulary> = {}): Promise<string> {
    checkOptions(options, LOG_OPTIONS);
    return allocateRunId(absoluteRoot(root), pipe, options);
  }

  /**
   * Starts a new run: allocates its id, makes its folder, which nobody else has, and its empty log, all durable. This process is
   * the run's owner; see `resume`. When it rejects, it leaves no folder and no log.
   *
   * @throws EventLogError as `allocate` does, and `ERR_RUN_EXISTS` when the folder is there already.
   * @example
   * const log = await EventLog.create(root, 'feature', { mode: 0o600 });
   */
  static async create<V extends Vocabulary = OmneEvents>(
    root: string,
    pipe: string,
    options: LogOptions<V> = {},
  ): Promise<EventLog<V>> {
    checkOptions(options, LOG_OPTIONS);
    const start = absoluteRoot(root); // the current folder may change while this is under way
    const runId = await allocateRunId(start, pipe, options);
    const places = placesOf(start, runId);
    return inRunFolder(places, options.mode, async made => {
      if (!made) {
        throw new EventLogError('ERR_RUN_EXISTS', 'the run folder exists already', { path: places.folder });
      }
      return new EventLog(places, runId, await openForAppending(places, options, 'create'), options);
    });
  }

  /**
   * Opens the log of a run for appending; a torn tail is saved beside it and cut (see `recovered`). To drive the run from where it
   * is, `resume` it.
   *
   * @throws EventLogError `ERR_INVALID_RUN_ID`, `ERR_RUN_NOT_FOUND`, `ERR_RUN_OWNED` (with `owner`), `ERR_UNSAFE_PATH`, `ERR_LOG_CORRUPT`, `ERR_LINE_TOO_LONG`,
   * `ERR_LOCK_TIMEOUT`, `ERR_LOCK_UNSUPPORTED`, `ERR_NO_SPACE`, `ERR_SYSTEM`.
   * @example
   * const log = await EventLog.open(root, runId);
   * if (log.recovered) console.warn(`${log.recovered.bytes} torn bytes are kept in ${log.recovered.savedTo}`);
   */
  static async open<V extends Vocabulary = OmneEvents>(
    root: string,
    runId: string,
    options: OpenLogOptions<V> = {},
  ): Promise<EventLog<V>> {
    checkOptions(options, OPEN_LOG_OPTIONS);
    const places = placesOf(root, runId);
    const openAs = (make?: 'ensure') => openForAppending(places, options, make);
    const opened = options.create
      ? await inRunFolder(places, options.mode, () => openAs('ensure'))
      : await openAs();
    return new EventLog(places, runId, opened, options);
  }

  /**
   * Goes on with a run whose executor died or stopped: this process becomes its owner, a torn tail is repaired, and the state says
   * what is done. Start each node again whose status is not `completed`; a second `node.started` without an end before it means that the
   * first attempt was interrupted.
   *
   * The owner is the one process that drives a run. It holds a kernel lock, which is released when the process ends or by `close`;
   * `create` takes it too. Other processes may open the log without it and append, for example a command that passes a gate.
   *
   * @throws EventLogError (as a rejection) `ERR_RUN_OWNED` while another process drives the run, `ERR_RUN_ENDED` where there is
   * nothing to go on with, `ERR_MALFORMED_LINE` for damage within the log, and what `open` throws.
   * @example
   * const { log, state } = await EventLog.resume(root, runId);
   * const done = new Set(state.nodes.filter(node => node.status === 'completed').map(node => node.nodeId));
   */
  static async resume<V extends Vocabulary = OmneEvents>(
    root: string,
    runId: string,
    options: LogOptions<V> = {},
  ): Promise<ResumedRun<V>> {
    checkOptions(options, LOG_OPTIONS);
    const log = await EventLog.open(root, runId, { ...options, owner: true });
    try {
      if (log.ended) throw new EventLogError('ERR_RUN_ENDED', 'the run has ended', { path: log.path });
      return { log, state: await foldRun(runId, log.read(), log.#vocabulary) };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /**
   * Replays a run from disk; see `EventReader`.
   *
   * @throws EventLogError `ERR_INVALID_RUN_ID` at once, all others while iterating.
   * @example
   * const failures = await EventLog.read(root, runId, { types: ['node.failed'] }).toArray();
   */
  static read<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
    root: string,
    runId: string,
    options: ReadOptions<T, V> = {},
  ): EventReader<T, V> {
    return new EventReader(placesOf(root, runId), options);
  }

  /**
   * Follows a run while it is written, by this or any other process; see `EventTail`.
   *
   * @throws EventLogError `ERR_INVALID_RUN_ID` at once, all others while iterating.
   * @example
   * for await (const event of EventLog.tail(root, runId, { from: savedPosition })) await handle(event);
   */
  static tail<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
    root: string,
    runId: string,
    options: TailOptions<T, V> = {},
  ): EventTail<T, V> {
    return new EventTail(placesOf(root, runId), options);
  }

  /**
   * The events of all runs of a volume, to its present end, as one stream; see `VolumeStream`.
   *
   * Within a run they are in order, across runs by event id, as far as that is there.
   *
   * @throws EventLogError `ERR_INVALID_POSITION` at once for a text that is not a cursor, all others while iterating.
   * @example
   * for await (const { runId, event } of EventLog.readAll(root, { events: omneEvents, since: Date.now() - 3_600_000 })) console.log(runId, event.type);
   */
  static readAll<V extends Vocabulary, T extends TypesOf<V> = TypesOf<V>>(
    root: string,
    options: VolumeReadOptions<T, V> & { events: V },
  ): VolumeStream<T, V>;
  /**
   * The same, of runs of whatever vocabulary, each read with its own.
   *
   * @throws EventLogError as above.
   * @example
   * for await (const { runId, event } of EventLog.readAll(root)) console.log(runId, event.type);
   */
  static readAll(
    root: string,
    options?: VolumeReadOptions<string, Vocabulary>,
  ): VolumeStream<string, Vocabulary>;
  static readAll(
    root: string,
    options: VolumeReadOptions<string, Vocabulary> = {},
  ): VolumeStream<string, Vocabulary> {
    return new VolumeStream(root, options, false);
  }

  /**
   * The same, and then what is appended to any run, new ones included, until it is stopped.
   *
   * @throws EventLogError as `readAll` does.
   * @example
   * for await (const { runId, event } of EventLog.tailAll(root, { events: omneEvents, types: ['node.failed'] })) {
   *   await sendToChat(`${event.node_id} failed in ${runId}: ${event.error.kind}`);
   * }
   */
  static tailAll<V extends Vocabulary, T extends TypesOf<V> = TypesOf<V>>(
    root: string,
    options: VolumeTailOptions<T, V> & { events: V },
  ): VolumeStream<T, V>;
  /**
   * The same, of runs of whatever vocabulary, each read with its own.
   *
   * @throws EventLogError as `readAll` does.
   * @example
   * for await (const { runId, event } of EventLog.tailAll(root, { cursor: saved })) console.log(runId, event.type);
   */
  static tailAll(
    root: string,
    options?: VolumeTailOptions<string, Vocabulary>,
  ): VolumeStream<string, Vocabulary>;
  static tailAll(
    root: string,
    options: VolumeTailOptions<string, Vocabulary> = {},
  ): VolumeStream<string, Vocabulary> {
    return new VolumeStream(root, options, true);
  }

  /**
   * Outlines of the runs of a volume, oldest first, without counts; see `RunOutline`. Only the first and the last event of each log
   * are read.
   *
   * @throws EventLogError as with counts.
   * @example
   * for await (const run of EventLog.runs(root, { counts: false })) console.log(run.runId, run.status, run.bytes);
   */
  static runs(root: string, options: OutlinesOptions): AsyncGenerator<RunOutline, undefined>;
  /**
   * Summaries of the runs of a volume, oldest first; see `RunSummary`.
   *
   * A damaged log is a summary with a `problem`, never an end of the listing; a run that is being made has none yet.
   *
   * @throws EventLogError `ERR_UNSAFE_PATH` or `ERR_SYSTEM` while iterating when the volume cannot be listed; one without runs has none.
   * @example
   * for await (const run of EventLog.runs(root, { pipe: 'feature', reverse: true, limit: 10 })) console.log(run.runId, run.status);
   */
  static runs(root: string, options?: RunsOptions): AsyncGenerator<RunSummary, undefined>;
  static runs(
    root: string,
    options: RunsOptions | OutlinesOptions = {},
  ): AsyncGenerator<RunOutline, undefined> {
    return listRuns(absoluteRoot(root), options);
  }

  /**
   * Whether some process has the log of a run open for appending. False for a run that does not exist, and where nobody can know
   * (file systems without such locks, and where koffi is missing).
   *
   * @throws EventLogError (as a rejection) `ERR_INVALID_RUN_ID`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`.
   * @example
   * if (!(await EventLog.isLive(root, runId))) console.log('nobody writes to', runId);
   */
  static async isLive(root: string, runId: string): Promise<boolean> {
    const places = placesOf(root, runId);
    try {
      return (await isLive(places)) === true;
    } catch (error) {
      throw systemError('the run could not be looked at', places.folder, error);
    }
  }

  /**
   * Removes old runs that have ended, each as a whole; see `PruneOptions`. A run that somebody has open stays.
   *
   * A reader that has a run open reads on to its end; a tail of it rejects with `ERR_LOG_REPLACED`, and whoever opens it later
   * gets `ERR_RUN_NOT_FOUND`. What a mirror has not shipped by then is lost.
   *
   * @throws TypeError when neither `olderThan` nor `keep` is given.
   * @throws EventLogError `ERR_LOCK_UNSUPPORTED` where nobody can know who has a run open; `ERR_UNSAFE_PATH` or `ERR_SYSTEM` when
   * the runs cannot be listed. A run that cannot be removed is in the report.
   * @example
   * const { runs, bytes } = await EventLog.prune(root, { olderThan: 30 * 86_400_000, keep: 10 });
   */
  static prune(root: string, options: PruneOptions): Promise<PruneReport> {
    return pruneRuns(root, options);
  }

  /** Whether the run has ended, as far as this log has looked: at its opening and at each append. Nothing can be appended then. */
  get ended(): boolean {
    return this.#appender.ended;
  }

  /**
   * Where the log ends, in bytes, as far as this log has looked: at its opening and at each append. Right after an append, if no other
   * is under way, it is the `expectedPosition` of the next one.
   */
  get position(): number {
    return this.#appender.position;
  }

  /** The bytes of the appends that wait or are being written; `maxPendingBytes` bounds them. */
  get pendingBytes(): number {
    return this.#appender.pendingBytes;
  }

  /**
   * Appends one event; resolves with it, its `id`, `ts` and `run_id` filled in, once it is on stable storage.
   *
   * The draft is copied at once: it may be changed or reused while the append is under way.
   *
   * @param options - `expectedPosition`: written only if the log ends there; `signal`: drops what has not begun.
   * @throws EventLogError (as a rejection) `ERR_POSITION_CONFLICT`, `ERR_INVALID_EVENT`, `ERR_LINE_TOO_LONG`, `ERR_BACKLOG_FULL`, `ERR_RUN_ENDED`,
   * `ERR_LOG_CLOSED`, `ERR_NO_SPACE`, `ERR_LOCK_TIMEOUT`, `ERR_LOCK_UNSUPPORTED`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`: nothing of
   * the event was kept. `ERR_LOG_FAILED`: whether it was is unknown. `ERR_LOG_CORRUPT`, `ERR_LOG_TRUNCATED`,
   * `ERR_LOG_REPLACED`: the log was damaged by others, nothing was kept.
   * @example
   * const started = await log.append({ type: 'node.started', node_id: 'plan', kind: 'prompt' });
   * console.log(started.id, started.ts);
   * await log.append({ type: 'gate.passed', node_id, gate, method: 'human_cli' }, { expectedPosition: reader.position });
   */
  append<const D extends PartialDraft<V>>(
    draft: D & ExactDraft<D, V>,
    options?: AppendOptions,
  ): Promise<EventIn<DefinitionOf<V>, D['type']>> {
    const event: Promise<unknown> = this.#appender.append(draft, options);
    return event as Promise<EventIn<DefinitionOf<V>, D['type']>>; // the copy of this very draft
  }

  /**
   * Appends several events in order with one write and one sync; resolves when all are on stable storage.
   *
   * All drafts are checked before any is queued; `options` are those of `append`. It is not a transaction. A full disk may keep the first
   * events, and then the error (`ERR_NO_SPACE`) has their number as `kept`. A kill or a power cut may keep the first ones too, and a failed
   * sync (`ERR_LOG_FAILED`) any of them. With every other rejection none was kept.
   *
   * @throws EventLogError as `append` does; `field` then begins with the index of the draft, e.g. `[2].node_id`.
   * @example
   * await log.appendAll(nodes.map(node_id => ({ type: 'node.started', node_id, kind: 'bash' })));
   */
  appendAll<const D extends PartialDraft<V>, const L extends Iterable<D>>(
    drafts: L & Iterable<D & ExactDraft<D, V>>,
    options?: AppendOptions,
  ): Promise<EventsOfDrafts<L, V>> {
    const events: Promise<unknown> = this.#appender.appendAll(drafts, options);
    return events as Promise<EventsOfDrafts<L, V>>; // the copies of these very drafts
  }

  /**
   * Makes the capture file of a node, where its output goes, if it is not there yet, and the folder it is in; see `Capture`.
   *
   * The node, or the executor, writes to the end of `path`; a second attempt goes on after the first. `sync` it before you append
   * `node.completed`.
   *
   * @throws EventLogError (as a rejection) `ERR_UNSAFE_PATH` for a node id that is not a file name, or a link in the way;
   * `ERR_RUN_NOT_FOUND` when the run was deleted, `ERR_ROOT_NOT_FOUND`, `ERR_NO_SPACE`, `ERR_SYSTEM`.
   * @example
   * const capture = await log.capture('build');
   * await runNode('build', capture.path);
   * await capture.sync();
   * await log.append({ type: 'node.completed', node_id: 'build', output_path: capture.outputPath });
   */
  async capture(nodeId: string): Promise<Capture> {
    return makeCapture(placesOf(this.root, this.runId), nodeId, this.#mode);
  }

  /**
   * Replays this run from disk; see `EventLog.read`. `events` and `maxLineBytes` are those of the log by default.
   *
   * @example
   * const [last] = await log.read({ last: 1 }).toArray();
   */
  read<T extends TypesOf<V> = TypesOf<V>>(options: ReadOptions<T, V> = {}): EventReader<T, V> {
    const { events = this.#vocabulary, maxLineBytes = this.#maxLineBytes } = options;
    return new EventReader(placesOf(this.root, this.runId), { ...options, events, maxLineBytes });
  }

  /**
   * Follows this run; see `EventLog.tail`. `events` and `maxLineBytes` are those of the log by default.
   *
   * @example
   * for await (const event of log.tail({ from: 'end' })) console.log(event.type); // what is appended from now on
   */
  tail<T extends TypesOf<V> = TypesOf<V>>(options: TailOptions<T, V> = {}): EventTail<T, V> {
    const { events = this.#vocabulary, maxLineBytes = this.#maxLineBytes } = options;
    return new EventTail(placesOf(this.root, this.runId), { ...options, events, maxLineBytes });
  }

  /**
   * Resolves when no append called before is under way any more.
   *
   * @throws EventLogError `ERR_LOG_FAILED` or `ERR_LOG_TRUNCATED` when the log has failed for good, with that very error. Any other
   * failure is reported only by the promise of its append.
   * @example
   * for (const draft of drafts) log.append(draft).catch(report);
   * await log.flush(); // each of them is on disk by now, or was reported
   */
  flush(): Promise<void> {
    return this.#appender.flush();
  }

  /**
   * Waits for every append called before, then closes the file. May be called more than once.
   *
   * @throws EventLogError `ERR_SYSTEM` when the file could not be closed; a failed append is reported by its own promise only.
   * @example
   * const log = await EventLog.create(root, 'feature');
   * try {
   *   await log.append({ type: 'pipe.started', pipe: 'feature' });
   * } finally {
   *   await log.close();
   * }
   */
  close(): Promise<void> {
    return this.#appender.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
