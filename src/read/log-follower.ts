/**
 * Reading a log on as it grows.
 *
 *     READ to the end -> wait for growth -> READ on from the last whole line -> ... -> terminal event
 *
 * Promises: a change notice (`fs.watch`) only makes the next look come sooner than the poll would. An unterminated line is read again
 * from its start, so a torn tail that a writer repairs is never seen. What was handed out is still there when the reading goes on or ends,
 * or it fails with `ERR_LOG_TRUNCATED`.
 */
import { tails, type WokenBy } from '../diagnostics.js';
import { EventLogError } from '../errors.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { onAbort } from '../on-abort.js';
import { monotonicMs, nowMs, sleep } from '../real-time.js';
import { isOrphan } from '../volume/orphan.js';
import type { RunPlaces } from '../volume/places.js';
import type { Batch } from './batch-source.js';
import type { CaughtUp } from './caught-up.js';
import { EventFilter } from './event-filter.js';
import { Growth } from './file-growth.js';
import { LogScanner } from './log-scanner.js';
import { endsRunAt } from './start-position.js';
import type { TailOptions } from './tail-options.js';

/** How often to look for a run that is not there yet. */
const APPEAR_POLL_MS = 20;
/** How often to look whether the commit of a terminal event is over. */
const DECIDED_POLL_MS = 2;

/** Hears of what is found beside events. */
export interface FollowerListener {
  readonly caughtUp: CaughtUp;
  /** Called with where reading begins, once that is known. */
  startsAt(position: number): void;
}

/** Follows one log. */
export class LogFollower {
  /** Unterminated bytes at the end of the file when it was last reached. */
  tornBytes = 0;
  /** Whether the run was left without an end, as it looked then. */
  orphaned = false;
  readonly #places: RunPlaces;
  readonly #options: TailOptions<string, Vocabulary>;
  readonly #listener: FollowerListener;
  readonly #stopListening: (() => void) | undefined;
  #scanner: LogScanner | undefined;
  #growth: Growth | undefined; // once the end was reached
  #wokenBy: WokenBy | undefined;
  #stopped = false;

  constructor(places: RunPlaces, options: TailOptions<string, Vocabulary>, listener: FollowerListener) {
    this.#places = places;
    this.#options = options;
    this.#listener = listener;
    this.#stopListening = options.signal && onAbort(options.signal, () => this.#growth?.wake());
  }

  /** The next events; undefined at the end of the run, when it was left and that is an end too, and once the reading was stopped. */
  async next(): Promise<Batch | undefined> {
    const { caughtUp } = this.#listener;
    try {
      this.#scanner ??= await this.#appear();
      const batch = this.#scanner && (await this.#follow(this.#scanner));
      if (batch !== undefined) return batch;
      if (!this.#stopped) caughtUp.reached();
      if (this.#scanner?.ended) await this.#endDecided(this.#scanner);
      return undefined;
    } catch (error) {
      return caughtUp.failed(error);
    }
  }

  /** Ends a wait that is under way, and the reading with it. */
  stop(): void {
    this.#stopped = true;
    this.#growth?.wake();
    this.#listener.caughtUp.closed();
  }

  /** Gives back what is held, once no `next` is under way. */
  async close(): Promise<void> {
    this.#stopListening?.();
    this.#growth?.close();
    await this.#scanner?.close();
  }

  async #follow(scanner: LogScanner): Promise<Batch | undefined> {
    const { signal, stopAtTerminal = true, pollInterval = 500, watch, onOrphan } = this.#options;
    while (!this.#stopped && !scanner.finished) {
      signal?.throwIfAborted();
      this.#growth?.look();
      const before = scanner.position;
      const batch = await scanner.next();
      if (batch !== undefined) return this.#handOver(batch, scanner, before);
      this.tornBytes = scanner.tornBytes;
      if (!scanner.log.inPlace()) throw replaced(scanner.log.path);
      if (this.#growth === undefined) {
        if (stopAtTerminal && (await this.#endedBefore(scanner))) break;
        // From here on a notice can come; what grew before it is found by one more look.
        this.#growth = new Growth(scanner.log.path, pollInterval, watch !== false);
      } else {
        this.#listener.caughtUp.reached();
        this.orphaned = await this.#wasLeft(scanner);
        if (this.orphaned && onOrphan === 'end') break;
        const found = await this.#grown(this.#growth, scanner);
        if (found !== undefined) return this.#handOver(found, scanner, before);
      }
    }
    return undefined;
  }

  /** Waits until the log may have grown; with what was found in the very call that brought the notice. */
  async #grown(growth: Growth, scanner: LogScanner): Promise<Batch | undefined> {
    const { wokenBy, found } = await growth.wait(() => {
      growth.look();
      return scanner.nextNow();
    });
    this.#wokenBy = wokenBy;
    return found;
  }

  #handOver(batch: Batch, scanner: LogScanner, before: number): Batch {
    if (tails.observed) publishBatch(batch, scanner, before, this.#wokenBy);
    this.#wokenBy = undefined;
    this.orphaned = false;
    return batch;
  }

  /** Waits for the run. One that had to be waited for is new: it is read from its start. */
  async #appear(): Promise<LogScanner | undefined> {
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
    while (!this.#stopped) {
      signal?.throwIfAborted();
      try {
        const scanner = await LogScanner.open(this.#places, filter, {
          ...this.#options,
          from,
          stopAtTerminal,
        });
        this.#listener.startsAt(scanner.start);
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
  async #endDecided(scanner: LogScanner): Promise<void> {
    while (!this.#stopped && scanner.log.settledSize() === undefined) {
      this.#options.signal?.throwIfAborted();
      await sleep(DECIDED_POLL_MS);
    }
    if (!this.#stopped) scanner.lastLine.check();
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
