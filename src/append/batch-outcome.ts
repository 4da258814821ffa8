/**
 * What became of each append of a batch. Knows no file.
 *
 * Promise: an append resolves only when all its events are durable. One that found no room for the last of them is rejected
 * with how many of the first were `kept`.
 */
import { EventLogError } from '../errors.js';
import { type Admission, type Append, admitAll } from './admission.js';

/** Follows one batch from its commit to its end. */
export class BatchOutcome {
  #admission: Admission;
  #ends: readonly number[] = []; // where the lines of each admitted append end, in the bytes of the batch
  #appends = 0; // so many are durable as a whole
  #events = 0; // and so many events of the one after those

  constructor(batch: readonly Append[]) {
    this.#admission = admitAll(batch);
  }

  /** It was decided what is written. */
  admitted(admission: Admission): void {
    this.#admission = admission;
  }

  /** Its lines were made. */
  stamped(ends: readonly number[]): void {
    this.#ends = ends;
  }

  /** So many of its bytes, which are whole lines, are durable. */
  durable(bytes: number): void {
    while ((this.#ends[this.#appends] ?? Number.POSITIVE_INFINITY) <= bytes) this.#appends++;
    const start = this.#ends[this.#appends - 1] ?? 0;
    this.#events = eventsWithin(this.#admission.admitted[this.#appends], bytes - start);
  }

  /** Settles all its appends, once no more of them will be written; the log ends at `end` then. */
  settle(end: number, error: unknown): void {
    const { admitted, conflicts } = this.#admission;
    admitted.forEach((append, index) => {
      if (index < this.#appends) append.resolve();
      else append.reject(withKept(error, index === this.#appends ? this.#events : 0, append));
    });
    for (const [append, conflict] of conflicts) {
      // Where what should have come before it was not written, its position is none.
      append.reject((conflict.position ?? 0) <= end ? conflict : error);
    }
  }
}

/** How many events of an append lie whole within so many bytes from its start. */
function eventsWithin(append: Append | undefined, bytes: number): number {
  let events = 0;
  for (let left = bytes; left > 0 && append !== undefined; events++)
    left -= append.events[events]?.bytes ?? left;
  return events;
}

/** The error of an append of which some events were kept, where there was no room for the others. */
function withKept(error: unknown, kept: number, { events }: Append): unknown {
  if (kept === 0 || !(error instanceof EventLogError) || error.code !== 'ERR_NO_SPACE') return error;
  const { path, offset, cause } = error;
  const what = `no space for all events: the first ${kept} of ${events.length} are on disk and stay, the others were not kept`;
  return new EventLogError('ERR_NO_SPACE', what, { path, offset, kept, cause });
}
