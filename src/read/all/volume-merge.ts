/**
 * The events of all runs of a volume in one order: a merge of the runs, each read a bit at a time.
 *
 * Promises: within a run in order, every event once; across runs by event id, as far as it is there. A run is opened when its turn
 * comes, so that a long history of short runs needs few open logs. `cursor` is that after the last event handed out.
 */

import { EventLogError } from '../../errors.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { nowMs } from '../../real-time.js';
import { parseRunId } from '../../volume/run-id.js';
import { isUlid, timeOfUlid } from '../../volume/ulid.js';
import { type LogLook, VolumeWatch } from '../volume-watch.js';
import { isBegun } from './cursor.js';
import type { PlacedEvent } from './event-before.js';
import { MergeCursor } from './merge-cursor.js';
import type { VolumeTailOptions } from './options.js';
import { LeastFirst } from './run-queue.js';
import { RunReading } from './run-reading.js';
import type { Wanted } from './wanted-events.js';

/** An event handed out, and the run it is of. */
export interface MergedEvent extends PlacedEvent {
  readonly runId: string;
}

/** So many logs are held open at most, but for those with events that wait for their turn. */
const MOST_OPEN = 64;

/** Merges the runs of a volume. */
export class VolumeMerge {
  readonly watch: VolumeWatch;
  readonly #root: string;
  readonly #follow: boolean;
  readonly #options: VolumeTailOptions<string, Vocabulary>;
  readonly #wanted: Wanted;
  readonly #reached: MergeCursor;
  readonly #runs = new Map<string, RunReading>();
  readonly #queue = new LeastFirst<RunReading>(
    (a, b) => a.key < b.key || (a.key === b.key && a.runId < b.runId),
  );
  /** Those whose logs are open, in the order of their latest reading. */
  readonly #open = new Set<RunReading>();
  /** Those handed out to their end, as long as the cursor must name them. */
  readonly #ended = new Set<RunReading>();
  #failure: unknown;

  constructor(root: string, options: VolumeTailOptions<string, Vocabulary>, follow: boolean) {
    const { pipe, pollInterval = 500 } = options;
    this.#root = root;
    this.#follow = follow;
    this.#options = options;
    this.#reached = new MergeCursor(options);
    const { events, types, onMalformed, maxLineBytes } = options;
    this.#wanted = { events, types, onMalformed, maxLineBytes, since: this.#reached.since };
    const wanted = pipe === undefined ? undefined : (runId: string) => parseRunId(runId).pipe === pipe;
    this.watch = new VolumeWatch(
      root,
      { pollInterval, wanted, watch: follow && options.watch !== false },
      this,
    );
  }

  /** A text from which another reading goes on after the last event handed out. */
  get cursor(): string {
    return this.#reached.text(this.watch.listedAt > 0);
  }

  /** Hands out the next event; undefined when something must be read, or looked at, first. */
  take(): MergedEvent | undefined {
    const run = this.#queue.least;
    const placed = run?.take();
    if (run === undefined || placed === undefined) return undefined;
    if (run.loaded || run.endedBy === undefined) {
      this.#queue.changed();
    } else {
      this.#queue.take();
      run.queued = false;
      this.#end(run);
    }
    return { runId: run.runId, event: placed.event, position: placed.position };
  }

  /** Reads or looks until there is something to hand out; whether there is, or undefined where all was read to its present end. */
  async prepare(): Promise<true | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.watch.due && (this.#follow || this.watch.listedAt === 0)) await this.look();
      const run = this.#queue.least;
      if (run === undefined) return undefined;
      if (run.loaded) return true;
      this.#queue.take();
      await this.#load(run);
      if (!run.over && (run.loaded || (run.grown && run.endedBy === undefined))) {
        this.#queue.add(run);
      } else {
        run.queued = false;
        if (run.over) await run.close();
        else if (run.endedBy !== undefined) this.#end(run);
      }
      this.#open.delete(run);
      if (run.isOpen) this.#open.add(run);
      if (this.#open.size > MOST_OPEN) await this.#closeSome();
    }
  }

  /** Closes the logs that were read longest ago. */
  async #closeSome(): Promise<void> {
    for (const run of this.#open) {
      if (this.#open.size <= MOST_OPEN) break;
      this.#open.delete(run);
      if (!run.loaded) await run.close();
    }
  }

  /** Finds what is new. */
  async look(): Promise<void> {
    await this.watch.look();
    for (const run of this.#ended) this.#settle(run);
  }

  /** Whether a run that ended is still named by the cursor, for which only a listing can say that it need not be. */
  get unsettled(): boolean {
    return this.#ended.size > 0;
  }

  async close(): Promise<void> {
    this.watch.close();
    for (const run of this.#runs.values()) await run.close();
  }

  /** Of the watch: a run is there. */
  found(runId: string): void {
    const run = new RunReading(this.#root, runId, this.#reached.given.runs.get(runId), this.#wanted);
    this.#runs.set(runId, run);
    this.#reached.found(run);
  }

  /** Of the watch: a log has changed. */
  changed(runId: string, { size, changedAt, file }: LogLook): void {
    const run = this.#runs.get(runId);
    if (run === undefined || run.endedBy !== undefined || run.over) return;
    this.#reached.hasLog(run);
    run.grown = true;
    run.size = size;
    run.changedAt = changedAt;
    run.seenFile = file;
    this.#enqueue(run);
  }

  /** Of the watch: an open log was written to, which is then read; at the next look all else is found. */
  noticed(runId: string): boolean {
    const run = this.#runs.get(runId);
    if (run === undefined || !run.isOpen) return false;
    run.grown = true;
    this.#enqueue(run);
    return true;
  }

  /** Of the watch: a run was deleted. */
  gone(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    this.#runs.delete(runId);
    for (const runs of [this.#open, this.#ended]) runs.delete(run);
    this.#reached.gone(run);
    this.#leave(run);
  }

  #enqueue(run: RunReading): void {
    if (run.queued || run.over) return;
    run.queued = true;
    this.#queue.add(run);
  }

  /** The run takes no part any more. */
  #leave(run: RunReading): void {
    run.over = true;
    if (run.loading) return; // whoever loads it lets it go
    if (run.queued) this.#queue.remove(run);
    run.queued = false;
    run.close().catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  async #load(run: RunReading): Promise<void> {
    run.loading = true;
    try {
      if (!(await run.learn())) run.over = true;
      else if (run.begun || (await this.#isToBeRead(run))) await run.load();
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      run.grown = false;
      if (error.code === 'ERR_RUN_NOT_FOUND') return; // it is being deleted, or made
      const { onRunError } = this.#options;
      if (onRunError === undefined) throw error;
      run.over = true;
      onRunError(error, run.runId);
    } finally {
      run.loading = false;
    }
  }

  /** At the first turn of a run: whether it is one that was read before the cursor was made, or is too old to be wanted. */
  async #isToBeRead(run: RunReading): Promise<boolean> {
    const { given } = this.#reached;
    if (given.runs.has(run.runId)) return true;
    const isEnd = ({ event }: PlacedEvent) => {
      run.endedBy = event.id;
      return false;
    };
    const unnamed = isBegun(given.begun, run.runId);
    const last = unnamed || run.isOld ? await run.lastEvent() : undefined;
    run.begun = true;
    this.#reached.begun(run);
    if (last !== undefined && run.isTerminal(last.event)) {
      const { id } = last.event;
      if (run.isOld || !isUlid(id) || id <= given.ended) return isEnd(last);
    }
    const passed = run.isOld ? last : await run.lastUnwanted();
    if (passed === undefined) return true;
    run.skipTo(passed);
    return !run.isTerminal(passed.event) || isEnd(passed);
  }

  /** A run was read and handed out to its end. */
  #end(run: RunReading): void {
    run.endedAt = nowMs();
    this.#ended.add(run);
    this.#settle(run);
  }

  /**
   * Drops a run that has ended, once the folder was listed after its last event was written: what had appeared before that
   * event has been found by then, so a run found later ends with a greater id.
   */
  #settle(run: RunReading): void {
    const { endedBy: id = '', endedAt } = run;
    const { listedAt } = this.watch;
    if (listedAt <= endedAt && !(isUlid(id) && timeOfUlid(id) < listedAt)) return;
    this.#ended.delete(run);
    this.#reached.settled(run);
    this.#runs.delete(run.runId);
    this.watch.done(run.runId);
  }
}
