/**
 * Handing events to a consumer: the iteration that replays and tails share, of a file and of a remote copy.
 *
 * Promises: `position` is the position after the last event handed out, never after one that was not; `break`, a thrown
 * error, the end and an abort all give back what the source holds. A stream is iterated once.
 */

import type { EventType, OmneEvents } from '../format/events.js';
import type { DefinitionOf, EventIn, Vocabulary } from '../format/vocabulary.js';
import type { Batch, BatchSource } from './batch-source.js';
import { type EventIterator, StreamIterator } from './stream-iterator.js';

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
