/**
 * The last line a reader has come past, to be found again before it reads on.
 *
 * A log only grows, but for what a failed sync makes its writer take back, and for foreign hands: then other lines may be where
 * those read were. Promise: a reader that asks after each reading never goes on after lines that are gone as if nothing
 * were missing. Lines carry ids, so one that is found again is the same one.
 *
 * At the live end the question takes no read of its own: the line, where it is short, is read again with what comes after it.
 */
import { EventLogError } from '../errors.js';
import { LF, type LineBlock } from '../format/lines.js';
import type { LogSource, ReadNow } from './log-source.js';

/** From the start of a line; its id is within. */
export const COMPARED_BYTES = 512;
/** How far before the place where reading begins the start of the line before it is looked for. */
const LOOK_BACK_BYTES = 4096;

/** The last line before a position in a log. */
export class LastLine {
  readonly #log: LogSource;
  readonly #kept: Buffer = Buffer.allocUnsafe(COMPARED_BYTES);
  readonly #found: Buffer = Buffer.allocUnsafe(COMPARED_BYTES); // the same view for lines of any length: making one takes as long as the look
  #block: LineBlock | undefined; // taken last, of which the line was not copied yet
  #offset = 0;
  #length = 0; // of what is compared
  #end: number;

  /** Takes the line that ends at `position`, where reading begins. */
  constructor(log: LogSource, position: number) {
    this.#log = log;
    this.#end = position;
    if (position === 0 || log.readNow === undefined) return;
    const offset = Math.max(0, position - LOOK_BACK_BYTES);
    const bytes = Buffer.allocUnsafe(position - offset);
    this.take({ bytes: bytes.subarray(0, log.readNow(bytes, offset)), offset });
    this.#keep();
    this.#end = position; // also where fewer bytes are left by now: the next look says so
  }

  /** Takes the last line of a block, which must hold its bytes until the next reading is checked. */
  take(block: LineBlock): void {
    this.#block = block;
  }

  /** Copies the line at the last moment: whoever waits for the events of the block has them by then. */
  #keep(): void {
    if (this.#block === undefined) return;
    const { bytes, offset } = this.#block;
    const start = bytes.length < 2 ? 0 : bytes.lastIndexOf(LF, bytes.length - 2) + 1;
    this.#block = undefined;
    this.#offset = offset + start;
    this.#end = offset + bytes.length;
    this.#length = bytes.copy(this.#kept, 0, start, Math.min(bytes.length, start + COMPARED_BYTES));
  }

  /**
   * Makes sure that the line still is where it was, and so all before it.
   *
   * @throws EventLogError `ERR_LOG_TRUNCATED` when it is not.
   */
  check(): void {
    if (this.#log.readNow === undefined) return;
    this.#keep();
    const length = this.#length;
    const isThere =
      this.#log.readNow(this.#found, this.#offset) >= length &&
      this.#kept.compare(this.#found, 0, length, 0, length) === 0 &&
      (this.#isWhole || this.#log.size() >= this.#end);
    if (!isThere) throw this.#gone();
  }

  /**
   * Reads what comes after the line, at once, into `buffer` from `COMPARED_BYTES` on, and makes sure of the line; returns how many bytes
   * came after it.
   *
   * @throws EventLogError as `check` does.
   */
  readOn(buffer: Buffer, readNow: ReadNow): number {
    this.#keep();
    if (!this.#isWhole) {
      const read = readNow(buffer, this.#end, COMPARED_BYTES);
      this.check(); // after the reading: what is there now was there then
      return read;
    }
    const start = COMPARED_BYTES - this.#length;
    const read = readNow(buffer, this.#offset, start) - this.#length;
    if (read < 0 || this.#kept.compare(buffer, start, COMPARED_BYTES, 0, this.#length) !== 0)
      throw this.#gone();
    return read;
  }

  get #isWhole(): boolean {
    return this.#end - this.#offset === this.#length;
  }

  #gone(): EventLogError {
    const facts = { path: this.#log.path, offset: this.#offset };
    return new EventLogError(
      'ERR_LOG_TRUNCATED',
      'the log was cut while it was read: a line that was there is gone',
      facts,
    );
  }
}
