/**
 * The last line a reader has come past, to be found again before it reads on.
 *
 * A log only grows, but for what a failed sync makes its writer take back, and for foreign hands: then other lines may be where
 * those read were. Promise: a reader that asks after each reading never goes on after lines that are gone as if nothing
 * were missing. Lines carry ids, so one that is found again is the same one. Asking takes about a microsecond.
 */
import { EventLogError } from '../errors.js';
import { LF, type LineBlock } from '../format/lines.js';
import type { LogSource } from './log-source.js';

/** From the start of a line; its id is within. */
const COMPARED_BYTES = 512;
/** How far before the place where reading begins the start of the line before it is looked for. */
const LOOK_BACK_BYTES = 4096;

/** The last line before a position in a log. */
export class LastLine {
  readonly #log: LogSource;
  readonly #kept: Buffer = Buffer.allocUnsafe(COMPARED_BYTES);
  readonly #found: Buffer = Buffer.allocUnsafe(COMPARED_BYTES); // the same view for lines of any length: making one takes as long as the look
  #offset = 0;
  #length = 0; // of what is compared
  #end = 0;

  /** Takes the line that ends at `position`, where reading begins. */
  constructor(log: LogSource, position: number) {
    this.#log = log;
    if (position === 0 || log.readNow === undefined) return;
    const offset = Math.max(0, position - LOOK_BACK_BYTES);
    const bytes = Buffer.allocUnsafe(position - offset);
    this.take({ bytes: bytes.subarray(0, log.readNow(bytes, offset)), offset });
  }

  /** Takes the last line of a block. */
  take({ bytes, offset }: LineBlock): void {
    if (this.#log.readNow === undefined) return;
    const start = bytes.length < 2 ? 0 : bytes.lastIndexOf(LF, bytes.length - 2) + 1;
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
    const length = this.#length;
    const isThere =
      this.#log.readNow(this.#found, this.#offset) >= length &&
      this.#kept.compare(this.#found, 0, length, 0, length) === 0 &&
      (this.#end - this.#offset === length || this.#log.size() >= this.#end);
    if (isThere) return;
    const facts = { path: this.#log.path, offset: this.#offset };
    throw new EventLogError(
      'ERR_LOG_TRUNCATED',
      'the log was cut while it was read: a line that was there is gone',
      facts,
    );
  }
}
