/**
 * Replaying a run from its remote copy: what is there when the reading begins, as typed events.
 *
 * Promise: it hands out what a reader of the log would, at the same positions; it needs no file.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventType, OmneEvents } from '../../format/events.js';
import type { TypesOf, Vocabulary } from '../../format/vocabulary.js';
import { checkOptions, type OptionCheck } from '../../options.js';
import { BackwardScanner } from '../../read/backward-scanner.js';
import type { BatchSource } from '../../read/batch-source.js';
import { EventFilter, READ_OPTIONS, type ReadOptions } from '../../read/event-filter.js';
import { EventStream } from '../../read/event-stream.js';
import { checkConnection, isStreamName } from '../options.js';
import { subjectOf } from '../subjects.js';
import { openRemote, scanRemote } from './remote-scanner.js';
import { type AnyScanner, type RemoteReading, remoteSource } from './remote-source.js';

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
    return remoteSource<AnyScanner>(this.#options.signal, async reading => {
      reading.scanner ??= await this.#open(reading);
      return reading.scanner.finished ? undefined : reading.scanner.next();
    });
  }

  async #open(reading: RemoteReading<AnyScanner>): Promise<AnyScanner> {
    const log = await openRemote(this.#connection, this.#runId, this.#options);
    reading.log = log;
    const scanner =
      this.#options.reverse === true
        ? await BackwardScanner.of(log, this.#options)
        : await scanRemote(log, new EventFilter(this.#options), this.#options);
    this.startsAt(scanner.start);
    return scanner;
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
