/**
 * Following a run while it is written: a replay, then a wait for growth, then reading on, until the terminal event.
 *
 *     READ to the end -> wait for growth -> READ on from the last whole line -> ... -> terminal event
 *
 * Promises: every event once, in order, whatever notices are lost: a change notice (`fs.watch`) only makes the next look
 * come sooner than the poll would. Nothing is read ahead of a slow consumer. An unterminated line is read again from its
 * start, so a torn tail that a writer repairs is never seen. What was handed out is still there when the tail goes on or ends,
 * or the tail fails with `ERR_LOG_TRUNCATED`. The end, `break`, an error and an abort give back the
 * descriptor, the watcher and the timer at once.
 */

import { tails, type WokenBy } from '../diagnostics.js';
import { EventLogError } from '../errors.js';
import type { EventType, OmneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { onAbort } from '../on-abort.js';
import {
  checkOptions,
  either,
  isBoolean,
  isInteger,
  milliseconds,
  type OptionCheck,
  oneOf,
} from '../options.js';
import { monotonicMs, nowMs, sleep } from '../real-time.js';
import { isOrphan } from '../volume/orphan.js';
import type { RunPlaces } from '../volume/places.js';
import { type Batch, type BatchSource, batchSource } from './batch-source.js';
import { CaughtUp } from './caught-up.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from './event-filter.js';
import { EventStream } from './event-stream.js';
import { Growth, type Woken } from './file-growth.js';
import { LogScanner } from './log-scanner.js';
import { endsRunAt } from './start-position.js';

/** What to follow, from where, and how long to wait. */
export interface TailOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends Omit<ReadOptions<T, V>, 'limit' | 'from' | 'reverse'> {
  /** A byte offset of a line start, `start` (the default), or `end` for what is appended from now on. */
  from?: number | 'start' | 'end' | undefined;
  /** End after a terminal event; true by default. */
  stopAtTerminal?: boolean | undefined;
  /** How long to wait for a run that is not there yet, in milliseconds; 5000 by default. */
  appearTimeout?: number | undefined;
  /** How long to wait before looking again without a notice, in milliseconds; 500 by default. */
  pollInterval?: number | undefined;
  /** Use change notices; true by default. Without them events come up to `pollInterval` later. */
  watch?: boolean | undefined;
  /** What to do when the run was left without an end (`orphaned`): `wait` until somebody resumes it, the default, or `end`. */
  onOrphan?: 'wait' | 'end' | undefined;
  /** How long nothing must have been written before a run that no writer holds counts as left, in milliseconds; 60000 by default. */
  orphanAfter?: number | undefined;
}

const { limit: _limit, reverse: _reverse, ...WHAT_TO_READ } = READ_OPTIONS;

/** What the options of a tail must be. */
export const TAIL_OPTIONS: Readonly<Record<keyof TailOptions, OptionCheck>> = {
  ...WHAT_TO_READ,
  from: either(isInteger, oneOf('start', 'end')),
  stopAtTerminal: isBoolean,
  appearTimeout: milliseconds(0),
  pollInterval: milliseconds(1),
  watch: isBoolean,
  onOrphan: oneOf('wait', 'end'),
  orphanAfter: milliseconds(0),
};

/** How often to look for a run that is not there yet. */
const APPEAR_POLL_MS = 20;
/** How often to look whether the commit of a terminal event is over. */
const DECIDED_POLL_MS = 2;

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
  #tornBytes = 0;
  #orphaned = false;

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
    return this.#tornBytes;
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
    return this.#orphaned;
  }

  /** The batches of the log as it grows. */
  protected override source(): BatchSource {
    const { signal, pollInterval = 500, stopAtTerminal = true } = this.#options;
    let growth: Growth | undefined;
    let scanner: LogScanner | undefined;
    let closed = false;
    let wokenBy: WokenBy | undefined;
    const wake = () => growth?.wake();
    const stopListening = signal && onAbort(signal, wake);

    const handOver = (batch: Batch, from: LogScanner, before: number): Batch => {
      if (tails.observed) publishBatch(batch, from, before, wokenBy);
      wokenBy = undefined;
      this.#orphaned = false;
      return batch;
    };

    const follow = async (): Promise<Batch | undefined> => {
      try {
        scanner ??= await this.#appear(() => closed);
        while (scanner !== undefined && !closed && !scanner.finished) {
          signal?.throwIfAborted();
          growth?.look();
          const log = scanner;
          const before = log.position;
          const batch = await log.next();
          if (batch !== undefined) return handOver(batch, log, before);
          this.#tornBytes = scanner.tornBytes;
          if (!scanner.log.inPlace()) throw replaced(scanner.log.path);
          if (growth === undefined) {
            if (stopAtTerminal && (await this.#endedBefore(scanner))) break;
            // From here on a notice can come; what grew before it is found by one more look.
            growth = new Growth(scanner.log.path, pollInterval, this.#options.watch !== false);
          } else {
            this.#caughtUp.reached();
            this.#orphaned = await this.#wasLeft(scanner);
            if (this.#orphaned && this.#options.onOrphan === 'end') break;
            const woken: Woken<Batch> = await growth.wait(() => {
              growth?.look();
              return log.nextNow();
            });
            wokenBy = woken.wokenBy;
            if (woken.found !== undefined) return handOver(woken.found, log, before);
          }
        }
        if (!closed) this.#caughtUp.reached();
        if (scanner?.ended) await this.#endDecided(scanner, () => closed);
        return undefined;
      } catch (error) {
        return this.#caughtUp.failed(error);
      }
    };
    return batchSource(
      follow,
      async () => {
        stopListening?.();
        growth?.close();
        await scanner?.close();
      },
      () => {
        closed = true;
        wake();
        this.#caughtUp.closed();
      },
    );
  }

  /** Waits for the run. One that had to be waited for is new: it is read from its start. */
  async #appear(closed: () => boolean): Promise<LogScanner | undefined> {
    const {
      appearTimeout = 5000,
      stopAtTerminal = true,
      signal,
      last: _last,
      from: _from,
      ...rest
    } = this.#options;
    const filter = new EventFilter(rest);
    const deadline = monotonicMs() + appearTimeout;
    let from = this.#options.from;
    while (!closed()) {
      signal?.throwIfAborted();
      try {
        const scanner = await LogScanner.open(this.#places, filter, {
          ...this.#options,
          from,
          stopAtTerminal,
        });
        this.startsAt(scanner.start);
        return scanner;
      } catch (error) {
        const absent = error instanceof EventLogError && error.code === 'ERR_RUN_NOT_FOUND';
        if (!absent || monotonicMs() >= deadline) throw error;
      }
      if (from === 'end') from = 'start';
      await sleep(Math.min(APPEAR_POLL_MS, appearTimeout));
    }
    return undefined;
  }

  /** Waits until no commit is under way: when its sync fails, the writer takes back what was handed out, the end included. */
  async #endDecided(scanner: LogScanner, closed: () => boolean): Promise<void> {
    while (!closed() && scanner.log.settledSize() === undefined) {
      this.#options.signal?.throwIfAborted();
      await sleep(DECIDED_POLL_MS);
    }
    if (!closed()) scanner.lastLine.check();
  }

  async #wasLeft({ log, position }: LogScanner): Promise<boolean> {
    const changedAt = log.stat().mtimeMs;
    if (!(await isOrphan(this.#places, changedAt, this.#options.orphanAfter))) return false;
    // Somebody may have appended and gone since the end was reached.
    return log.stat().mtimeMs === changedAt && !(await endsRunAt(log, position, this.#options));
  }

  /** Whether reading began after the terminal event. */
  async #endedBefore({ start, position, log }: LogScanner): Promise<boolean> {
    return start > 0 && position === start && endsRunAt(log, start, this.#options);
  }
}

/** Publishes what was read, and how old it is, to the diagnostics. */
function publishBatch(
  { events }: Batch,
  scanner: LogScanner,
  from: number,
  wokenBy: WokenBy | undefined,
): void {
  const lagMs = nowMs() - Date.parse(events.at(-1)?.ts ?? '');
  tails.publish(scanner.log.path, {
    events: events.length,
    bytes: scanner.position - from,
    ...(Number.isNaN(lagMs) ? {} : { lagMs }),
    ...(wokenBy === undefined ? {} : { wokenBy }),
  });
}

function replaced(path: string): EventLogError {
  return new EventLogError('ERR_LOG_REPLACED', 'another file, or none, is in the place of the log', {
    path,
  });
}
