/**
 * The live end of a log: what was appended since the last look, found by one small read.
 *
 * Promise: the read goes over the last line before it too, so that one trip to the kernel also shows that this line still is where it
 * was. It is done on this thread, which takes 5 us where a trip through the thread pool takes 20 and more; so it is a small one, of
 * bytes that were just written and so are in memory. Whatever is more than that, is read in the thread pool.
 */
import { LOOK_AHEAD } from '../format/lines.js';
import { COMPARED_BYTES, type LastLine } from './last-line.js';
import type { ReadNow } from './log-source.js';

/** How much is looked at. */
const LIVE_BYTES = 4096;

/** The memory for it: always the same, since views of another one take as long to make as the read. */
export class LiveEnd {
  /** Where the bytes after the last line are put. */
  readonly room: Buffer;
  readonly #all: Buffer; // with the room for that line before them

  constructor() {
    const memory = Buffer.allocUnsafeSlow(COMPARED_BYTES + LIVE_BYTES + LOOK_AHEAD);
    this.#all = memory.subarray(0, COMPARED_BYTES + LIVE_BYTES);
    this.room = this.#all.subarray(COMPARED_BYTES);
  }

  /**
   * How many bytes come after the last line, and are in `room` now; all of it where there may be more.
   *
   * @throws EventLogError `ERR_LOG_TRUNCATED` when that line is gone.
   */
  read(lastLine: LastLine, readNow: ReadNow): number {
    return lastLine.readOn(this.#all, readNow);
  }
}
