/**
 * Replaying a run: the log from a place of choice to its present end, as typed events.
 *
 * Promise: a reader changes nothing and opens the file only when it is iterated.
 */

import type { EventType, OmneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { checkOptions } from '../options.js';
import type { RunPlaces } from '../volume/places.js';
import { openForReading } from '../volume/readable-log.js';
import { BackwardScanner } from './backward-scanner.js';
import { type Batch, type BatchSource, batchSource } from './batch-source.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from './event-filter.js';
import { EventStream } from './event-stream.js';
import { LogScanner } from './log-scanner.js';

/**
 * The events of a run, from disk; of the types `T`. Iterate it, or take `batches()` or `toArray()`; once.
 *
 * @throws EventLogError while iterating: `ERR_RUN_NOT_FOUND`, `ERR_UNSAFE_PATH`, `ERR_MALFORMED_LINE`, `ERR_LINE_TOO_LONG`,
 * `ERR_LOG_TRUNCATED` (the log ends before `from`, or was cut while it was read), `ERR_INVALID_POSITION`, `ERR_SYSTEM`.
 * @example
 * const reader = EventLog.read(root, runId, { types: ['node.failed'] });
 * for await (const event of reader) console.log(event.type, reader.position);
 */
export class EventReader<T extends string = EventType, V extends Vocabulary = OmneEvents> extends EventStream<
  T,
  V
> {
  readonly #places: RunPlaces;
  readonly #options: ReadOptions<T, V>;
  #tornBytes = 0;

  /** Called by `EventLog.read`. */
  constructor(places: RunPlaces, options: ReadOptions<T, V> = {}) {
    checkOptions(options, READ_OPTIONS);
    super(options.from ?? 0, options.signal);
    this.#places = places;
    this.#options = { ...options };
  }

  /** Unterminated bytes seen at the end of the file: a line that is being written, or a torn one. */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /** The batches of the log, from the start chosen to its present end. */
  protected override source(): BatchSource {
    const { signal } = this.#options;
    let scanner: LogScanner | BackwardScanner | undefined;
    const next = async (): Promise<Batch | undefined> => {
      signal?.throwIfAborted(); // before the file is opened
      if (scanner === undefined) {
        scanner = await this.#open();
        this.startsAt(scanner.start);
      }
      if (scanner.finished) return undefined;
      const batch = await scanner.next();
      this.#tornBytes = scanner.tornBytes;
      return batch;
    };
    return batchSource(next, async () => scanner?.close());
  }

  async #open(): Promise<LogScanner | BackwardScanner> {
    const options = this.#options;
    if (options.reverse === true) return BackwardScanner.of(await openForReading(this.#places), options);
    return LogScanner.open(this.#places, new EventFilter(options), options);
  }
}
