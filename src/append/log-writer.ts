/**
 * The end of a log, where its writer writes: whole lines, in as many writes as it takes.
 *
 * Promises: what counts as written is durable. Of a short write the whole lines stay, for a reader may have them already; only the
 * torn rest of a line is cut, and the log stays usable. A failed sync, or any failure whose outcome is unknown, is final:
 * `ERR_LOG_FAILED` for this and every later append, and never a second try.
 */
import { EventLogError, errnoOf, isLockedOut, isNoSpace, syscallOf, systemError } from '../errors.js';
import { LF } from '../format/lines.js';
import type { LogFile } from './log-file.js';
import { cutTornTail, type Recovery } from './recovery.js';

/** Writes to the end of one log. */
export class LogWriter {
  readonly #file: LogFile;
  #end = -1; // the end of the log as this writer last saw it; -1 before the first look
  #unsynced = false; // there are lines of others that nobody may have synced
  #failure: EventLogError | undefined;

  constructor(file: LogFile) {
    this.#file = file;
  }

  /** Why the log takes no more, once it has failed. */
  get failure(): EventLogError | undefined {
    return this.#failure;
  }

  /** Where the log ends, as this writer last saw it: the bytes up to there are durable. Negative before the first look. */
  get end(): number {
    return this.#end;
  }

  /** The size of the log now, which must be where it was, and no shorter than it was. */
  sizeInPlace(): number {
    const { path } = this.#file;
    const { size, inPlace } = this.#file.stat();
    if (!inPlace) {
      const what = 'the log was deleted, or another file is in its place';
      throw new EventLogError('ERR_LOG_REPLACED', what, { path });
    }
    if (size < this.#end) {
      const facts = { path, offset: size };
      throw this.fail(new EventLogError('ERR_LOG_TRUNCATED', 'the log was cut by another program', facts));
    }
    return size;
  }

  /** Goes on after the lines that others appended, up to `end`; what the log holds after them is a torn tail, which is cut. */
  async moveTo(end: number, size: number): Promise<Recovery | undefined> {
    this.#unsynced ||= end > Math.max(this.#end, 0);
    const recovery = end === size ? undefined : await this.#repair(end, size);
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

  /** Writes lines; each write brings one whole line at least. `onDurable` is called with how many of the bytes are on disk as whole lines. */
  async write(bytes: Buffer, onDurable: (written: number) => void): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const reached = done + (await this.#writeOnce(done === 0 ? bytes : bytes.subarray(done)));
      const whole = reached === bytes.length ? reached : endOfWholeLine(bytes, done, reached);
      this.#end += whole - done;
      onDurable(whole);
      if (whole < reached) await this.#cutBack();
      if (whole === done) throw this.#noSpace();
      done = whole;
    }
  }

  async #writeOnce(bytes: Buffer): Promise<number> {
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

  async #cutBack(): Promise<void> {
    try {
      await this.#file.truncate(this.#end);
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
    const facts = { path: this.#file.path, offset: this.#end, cause };
    return this.fail(new EventLogError('ERR_LOG_FAILED', what, facts));
  }

  /** Takes nothing more, for good; returns the error. */
  fail(error: EventLogError): EventLogError {
    this.#failure = error;
    return error;
  }
}

/** Where the last line ends that lies whole before `reached`; `done` where none does. */
function endOfWholeLine(bytes: Buffer, done: number, reached: number): number {
  return Math.max(done, bytes.subarray(0, reached).lastIndexOf(LF) + 1);
}
