/**
 * Handing events to a consumer: the iteration that replays and tails share.
 *
 * Promises: `position` is the position behind the last event handed out, never behind one that was not; `break`, a thrown
 * error, the end and an abort all close the file. A stream is iterated once.
 */
import type { RunEvent } from './events.js';
import type { Batch } from './scan.js';

/** Where the batches come from. */
export interface BatchSource {
  /** The next batch, perhaps empty; undefined at the end. */
  next(): Promise<Batch | undefined>;
  /** Gives back what is held; may be called at any time, also while `next` is on its way. */
  close(): Promise<void>;
}

/** A source made of a way to read on and a way to let go; letting go waits for a reading that is under way. */
export function batchSource(
  next: () => Promise<Batch | undefined>,
  release: () => Promise<void>,
): BatchSource {
  let reading: Promise<unknown> = Promise.resolve();
  let released: Promise<void> | undefined;
  return {
    next: () => {
      if (released !== undefined) return Promise.resolve(undefined);
      const batch = next();
      reading = batch.catch(noop);
      return batch;
    },
    close: () => (released ??= reading.then(release)),
  };
}

/** An iterable of events with a position. */
export abstract class EventStream implements AsyncIterable<RunEvent> {
  readonly #signal: AbortSignal | undefined;
  #position: number;
  #started = false;

  constructor(position: number, signal: AbortSignal | undefined) {
    this.#position = position;
    this.#signal = signal;
  }

  /** The byte position behind the last event handed out: pass it as `from` to resume without a gap or a repeat. */
  get position(): number {
    return this.#position;
  }

  protected abstract source(): BatchSource;

  /** Tells where reading begins, once that is known. */
  protected startsAt(position: number): void {
    this.#position = position;
  }

  /** Event by event. */
  [Symbol.asyncIterator](): AsyncIterator<RunEvent, undefined> {
    return new EventIterator(this.#start(), this.#signal, position => {
      this.#position = position;
    });
  }

  /** The fast lane: non-empty arrays of events, as they come from one read of the file. */
  async *batches(): AsyncGenerator<RunEvent[], undefined> {
    const source = this.#start();
    try {
      for (let batch: Batch | undefined; (batch = await source.next()) !== undefined; ) {
        const end = batch.ends.at(-1);
        this.#signal?.throwIfAborted();
        if (end === undefined) continue;
        this.#position = end;
        yield batch.events;
      }
    } finally {
      await source.close();
    }
    return undefined;
  }

  /** All events as one array. */
  async toArray(): Promise<RunEvent[]> {
    const all: RunEvent[] = [];
    for await (const events of this.batches()) for (const event of events) all.push(event);
    return all;
  }

  #start(): BatchSource {
    if (this.#started)
      throw new TypeError('this stream of events was iterated already; make a new one from `position`');
    this.#started = true;
    return this.source();
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Made by hand: it answers from the current batch without a generator's cost for every event. */
class EventIterator implements AsyncIterator<RunEvent, undefined> {
  readonly #source: BatchSource;
  readonly #signal: AbortSignal | undefined;
  readonly #handedOut: (position: number) => void;
  #batch: Batch = { events: [], ends: [] };
  #index = 0;
  #filling: Promise<unknown> | undefined;
  #closed: Promise<void> | undefined;

  constructor(source: BatchSource, signal: AbortSignal | undefined, handedOut: (position: number) => void) {
    this.#source = source;
    this.#signal = signal;
    this.#handedOut = handedOut;
  }

  next(): Promise<IteratorResult<RunEvent, undefined>> {
    if (this.#filling === undefined && this.#closed === undefined && this.#signal?.aborted !== true) {
      const event = this.#take();
      if (event !== undefined) return Promise.resolve({ done: false, value: event });
    }
    // Calls that overlap wait for each other. `finally` runs before the caller goes on, whose next call is then quick.
    const result = (this.#filling ?? Promise.resolve())
      .then(() => this.#fill())
      .finally(() => {
        if (this.#filling === settled) this.#filling = undefined;
      });
    const settled: Promise<unknown> = result.then(noop, noop);
    this.#filling = settled;
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#close();
    return DONE;
  }

  #take(): RunEvent | undefined {
    const event = this.#batch.events[this.#index];
    const end = this.#batch.ends[this.#index];
    if (event === undefined || end === undefined) return undefined;
    this.#index++;
    this.#handedOut(end);
    return event;
  }

  async #fill(): Promise<IteratorResult<RunEvent, undefined>> {
    try {
      while (this.#closed === undefined) {
        this.#signal?.throwIfAborted();
        const event = this.#take();
        if (event !== undefined) return { done: false, value: event };
        const batch = await this.#source.next();
        if (batch === undefined) break;
        this.#batch = batch;
        this.#index = 0;
      }
    } catch (error) {
      await this.#close();
      throw error;
    }
    await this.#close();
    return DONE;
  }

  #close(): Promise<void> {
    this.#closed ??= this.#source.close();
    return this.#closed;
  }
}

function noop(): void {}
