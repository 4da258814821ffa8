/**
 * Handing events to a consumer: the iteration that replays and tails share, of a file and of a remote copy.
 *
 * Promises: `position` is the position after the last event handed out, never after one that was not; `break`, a thrown
 * error, the end and an abort all give back what the source holds. A stream is iterated once.
 */

import type { EventType, OmneEvents } from '../format/events.js';
import type { LogEvent } from '../format/schema.js';
import type { DefinitionOf, EventIn, Vocabulary } from '../format/vocabulary.js';

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
 * An iterable of events with a position: what `EventReader`, `EventTail` and their remote kin share; of the types `T`. It is iterated once.
 *
 * @example
 * const seen = async (events: EventStream) => (await events.toArray()).length;
 */
export abstract class EventStream<T extends string = EventType, V extends Vocabulary = OmneEvents>
  implements AsyncIterable<EventIn<DefinitionOf<V>, T>>
{
  readonly #signal: AbortSignal | undefined;
  #position: number;
  #started = false;

  /** Called by the classes that extend it. */
  constructor(position: number, signal: AbortSignal | undefined) {
    this.#position = position;
    this.#signal = signal;
  }

  /**
   * The byte position after the last event handed out: pass it as `from` to resume without a gap or a repeat. Of a reading in
   * reverse it is where that event begins.
   *
   * @example
   * const rest = EventLog.read(root, runId, { from: reader.position });
   */
  get position(): number {
    return this.#position;
  }

  /** Where the batches come from; called once. */
  protected abstract source(): BatchSource;

  /** Called with where reading begins, once that is known. */
  protected startsAt(position: number): void {
    this.#position = position;
  }

  /** Event by event. */
  [Symbol.asyncIterator](): EventIterator<EventIn<DefinitionOf<V>, T>> {
    return this.#iterate(cursor => cursor.takeOne());
  }

  /**
   * The fast lane: non-empty arrays of events, as many as are at hand: some hundreds at most.
   *
   * @example
   * for await (const events of reader.batches()) count += events.length;
   */
  batches(): EventIterator<EventIn<DefinitionOf<V>, T>[]> {
    return this.#iterate(cursor => cursor.takeAll());
  }

  /**
   * All events as one array.
   *
   * @example
   * const events = await EventLog.read(root, runId, { last: 10 }).toArray();
   */
  async toArray(): Promise<EventIn<DefinitionOf<V>, T>[]> {
    const all: EventIn<DefinitionOf<V>, T>[] = [];
    for await (const events of this.batches()) for (const event of events) all.push(event);
    return all;
  }

  #iterate<Item>(take: (cursor: Cursor<T, V>) => Item | undefined): StreamIterator<Item> {
    if (this.#started)
      throw new TypeError('this stream was iterated already; make a new one from its `position`');
    this.#started = true;
    const cursor = new Cursor<T, V>(position => {
      this.#position = position;
    });
    return new StreamIterator(
      this.source(),
      batch => cursor.moveTo(batch),
      () => take(cursor),
      this.#signal,
    );
  }
}

/** A place in a batch; knows the position of what it hands out. */
class Cursor<T extends string, V extends Vocabulary> {
  readonly #handedOut: (position: number) => void;
  #batch: Batch = { events: [], ends: [] };
  #index = 0;

  constructor(handedOut: (position: number) => void) {
    this.#handedOut = handedOut;
  }

  moveTo(batch: Batch): void {
    this.#batch = batch;
    this.#index = 0;
  }

  takeOne(): EventIn<DefinitionOf<V>, T> | undefined {
    const event = this.#batch.events[this.#index];
    const end = this.#batch.ends[this.#index];
    if (event === undefined || end === undefined) return undefined;
    this.#index++;
    this.#handedOut(end);
    return event as EventIn<DefinitionOf<V>, T>; // the source let nothing else through its filter
  }

  takeAll(): EventIn<DefinitionOf<V>, T>[] | undefined {
    const { events, ends } = this.#batch;
    const end = ends.at(-1);
    if (end === undefined || this.#index > 0) return undefined;
    this.#index = events.length;
    this.#handedOut(end);
    return events as EventIn<DefinitionOf<V>, T>[]; // as above
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

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
