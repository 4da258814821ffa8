/**
 * All runs of a volume as one stream of events: to its present end, or for as long as it is wanted.
 *
 * Promises: those of the merge. What the folder holds, and each log, is read only; a run that appears, grows, ends or is deleted meanwhile is
 * taken as it comes. The end, `break`, an error and an abort give back what is held, also while a wait is under way.
 */

import type { EventType, OmneEvents } from '../../format/events.js';
import type { DefinitionOf, EventIn, Vocabulary } from '../../format/vocabulary.js';
import { onAbort } from '../../on-abort.js';
import { checkOptions } from '../../options.js';
import { absoluteRoot } from '../../volume/places.js';
import { type BatchSource, batchSource } from '../batch-source.js';
import { CaughtUp } from '../caught-up.js';
import { type EventIterator, StreamIterator } from '../stream-iterator.js';
import {
  VOLUME_READ_OPTIONS,
  VOLUME_TAIL_OPTIONS,
  type VolumeReadOptions,
  type VolumeTailOptions,
} from './options.js';
import { VolumeMerge } from './volume-merge.js';

/** An event of a volume, of the types `T`. */
export interface VolumeEvent<T extends string = EventType, V extends Vocabulary = OmneEvents> {
  /** The run in whose log it is: `<pipe>-<ulid>`. */
  readonly runId: string;
  /** The event. */
  readonly event: EventIn<DefinitionOf<V>, T>;
  /** The position after it in the log of its run, in bytes: as `from` of `EventLog.read` it goes on there. */
  readonly position: number;
}

/** So many are handed out at once, at most. */
const BATCH_EVENTS = 256;

/**
 * The events of all runs of a volume; of the types `T`. Iterate it, or take `batches()` or `toArray()`; once.
 *
 * @throws EventLogError while iterating: what `EventReader` throws for a run, unless `onRunError` is a function; `ERR_LOG_REPLACED`
 * when the log of a run is not the one that was read before; `ERR_UNSAFE_PATH` or `ERR_SYSTEM` when the volume cannot be listed.
 * @example
 * const volume = EventLog.tailAll(root, { cursor: saved });
 * for await (const { runId, event } of volume) {
 *   await handle(runId, event);
 *   await save(volume.cursor); // after it nothing is missed and nothing comes twice
 * }
 */
export class VolumeStream<T extends string = EventType, V extends Vocabulary = OmneEvents>
  implements AsyncIterable<VolumeEvent<T, V>>
{
  /**
   * Resolves when all that was there has been handed out once, which takes somebody who iterates. Rejects when the stream ends
   * before: with `ERR_LOG_CLOSED` when its consumer stops, otherwise with what the iteration rejects with. Nobody has to catch it.
   */
  readonly caughtUp: Promise<void>;
  readonly #merge: VolumeMerge;
  readonly #follow: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #caughtUp = new CaughtUp();
  #started = false;

  /** Called by `EventLog.readAll` and `EventLog.tailAll`. */
  constructor(root: string, options: VolumeReadOptions<T, V> | VolumeTailOptions<T, V>, follow: boolean) {
    checkOptions(options, follow ? VOLUME_TAIL_OPTIONS : VOLUME_READ_OPTIONS);
    this.#merge = new VolumeMerge(absoluteRoot(root), { ...options }, follow);
    this.#follow = follow;
    this.#signal = options.signal;
    this.caughtUp = this.#caughtUp.promise;
  }

  /**
   * A text to save: pass it as `cursor` to go on after the last event handed out, with `readAll` or `tailAll`, in any process. Its
   * size grows with the runs that have not ended.
   *
   * @example
   * const volume = EventLog.readAll(root);
   * await volume.toArray();
   * const later = await EventLog.readAll(root, { cursor: volume.cursor }).toArray(); // what was appended in between
   */
  get cursor(): string {
    return this.#merge.cursor;
  }

  /** Event by event. */
  [Symbol.asyncIterator](): EventIterator<VolumeEvent<T, V>> {
    return this.#iterate(() => this.#take());
  }

  /**
   * The fast lane: non-empty arrays of events, as many as are at hand: 256 at most. `cursor` is then after the last of them.
   *
   * @example
   * for await (const events of EventLog.readAll(root).batches()) count += events.length;
   */
  batches(): EventIterator<VolumeEvent<T, V>[]> {
    return this.#iterate(() => {
      const events: VolumeEvent<T, V>[] = [];
      while (events.length < BATCH_EVENTS) {
        const event = this.#take();
        if (event === undefined) break;
        events.push(event);
      }
      return events.length === 0 ? undefined : events;
    });
  }

  /**
   * All events as one array.
   *
   * @example
   * const failures = await EventLog.readAll(root, { types: ['node.failed'] }).toArray();
   */
  async toArray(): Promise<VolumeEvent<T, V>[]> {
    const all: VolumeEvent<T, V>[] = [];
    for await (const events of this.batches()) for (const event of events) all.push(event);
    return all;
  }

  #take(): VolumeEvent<T, V> | undefined {
    return this.#merge.take() as VolumeEvent<T, V> | undefined; // the merge lets no other types through
  }

  #iterate<Item>(take: () => Item | undefined): StreamIterator<Item, true> {
    if (this.#started)
      throw new TypeError('this stream was iterated already; make a new one from its `cursor`');
    this.#started = true;
    return new StreamIterator<Item, true>(this.#source(), () => undefined, take, this.#signal);
  }

  #source(): BatchSource<true> {
    const merge = this.#merge;
    let closed = false;
    const wake = () => merge.watch.wake();
    const stopListening = this.#signal && onAbort(this.#signal, wake);
    const next = async (): Promise<true | undefined> => {
      while (!closed) {
        this.#signal?.throwIfAborted();
        if (await merge.prepare()) return true;
        if (!this.#follow) {
          if (merge.unsettled) await merge.look();
          break;
        }
        this.#caughtUp.reached();
        if (!closed && this.#signal?.aborted !== true) await merge.watch.wait();
      }
      if (!closed) this.#caughtUp.reached();
      return undefined;
    };
    return batchSource<true>(
      () => next().catch((error: unknown) => this.#caughtUp.failed(error)),
      async () => {
        stopListening?.();
        await merge.close();
      },
      () => {
        closed = true;
        wake();
        this.#caughtUp.closed();
      },
    );
  }
}
