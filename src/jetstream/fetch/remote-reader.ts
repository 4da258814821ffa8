/**
 * Replaying a run from its remote copy: what is there when the reading begins, as typed events.
 *
 * Promise: it hands out what a reader of the log would, at the same positions; it needs no file.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventType, OmneEvents } from '../../format/events.js';
import type { TypesOf, Vocabulary } from '../../format/vocabulary.js';
import { onAbort } from '../../on-abort.js';
import { checkOptions, type OptionCheck } from '../../options.js';
import { BackwardScanner } from '../../read/backward-scanner.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from '../../read/event-filter.js';
import { type Batch, type BatchSource, batchSource, EventStream } from '../../read/event-stream.js';
import type { LogScanner } from '../../read/log-scanner.js';
import { checkConnection, isStreamName } from '../options.js';
import { orAborted } from '../retry.js';
import { subjectOf } from '../subjects.js';
import type { RemoteLog } from './remote-log.js';
import { openRemote, scanRemote } from './remote-scanner.js';

/** What to read, and from which stream. */
export interface RemoteReadOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends ReadOptions<T, V> {
  /** The stream that holds the run; `omne-runs` by default. */
  stream?: string | undefined;
}

const REMOTE_READ_OPTIONS: Readonly<Record<keyof RemoteReadOptions, OptionCheck>> = {
  ...READ_OPTIONS,
  stream: isStreamName,
};

/**
 * The events of a run from a NATS server; of the types `T`. Iterate it, or take `batches()` or `toArray()`; once.
 *
 * @throws EventLogError while iterating: `ERR_RUN_NOT_FOUND`, `ERR_STREAM_NOT_FOUND`, `ERR_REMOTE_FAILED`,
 * `ERR_MALFORMED_LINE`, `ERR_LINE_TOO_LONG`, `ERR_LOG_CORRUPT` where a part is missing between others, `ERR_LOG_TRUNCATED`
 * (for `from`, and when the end of the copy is deleted while it is read), `ERR_INVALID_POSITION` (for `from`),
 * `ERR_STREAM_UNSUITABLE` for a stream of an event a message.
 * @example
 * const reader = readRemote(connection, runId, { types: ['node.failed'] });
 * for await (const event of reader) console.log(event.type, reader.position);
 */
export class RemoteReader<
  T extends string = EventType,
  V extends Vocabulary = OmneEvents,
> extends EventStream<T, V> {
  readonly #connection: NatsConnection;
  readonly #runId: string;
  readonly #options: RemoteReadOptions<T, V>;

  /** Called by `readRemote`. */
  constructor(connection: NatsConnection, runId: string, options: RemoteReadOptions<T, V> = {}) {
    checkConnection(connection);
    checkOptions(options, REMOTE_READ_OPTIONS);
    subjectOf(runId); // throws for a bad run id, as a reader of the file does
    super(options.from ?? 0, options.signal);
    this.#connection = connection;
    this.#runId = runId;
    this.#options = { ...options };
  }

  /** Unterminated bytes at the end: always 0, only whole lines are mirrored. */
  get tornBytes(): number {
    return 0;
  }

  /** The batches of the copy, from the start chosen to what was its end when the reading began. */
  protected override source(): BatchSource {
    const { signal } = this.#options;
    let log: RemoteLog | undefined;
    let scanner: LogScanner<RemoteLog> | BackwardScanner<RemoteLog> | undefined;
    let closed = false;
    const end = () => {
      closed = true;
      void log?.close(); // wakes a `next` that waits
    };
    const stopListening = signal && onAbort(signal, end);
    const open = async (): Promise<LogScanner<RemoteLog> | BackwardScanner<RemoteLog>> => {
      log = await openRemote(this.#connection, this.#runId, this.#options);
      if (this.#options.reverse === true) return BackwardScanner.of(log, this.#options);
      return scanRemote(log, new EventFilter(this.#options), this.#options);
    };
    const next = async (): Promise<Batch | undefined> => {
      signal?.throwIfAborted();
      if (scanner === undefined) {
        scanner = await orAborted(open(), signal);
        this.startsAt(scanner.start);
      }
      if (scanner.finished) return undefined;
      const batch = await orAborted(scanner.next(), signal);
      signal?.throwIfAborted();
      return batch;
    };
    const read = async (): Promise<Batch | undefined> => {
      try {
        return await next();
      } catch (error) {
        signal?.throwIfAborted();
        if (closed) return undefined;
        throw error;
      }
    };
    const release = async () => {
      stopListening?.();
      await log?.close();
      await scanner?.close();
    };
    return batchSource(read, release, end);
  }
}

/**
 * Replays a run from a NATS server, as `EventLog.read` does from disk: the same events, options and positions.
 *
 * @param connection - of `@nats-io/transport-node`; it stays yours, and open.
 * @throws EventLogError `ERR_INVALID_RUN_ID` at once, the rest while iterating; see `RemoteReader`.
 * @example
 * const events = await readRemote(connection, runId, { types: ['node.failed'] }).toArray();
 */
export function readRemote<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
  connection: NatsConnection,
  runId: string,
  options: RemoteReadOptions<T, V> = {},
): RemoteReader<T, V> {
  return new RemoteReader(connection, runId, options);
}
