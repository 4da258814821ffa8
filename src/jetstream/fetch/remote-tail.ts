/**
 * Following a run by its remote copy: a replay, then every event as it is mirrored, until the terminal event.
 *
 * Promises: every event once, in order, whatever happens to the connection or the server in between, as long as the
 * connection is not closed for good. The end, `break`, an error and an abort remove the consumer from the server.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import type { EventType, OmneEvents } from '../../format/events.js';
import type { TypesOf, Vocabulary } from '../../format/vocabulary.js';
import { checkOptions, type OptionCheck } from '../../options.js';
import type { Batch, BatchSource } from '../../read/batch-source.js';
import { CaughtUp } from '../../read/caught-up.js';
import { EventFilter } from '../../read/event-filter.js';
import { EventStream } from '../../read/event-stream.js';
import type { LogScanner } from '../../read/log-scanner.js';
import { TAIL_OPTIONS, type TailOptions } from '../../read/tail-options.js';
import { monotonicMs, sleep } from '../../real-time.js';
import { checkConnection, isStreamName } from '../options.js';
import { passes } from '../retry.js';
import { subjectOf } from '../subjects.js';
import type { RemoteLog } from './remote-log.js';
import { openRemote, scanRemote } from './remote-scanner.js';
import { type RemoteReading, remoteSource } from './remote-source.js';
import { ANSWER_TIMEOUT_MS } from './stored-run.js';

/** What a tail of a file can do and one of a stream cannot: the server sends every event by itself, and knows of no writers. */
type OfFiles = 'pollInterval' | 'watch' | 'onOrphan' | 'orphanAfter';

/** What to follow, from where, and in which stream. The server reports every event: nothing is polled or watched. */
export interface RemoteTailOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends Omit<TailOptions<T, V>, OfFiles> {
  /** The stream that holds the run; `omne-runs` by default. */
  stream?: string | undefined;
}

const {
  pollInterval: _pollInterval,
  watch: _watch,
  onOrphan: _onOrphan,
  orphanAfter: _orphanAfter,
  ...WHAT_TO_FOLLOW
} = TAIL_OPTIONS;

const REMOTE_TAIL_OPTIONS: Readonly<Record<keyof RemoteTailOptions, OptionCheck>> = {
  ...WHAT_TO_FOLLOW,
  stream: isStreamName,
};

/** How often to ask for a run that is not there yet. */
const APPEAR_POLL_MS = 100;
/** An answer may take so long however little time is left: a run that is there is found also with `appearTimeout: 0`. */
const LEAST_ANSWER_MS = 500;

/**
 * The events of a run as they are mirrored; of the types `T`. Iterate it, or take `batches()`; once.
 *
 * @throws EventLogError while iterating: `ERR_RUN_NOT_FOUND` and `ERR_STREAM_NOT_FOUND` when they do not appear in time,
 * and what `RemoteReader` throws.
 * @example
 * for await (const event of tailRemote(connection, runId)) {
 *   console.log(event.type);
 * } // ends after pipe.completed or pipe.aborted
 */
export class RemoteTail<T extends string = EventType, V extends Vocabulary = OmneEvents> extends EventStream<
  T,
  V
> {
  /** Resolves when the end was reached once, which takes somebody who iterates; rejects when the tail ends before. */
  readonly caughtUp: Promise<void>;
  readonly #connection: NatsConnection;
  readonly #runId: string;
  readonly #options: RemoteTailOptions<T, V>;
  readonly #caughtUp = new CaughtUp();
  #isNew = false;

  /** Called by `tailRemote`. */
  constructor(connection: NatsConnection, runId: string, options: RemoteTailOptions<T, V> = {}) {
    checkConnection(connection);
    checkOptions(options, REMOTE_TAIL_OPTIONS);
    subjectOf(runId); // throws for a bad run id, as a tail of the file does
    super(typeof options.from === 'number' ? options.from : 0, options.signal);
    this.#connection = connection;
    this.#runId = runId;
    this.#options = { ...options };
    this.caughtUp = this.#caughtUp.promise;
  }

  /** Unterminated bytes at the end: always 0, only whole lines are mirrored. */
  get tornBytes(): number {
    return 0;
  }

  /** The batches of the copy as it grows. */
  protected override source(): BatchSource {
    const { signal, stopAtTerminal = true } = this.#options;
    const follow = async (reading: RemoteReading<LogScanner<RemoteLog>>): Promise<Batch | undefined> => {
      const { ending } = reading;
      reading.log ??= await this.#appear(ending);
      const { log } = reading;
      while (log !== undefined && !ending.aborted) {
        reading.scanner ??= await this.#scan(log);
        const { scanner } = reading;
        if (scanner.finished) break;
        const batch = await scanner.next();
        if (batch !== undefined) return batch;
        if (stopAtTerminal && log.ended && scanner.position === scanner.start) break; // it began after the end
        this.#caughtUp.reached();
        await log.grow();
      }
      if (!ending.aborted) this.#caughtUp.reached();
      return undefined;
    };
    return remoteSource(signal, follow, {
      failed: error => this.#caughtUp.failed(error),
      closed: () => this.#caughtUp.closed(),
    });
  }

  /** Waits for the run. One that had to be waited for is new: it is read from its start. */
  async #appear(ending: AbortSignal): Promise<RemoteLog | undefined> {
    const { appearTimeout = 5000 } = this.#options;
    const deadline = monotonicMs() + appearTimeout;
    while (!ending.aborted) {
      this.#options.signal?.throwIfAborted();
      const left = deadline - monotonicMs();
      try {
        const answerTimeout = Math.max(LEAST_ANSWER_MS, Math.min(left, ANSWER_TIMEOUT_MS));
        return await openRemote(this.#connection, this.#runId, { ...this.#options, answerTimeout });
      } catch (error) {
        const missing = isMissing(error);
        const mayAppear = missing || (error instanceof EventLogError && passes(error.cause));
        if (this.#connection.isClosed() || !mayAppear || monotonicMs() >= deadline) throw error;
        if (missing) this.#isNew = true; // without an answer it may have been there all the time
      }
      const milliseconds = Math.min(APPEAR_POLL_MS, appearTimeout);
      await sleep(milliseconds, undefined, { signal: ending }).catch(() => undefined);
    }
    return undefined;
  }

  /** Begins to read. A run that has not ended may be mirrored up to the position to read from later on. */
  async #scan(log: RemoteLog): Promise<LogScanner<RemoteLog>> {
    const { stopAtTerminal = true, last: _, from: given, ...rest } = this.#options;
    const from = this.#isNew && given === 'end' ? 'start' : given;
    while (typeof from === 'number' && from > log.size() && !log.ended) {
      this.#caughtUp.reached();
      await log.grow();
    }
    const filter = new EventFilter(rest);
    const scanner = await scanRemote(log, filter, { ...this.#options, from, stopAtTerminal });
    this.startsAt(scanner.start);
    return scanner;
  }
}

/** Whether the server has said that there is no such run. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof EventLogError &&
    (error.code === 'ERR_RUN_NOT_FOUND' || error.code === 'ERR_STREAM_NOT_FOUND')
  );
}

/**
 * Follows a run from a NATS server, as `EventLog.tail` does from disk: the same events, options and positions.
 *
 * @param connection - of `@nats-io/transport-node`; it stays yours, and open.
 * @throws EventLogError `ERR_INVALID_RUN_ID` at once, the rest while iterating; see `RemoteTail`.
 * @example
 * for await (const event of tailRemote(connection, runId)) {
 *   console.log(event.type);
 * } // ends after pipe.completed or pipe.aborted
 */
export function tailRemote<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
  connection: NatsConnection,
  runId: string,
  options: RemoteTailOptions<T, V> = {},
): RemoteTail<T, V> {
  return new RemoteTail(connection, runId, options);
}
