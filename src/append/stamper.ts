/**
 * Stamping: gives the events of a batch their ids and their time, and makes the bytes of the batch.
 *
 * Promises: ids rise strictly, above every id it was shown. The events of one write share one `ts`, which is how recovery
 * knows one write from the next. A clock that is far off changes neither the length nor the order of lines.
 */

import { EventLogError } from '../errors.js';
import { type PreparedEvent, stampEvent } from '../format/encode.js';
import { nowMs } from '../real-time.js';
import { UlidSequence } from '../volume/ulid.js';
import { MAX_BATCH_BYTES } from './commit-queue.js';

/** The events of one call, and the bytes of their lines. */
export interface EventGroup {
  readonly events: readonly PreparedEvent[];
  readonly bytes: number;
}

/** The lines of a batch, valid until the next one is stamped; `ends[i]` is where the lines of group i end. */
export interface StampedBatch {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

/** The room for the lines of a batch begins with this many bytes, and doubles. */
const LEAST_ROOM = 4096;

/** Stamps the batches of one log. */
export class Stamper {
  readonly #path: string;
  readonly #ids = new UlidSequence();
  #buffer: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes every later id greater than `id`. */
  raiseTo(id: string): void {
    this.#ids.raiseTo(id);
  }

  /**
   * Stamps a batch.
   *
   * @throws EventLogError `ERR_LOG_FAILED` when no id is left.
   */
  stamp(batch: readonly EventGroup[]): StampedBatch {
    const now = legibleTime(nowMs());
    const ts = timestamp(now);
    const ends: number[] = [];
    let end = 0;
    for (const { bytes } of batch) ends.push((end += bytes));
    const bytes = this.#room(end);
    let text = ''; // a string has a largest length, and a batch of large events may exceed it
    let filled = 0;
    for (const { events } of batch) {
      for (const prepared of events) {
        text += stampEvent(prepared, this.#nextId(now), ts);
        if (text.length <= MAX_BATCH_BYTES) continue;
        filled += bytes.write(text, filled);
        text = '';
      }
    }
    // A text of as many characters as bytes is ASCII, for which a copy will do.
    bytes.write(text, filled, text.length === end - filled ? 'latin1' : 'utf8');
    return { bytes, ends };
  }

  /** So many bytes to write to: the same for each batch, as far as it fits, for one batch is written at a time. */
  #room(length: number): Buffer {
    if (length > MAX_BATCH_BYTES) return Buffer.allocUnsafeSlow(length);
    if (length > this.#buffer.length)
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(LEAST_ROOM, 2 ** Math.ceil(Math.log2(length))));
    return this.#buffer.subarray(0, length);
  }

  #nextId(now: number): string {
    try {
      return this.#ids.next(now);
    } catch (cause) {
      throw new EventLogError('ERR_LOG_FAILED', 'no id is left', { path: this.#path, cause });
    }
  }
}

let stampedMs = Number.NaN;
let stamp = '';

const LAST_LEGIBLE = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** Years have four digits. */
function legibleTime(now: number): number {
  return Number.isNaN(now) ? 0 : Math.min(Math.max(now, 0), LAST_LEGIBLE);
}

/** RFC 3339 in UTC with milliseconds; formatted once per millisecond. */
function timestamp(now: number): string {
  if (now !== stampedMs) {
    stampedMs = now;
    stamp = new Date(now).toISOString();
  }
  return stamp;
}
