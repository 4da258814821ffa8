/**
 * Where a stream has its events from: batches, one after the other.
 *
 * Promise: a source lets go once, after the reading that is under way, and gives nothing any more from then on.
 */
import type { LogEvent } from '../format/schema.js';

/** Events in file order; `ends[i]` is the position after `events[i]`. */
export interface Batch {
  readonly events: LogEvent[];
  readonly ends: number[];
}

/** Where the batches come from. */
export interface BatchSource<Item = Batch> {
  /** The next batch, perhaps empty; undefined at the end. */
  next(): Promise<Item | undefined>;
  /** Gives back what is held; may be called at any time, also while `next` is on its way. */
  close(): Promise<void>;
}

/**
 * A source made of a way to read on and a way to let go; letting go waits for a reading that is under way. `stop` is called before
 * that, to end a reading that waits.
 */
export function batchSource<Item = Batch>(
  next: () => Promise<Item | undefined>,
  release: () => Promise<void>,
  stop?: () => void,
): BatchSource<Item> {
  let reading: Promise<unknown> = Promise.resolve();
  let released: Promise<void> | undefined;
  return {
    next: () => {
      if (released !== undefined) return Promise.resolve(undefined);
      const batch = next();
      reading = batch.catch(() => undefined); // reported to the caller that asked for it
      return batch;
    },
    close: () => {
      stop?.();
      return (released ??= reading.then(release));
    },
  };
}
