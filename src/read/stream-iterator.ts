/**
 * The iterator of a stream: from the batches of a source to what a loop asks for, one call at a time.
 *
 * Promise: the end, an error, an abort and `return` all close the source, and the call is answered once that is done.
 */
import type { Batch, BatchSource } from './batch-source.js';

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * The iterator of a stream. Spelled out: before TypeScript 5.6 `AsyncIterableIterator` takes one argument, and a type that
 * gives it two is `any` there.
 */
export interface EventIterator<Item> {
  /** The next item; calls that overlap are answered in order. */
  next(): Promise<IteratorResult<Item, undefined>>;
  /** Ends the iteration, also while `next` waits. */
  return(): Promise<IteratorReturnResult<undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): EventIterator<Item>;
}

/**
 * Made by hand: it answers from the current batch without a generator's cost for every event, and `return` ends a wait that
 * is under way, for which a generator would have to be done first.
 */
export class StreamIterator<Item, Given = Batch> implements EventIterator<Item> {
  readonly #source: BatchSource<Given>;
  readonly #moveTo: (batch: Given) => void;
  readonly #take: () => Item | undefined;
  readonly #signal: AbortSignal | undefined;
  #filling: Promise<unknown> | undefined; // the last call that had to wait
  #underWay = 0; // and how many of them do
  #closed: Promise<void> | undefined;

  constructor(
    source: BatchSource<Given>,
    moveTo: (batch: Given) => void,
    take: () => Item | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#source = source;
    this.#moveTo = moveTo;
    this.#take = take;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    const last = this.#filling;
    if (last === undefined && this.#closed === undefined && this.#signal?.aborted !== true) {
      const item = this.#take();
      if (item !== undefined) return Promise.resolve({ done: false, value: item });
    }
    // Calls that overlap wait for each other. The last one over makes the way free before its caller goes on, whose next call is quick.
    this.#underWay++;
    const result = last === undefined ? this.#fill() : last.then(() => this.#fill());
    this.#filling = this.#underWay === 0 ? undefined : result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#close();
    return DONE;
  }

  async #fill(): Promise<IteratorResult<Item, undefined>> {
    try {
      while (this.#closed === undefined) {
        this.#signal?.throwIfAborted();
        const item = this.#take();
        if (item !== undefined) return { done: false, value: item };
        const batch = await this.#source.next();
        if (batch === undefined) break;
        this.#moveTo(batch);
      }
      await this.#close();
      return DONE;
    } catch (error) {
      await this.#close();
      throw error;
    } finally {
      if (--this.#underWay === 0) this.#filling = undefined;
    }
  }

  #close(): Promise<void> {
    this.#closed ??= this.#source.close();
    return this.#closed;
  }
}
