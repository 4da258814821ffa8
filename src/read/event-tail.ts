/**
 * Following a run while it is written: the events of a log, from a replay on to the terminal event.
 *
 * Promises: every event once, in order, whatever notices are lost. Nothing is read ahead of a slow consumer. The end, `break`, an error
 * and an abort give back the descriptor, the watcher and the timer at once.
 */
import type { EventType, OmneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { checkOptions } from '../options.js';
import type { RunPlaces } from '../volume/places.js';
import { type BatchSource, batchSource } from './batch-source.js';
import { CaughtUp } from './caught-up.js';
import { EventStream } from './event-stream.js';
import { LogFollower } from './log-follower.js';
import { TAIL_OPTIONS, type TailOptions } from './tail-options.js';

/**
 * The events of a run as they are written; of the types `T`. Iterate it, or take `batches()`; once.
 *
 * @throws EventLogError while iterating: `ERR_RUN_NOT_FOUND` when the log does not appear in time, `ERR_LOG_TRUNCATED`,
 * `ERR_LOG_REPLACED`, and what `EventReader` throws.
 * @example
 * for await (const event of EventLog.tail(root, runId)) {
 *   console.log(event.type);
 * } // ends after pipe.completed or pipe.aborted
 */
export class EventTail<T extends string = EventType, V extends Vocabulary = OmneEvents> extends EventStream<
  T,
  V
> {
  /**
   * Resolves when the end of the log was reached once, which takes somebody who iterates. Rejects when the tail ends before: with
   * `ERR_LOG_CLOSED` when its consumer stops, or the signal aborts while nothing is read; with the reason of the signal when
   * something is; otherwise with what the iteration rejects with: `ERR_RUN_NOT_FOUND`, `ERR_MALFORMED_LINE`,
   * `ERR_LINE_TOO_LONG`, `ERR_LOG_TRUNCATED`, `ERR_LOG_REPLACED`, `ERR_INVALID_POSITION`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`.
   * Nobody has to catch it.
   */
  readonly caughtUp: Promise<void>;
  readonly #places: RunPlaces;
  readonly #options: TailOptions<T, V>;
  readonly #caughtUp = new CaughtUp();
  #follower: LogFollower | undefined;

  /** Called by `EventLog.tail`. */
  constructor(places: RunPlaces, options: TailOptions<T, V> = {}) {
    checkOptions(options, TAIL_OPTIONS);
    super(typeof options.from === 'number' ? options.from : 0, options.signal);
    this.#places = places;
    this.#options = { ...options };
    this.caughtUp = this.#caughtUp.promise;
  }

  /** Unterminated bytes at the end of the file when it was last reached: a line that is being written. */
  get tornBytes(): number {
    return this.#follower?.tornBytes ?? 0;
  }

  /**
   * Whether the run was left without an end, as it looked when the end of the log was reached last: no writer has it open, and nothing
   * was written for `orphanAfter`. False again once somebody resumes it; always false where nobody can know who writes.
   *
   * @example
   * const tail = EventLog.tail(root, runId, { onOrphan: 'end' });
   * for await (const event of tail) console.log(event.type);
   * if (tail.orphaned) console.log('its executor died');
   */
  get orphaned(): boolean {
    return this.#follower?.orphaned ?? false;
  }

  /** The batches of the log as it grows. */
  protected override source(): BatchSource {
    const follower = new LogFollower(this.#places, this.#options, {
      caughtUp: this.#caughtUp,
      startsAt: position => this.startsAt(position),
    });
    this.#follower = follower;
    return batchSource(
      () => follower.next(),
      () => follower.close(),
      () => follower.stop(),
    );
  }
}
