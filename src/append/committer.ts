/**
 * The commit: one batch of appends, from the lock to the disk.
 *
 *     lock -> look at the end -> stamp -> write -> sync -> unlock -> resolve
 *
 * Promises: events are in the file in the order of the calls, ids strictly rising. An entry resolves only when its
 * lines are durable. Of a short write the whole lines stay, durable, for a reader may have them already; only the torn rest
 * of a line is cut, and what did not land is rejected with `ERR_NO_SPACE`; the log stays usable. A failed sync, or any failure whose outcome is unknown, is
 * final: `ERR_LOG_FAILED` for this and every later append, and never a second try.
 */
import { CommitTimer, commits, recoveries } from '../diagnostics.js';
import { EventLogError, errnoOf, isLockedOut, isNoSpace, syscallOf, systemError } from '../errors.js';
import { omneEvents } from '../format/events.js';
import { LF } from '../format/lines.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { type Admission, type Append, admit, admitAll } from './admission.js';
import { Turns } from './lock-turns.js';
import type { LogFile } from './log-file.js';
import { cutTornTail, inspectEnd, type Recovery } from './recovery.js';
import { type StampedBatch, Stamper } from './stamper.js';

/** Options of the writer. */
export interface CommitterOptions {
  /** The vocabulary of the log; the built-in one by default. */
  readonly events?: Vocabulary | undefined;
  readonly lock: boolean;
  readonly lockTimeoutMs?: number | undefined;
  readonly maxLineBytes?: number | undefined;
}

/** How far a batch has come: what is counted here is durable. */
interface Progress {
  /** Entries that are there whole. */
  entries: number;
  /** Events of the entry after those. */
  events: number;
}

/** Writes batches of appends to one log. */
export class Committer {
  readonly #file: LogFile;
  readonly #turns: Turns | undefined;
  readonly #vocabulary: Vocabulary;
  readonly #maxLineBytes: number | undefined;
  readonly #stamper: Stamper;
  #end = -1; // the end of the log as this writer last saw it
  #ended = false;
  #unsynced = false; // there are lines of others that nobody may have synced
  #failure: EventLogError | undefined;

  constructor(file: LogFile, options: CommitterOptions) {
    this.#file = file;
    this.#stamper = new Stamper(file.path);
    this.#vocabulary = options.events ?? omneEvents;
    this.#maxLineBytes = options.maxLineBytes;
    if (options.lock) this.#turns = new Turns(file, options.lockTimeoutMs);
  }

  /** Why the log takes no more, once it has failed. */
  get failure(): EventLogError | undefined {
    return this.#failure;
  }

  /** Whether the log, as this writer last saw it, ends with a terminal event. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Where the log, as this writer last saw it, ends; the bytes up to there are durable. */
  get position(): number {
    return this.#end;
  }

  /** Looks at the log for the first time and repairs a torn tail. */
  start(): Promise<Recovery | undefined> {
    return this.#inTurn(() => undefined);
  }

  /** Commits a batch; never rejects. What it returns settles each of the entries. */
  async commit(batch: readonly Append[]): Promise<() => void> {
    const timer = commits.observed ? new CommitTimer() : undefined;
    const progress: Progress = { entries: 0, events: 0 };
    let admission = admitAll(batch);
    let error: unknown;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#inTurn(() => {
        if (this.#ended)
          throw new EventLogError('ERR_RUN_ENDED', 'the run has ended', { path: this.#file.path });
        admission = admit(batch, this.#end, this.#file.path);
        if (admission.admitted.length === 0) return undefined;
        const stamped = this.#stamp(admission.admitted);
        timer?.writing();
        return this.#write(admission.admitted, stamped, progress);
      });
    } catch (thrown) {
      error = systemError('the events could not be committed', this.#file.path, thrown); // e.g. a read that failed
    }
    timer?.done();
    const end = this.#end;
    return () => {
      settle(admission, progress, end, error);
      timer?.publish(this.#file.path, batch, error);
    };
  }

  /** Does `work` under the lock, once it was seen what others appended. Waits for nothing that is there at once. */
  async #inTurn(work: () => Promise<void> | undefined): Promise<Recovery | undefined> {
    const turn = this.#turns?.take();
    if (turn !== undefined) await turn;
    let recovery: Recovery | undefined;
    try {
      const size = this.#sizeInPlace();
      if (size !== this.#end) recovery = await this.#takeIn(size);
      await work();
    } finally {
      this.#turns?.release();
      if (recovery !== undefined && recoveries.observed) recoveries.publish(this.#file.path, recovery);
    }
    return recovery;
  }

  /** The size of the log, which must be where it was, and no shorter than it was. */
  #sizeInPlace(): number {
    const { path } = this.#file;
    const { size, inPlace } = this.#file.stat();
    if (!inPlace) {
      const what = 'the log was deleted, or another file is in its place';
      throw new EventLogError('ERR_LOG_REPLACED', what, { path });
    }
    if (size < this.#end) {
      const facts = { path, offset: size };
      throw this.#fail(new EventLogError('ERR_LOG_TRUNCATED', 'the log was cut by another program', facts));
    }
    return size;
  }

  /** Takes in what others appended since the last look. */
  async #takeIn(size: number): Promise<Recovery | undefined> {
    const { path } = this.#file;
    const read = (buffer: Buffer, position: number) => this.#file.read(buffer, position);
    const start = Math.max(this.#end, 0);
    const { end, tornBytes, last } = await inspectEnd(read, size, {
      events: this.#vocabulary,
      start,
      path,
      maxLineBytes: this.#maxLineBytes,
    });
    if (this.#end >= 0) this.#turns?.metPeer();
    this.#unsynced ||= end > start;
    if (last !== undefined) {
      this.#stamper.raiseTo(last.id);
      this.#ended = this.#vocabulary.isTerminal(last);
    }
    const recovery = tornBytes === 0 ? undefined : await this.#repair(end, size);
    this.#end = end;
    return recovery;
  }

  async #repair(end: number, size: number): Promise<Recovery> {
    try {
      return await cutTornTail(this.#file, end, size);
    } catch (error) {
      // As long as the tail is there nothing has happened; a cut that may not be durable is like a failed sync.
      if (this.#end >= 0 && !this.#sizeIs(size)) throw this.#outcomeUnknown(error);
      if (isNoSpace(error)) throw this.#noSpace(error, 'no space to save a torn tail');
      throw systemError('the torn tail could not be saved and cut', this.#file.path, error);
    }
  }

  /** Writes the batch, in as many writes as it takes; each brings a whole line at least. */
  async #write(batch: readonly Append[], { bytes, ends }: StampedBatch, progress: Progress): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const reached = done + (await this.#appendOnce(done === 0 ? bytes : bytes.subarray(done)));
      const whole = reached === bytes.length ? reached : endOfWholeLine(bytes, done, reached);
      this.#end += whole - done;
      while ((ends[progress.entries] ?? Number.POSITIVE_INFINITY) <= whole) progress.entries++;
      progress.events = eventsWithin(batch[progress.entries], whole - (ends[progress.entries - 1] ?? 0));
      if (whole < reached) await this.#cutBack(this.#end);
      if (whole === done) throw this.#noSpace();
      done = whole;
    }
    this.#ended = batch.at(-1)?.last ?? false;
  }

  #stamp(batch: readonly Append[]): StampedBatch {
    try {
      return this.#stamper.stamp(batch);
    } catch (error) {
      throw error instanceof EventLogError ? this.#fail(error) : error;
    }
  }

  async #appendOnce(bytes: Buffer): Promise<number> {
    try {
      // A peer that died may have left lines unsynced, and O_DSYNC covers only what it writes. Nothing is written
      // after lines that a power cut could turn into a hole: so a hole is always in the last write.
      if (this.#unsynced) await this.#file.sync();
      this.#unsynced = false;
      return await this.#file.append(bytes);
    } catch (error) {
      // Without room a write changes nothing. If the size changed all the same, it was the sync that failed.
      if (isNoSpace(error) && syscallOf(error) === 'write' && this.#sizeIs(this.#end))
        throw this.#noSpace(error);
      if (isLockedOut(error) && this.#sizeIs(this.#end))
        throw systemError('the events could not be written', this.#file.path, error);
      await this.#takeBack(bytes.length);
      throw this.#outcomeUnknown(error);
    }
  }

  /**
   * Pages of a failed sync look clean but are not on disk: a writer that went on after them would lose its events with
   * them. So they are cut off if that works; the outcome stays unknown.
   */
  async #takeBack(bytes: number): Promise<void> {
    try {
      const { size } = this.#file.stat();
      if (size > this.#end && size <= this.#end + bytes) await this.#file.truncate(this.#end);
    } catch {
      // The log has failed already, and that is what is reported.
    }
  }

  #sizeIs(size: number): boolean {
    try {
      return this.#file.stat().size === size;
    } catch {
      return false; // unknown, and so the outcome is
    }
  }

  async #cutBack(size: number): Promise<void> {
    try {
      await this.#file.truncate(size);
      await this.#file.sync();
    } catch (error) {
      throw this.#outcomeUnknown(error);
    }
  }

  #noSpace(cause?: unknown, what = 'no space for the event'): EventLogError {
    const why = cause === undefined ? 'a write came to its end early' : `${errnoOf(cause)}`;
    const where = this.#end < 0 ? {} : { offset: this.#end, kept: 0 }; // opening has no events to keep
    const facts = { path: this.#file.path, ...where, cause };
    return new EventLogError('ERR_NO_SPACE', `${what} (${why}); nothing was kept`, facts);
  }

  #outcomeUnknown(cause: unknown): EventLogError {
    const what = 'a write or sync failed; whether the event is on disk is unknown, and the log takes no more';
    return this.#fail(
      new EventLogError('ERR_LOG_FAILED', what, {
        path: this.#file.path,
        offset: this.#end,
        cause,
      }),
    );
  }

  #fail(error: EventLogError): EventLogError {
    this.#failure = error;
    return error;
  }
}

/** Settles the entries of a batch, which left the log at `end`. */
function settle({ admitted, conflicts }: Admission, progress: Progress, end: number, error: unknown): void {
  admitted.forEach((entry, index) => {
    if (index < progress.entries) entry.resolve();
    else entry.reject(withKept(error, index === progress.entries ? progress.events : 0, entry));
  });
  for (const [entry, conflict] of conflicts) {
    // Where what should have come before it was not written, its position is none.
    entry.reject((conflict.position ?? 0) <= end ? conflict : error);
  }
}

/** Where the last line ends that lies whole before `reached`; `done` where none does. */
function endOfWholeLine(bytes: Buffer, done: number, reached: number): number {
  return Math.max(done, bytes.subarray(0, reached).lastIndexOf(LF) + 1);
}

/** How many events of an entry lie whole within so many bytes from its start. */
function eventsWithin(entry: Append | undefined, bytes: number): number {
  let events = 0;
  for (let left = bytes; left > 0 && entry !== undefined; events++)
    left -= entry.events[events]?.bytes ?? left;
  return events;
}

/** The error of an entry of which some events were kept, where there was no room for the others. */
function withKept(error: unknown, kept: number, { events }: Append): unknown {
  if (kept === 0 || !(error instanceof EventLogError) || error.code !== 'ERR_NO_SPACE') return error;
  const { path, offset, cause } = error;
  const what = `no space for all events: the first ${kept} of ${events.length} are on disk and stay, the others were not kept`;
  return new EventLogError('ERR_NO_SPACE', what, { path, offset, kept, cause });
}
