/**
 * Admission: which appends of a batch may be written, decided under the lock, right before the write.
 *
 * Promises: `expectedPosition` is compared with the position at which the append would be written, after what the same batch puts
 * before it. An append that does not match is refused alone, and nothing of it is written. A dropped append takes no room.
 */
import { EventLogError } from '../errors.js';
import type { EventGroup } from './stamper.js';

/** One call of `append` or `appendAll`: it resolves when all its events are durable; refused for want of room, it may keep the first of them. */
export interface Append extends EventGroup {
  /** It ends the run: nothing may follow it. */
  readonly last: boolean;
  /** Where the log must end for it to be written; anywhere by default. */
  readonly expectedPosition?: number | undefined;
  /** Called when its writing begins; false when it was dropped before. */
  begin?(): boolean;
  /** When it was called, by `performance.now()`; undefined where nobody listened to the diagnostics then. */
  readonly queuedAt?: number | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A batch, sorted out. */
export interface Admission {
  /** What is to be written, in order. */
  readonly admitted: readonly Append[];
  /** What is refused, with `ERR_POSITION_CONFLICT`. */
  readonly conflicts: ReadonlyMap<Append, EventLogError>;
}

/** What a batch whose turn did not come looks like: nothing was refused by itself. */
export function admitAll(batch: readonly Append[]): Admission {
  return { admitted: batch, conflicts: NONE };
}

const NONE: ReadonlyMap<Append, EventLogError> = new Map();

/** Sorts out a batch that would be written at `end`. What is admitted has begun: it can be dropped no more. */
export function admit(batch: readonly Append[], end: number, path: string): Admission {
  const conflicts = new Map<Append, EventLogError>();
  let position = end;
  const admitted = batch.filter(append => {
    if (append.begin?.() === false) return false;
    const { bytes, expectedPosition = position } = append;
    const fits = expectedPosition === position;
    if (fits) position += bytes;
    else conflicts.set(append, conflict(expectedPosition, position, path));
    return fits;
  });
  return { admitted, conflicts };
}

function conflict(expected: number, position: number, path: string): EventLogError {
  const what = `the log ends at ${position}, not at ${expected} as expected; nothing was written`;
  return new EventLogError('ERR_POSITION_CONFLICT', what, { path, position });
}
