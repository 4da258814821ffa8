/**
 * The part of a log that stays as it is: what a mirror may ship.
 *
 * Promise: whole lines only, which are on this machine's stable storage and which no writer takes back. A writer takes back
 * what it wrote when its sync fails, under its lock; so the end is looked at while no writer holds the lock, and then synced.
 * A writer that does not lock (`lock: false`) cannot be seen: what it is writing counts as final once this side has synced it.
 */

import { beforeHole } from '../../append/recovery.js';
import { EventLogError } from '../../errors.js';
import { endOfLastLine, LF, LOOK_AHEAD } from '../../format/lines.js';
import { monotonicMs, sleep } from '../../real-time.js';
import type { RunPlaces } from '../../volume/places.js';
import { openForReading, type ReadableLog } from '../../volume/readable-log.js';
import { SEGMENT_BYTES } from '../segment.js';

/** So long a moment between two commits is looked for with the shortest pauses, and then with longer ones. */
const EAGER_MS = 2;
const PATIENCE_MS = 200;
const LONGEST_PAUSE_MS = 16;
/** So little, which was mostly written a moment ago, is read without a trip through the thread pool. */
const READ_AT_ONCE = 16 * 1024;

/** Reads the final part of one log. */
export class FinalLog {
  readonly #log: ReadableLog;
  /** The lines that `end` has seen last, and where they begin. */
  #seen = { start: 0, lines: Buffer.alloc(0) };

  /** Of a log opened for reading, which it closes. */
  constructor(log: ReadableLog) {
    this.#log = log;
  }

  /** Opens the log of a run. */
  static async open(places: RunPlaces): Promise<FinalLog> {
    return new FinalLog(await openForReading(places));
  }

  get path(): string {
    return this.#log.path;
  }

  /** Where the final part ends, which is not before `from`; undefined where a writer is in the midst of a commit for so long. */
  async end(from: number, patienceMs: number = PATIENCE_MS): Promise<number | undefined> {
    const size = await this.#settledSize(patienceMs);
    if (size === undefined) return undefined;
    if (size < from) {
      const facts = { path: this.path, offset: size };
      throw new EventLogError('ERR_LOG_TRUNCATED', 'the log is shorter than its copy', facts);
    }
    const end = size === from ? from : await this.#endOfLines(from, size);
    if (end > from) await this.#log.sync();
    this.#checkPlace();
    return end;
  }

  /** Whole lines from `position` on, of at most `usual` bytes, or one of at most `most`; none where that is longer. */
  async lines(position: number, end: number, usual: number, most: number): Promise<Buffer> {
    const bytes = await this.bytes(position, Math.min(end, position + Math.min(usual, most)));
    const whole = bytes.lastIndexOf(LF) + 1;
    if (whole > 0) return bytes.subarray(0, whole);
    const longer = await this.bytes(position, Math.min(end, position + most));
    return longer.subarray(0, longer.indexOf(LF) + 1);
  }

  /** The bytes between two positions; fewer where the log ends before. */
  async bytes(start: number, end: number): Promise<Buffer> {
    const { start: first, lines } = this.#seen;
    if (start >= first && end <= first + lines.length) return lines.subarray(start - first, end - first);
    const space = Buffer.allocUnsafe(end - start + LOOK_AHEAD).subarray(0, end - start);
    if (space.length <= READ_AT_ONCE) return space.subarray(0, this.#log.readNow(space, start));
    return space.subarray(0, await this.#log.read(space, start));
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #settledSize(patienceMs: number): Promise<number | undefined> {
    const begun = monotonicMs();
    for (let pauseMs = 1; ; ) {
      const size = this.#log.settledSize();
      const waitedMs = monotonicMs() - begun;
      if (size !== undefined || waitedMs >= patienceMs) return size;
      if (waitedMs < EAGER_MS)
        await this.#log.giveWay(); // to the writer, which ends its commit
      else {
        await sleep(pauseMs);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Where the lines end that the next writer would keep: a hole that a power cut left is no line. */
  async #endOfLines(from: number, size: number): Promise<number> {
    if (size - from > SEGMENT_BYTES) {
      return beforeHole(this.#log.read, from, await endOfLastLine(this.#log.read, from, size), undefined);
    }
    const bytes = Buffer.allocUnsafe(size - from + LOOK_AHEAD).subarray(0, size - from);
    const grown = bytes.subarray(0, this.#log.readNow(bytes, from));
    const lines = grown.subarray(0, grown.lastIndexOf(LF) + 1);
    if (grown.includes(0)) return beforeHole(this.#log.read, from, from + lines.length, undefined);
    this.#seen = { start: from, lines };
    return from + lines.length;
  }

  #checkPlace(): void {
    if (this.#log.inPlace()) return;
    const what = 'another file, or none, is in the place of the log';
    throw new EventLogError('ERR_LOG_REPLACED', what, { path: this.path });
  }
}
