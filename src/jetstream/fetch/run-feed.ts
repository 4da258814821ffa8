/**
 * The batches of one remote run, from a start to its end: what a replay and a tail share.
 *
 * Promise: closing it ends a `next` that waits and removes the consumer from the server.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import type { EventFilter, ReadOptions } from '../../read/event-filter.js';
import type { Batch } from '../../read/event-stream.js';
import { DEFAULT_STREAM } from '../message.js';
import { MessageScanner } from './message-scanner.js';
import { OrderedMessages } from './ordered-messages.js';
import { findRemoteStart, type RemoteStart, type RemoteStartOptions } from './start-place.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** What to read, and how far. */
export interface FeedOptions extends RemoteStartOptions, Pick<ReadOptions, 'limit'> {
  readonly stream?: string | undefined;
  /** Go on after the last message there is. */
  readonly follow: boolean;
  /** End after a terminal event. */
  readonly stopAtTerminal: boolean;
}

/** Reads one run forwards. */
export class RunFeed {
  readonly start: RemoteStart;
  readonly #run: StoredRun;
  readonly #messages: OrderedMessages;
  readonly #scanner: MessageScanner;
  readonly #follow: boolean;
  #taken: number; // the sequence up to which messages were taken
  #finished: boolean;

  private constructor(run: StoredRun, start: RemoteStart, filter: EventFilter, options: FeedOptions) {
    const { follow, stopAtTerminal, maxLineBytes, onMalformed } = options;
    this.#run = run;
    this.start = start;
    this.#follow = follow;
    this.#taken = start.sequence - 1;
    this.#finished = follow ? stopAtTerminal && start.ended : start.sequence > start.lastSequence;
    this.#messages = new OrderedMessages(run, start.sequence, () => this.#rewound());
    this.#scanner = new MessageScanner(run, filter, {
      position: start.position,
      stopAtTerminal,
      ...(follow ? {} : { lastSequence: start.lastSequence }),
      ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
      ...(onMalformed === undefined ? {} : { onMalformed }),
    });
  }

  /** Finds the start; `filter` has the memory of an earlier try, or is new. */
  static async open(
    connection: NatsConnection,
    runId: string,
    filter: EventFilter,
    options: FeedOptions,
  ): Promise<RunFeed> {
    const remote = await remoteOf(connection, options.stream ?? DEFAULT_STREAM);
    const run = new StoredRun(remote, runId);
    return new RunFeed(run, await findRemoteStart(run, filter, options), filter, options);
  }

  /** The last message there was at the start was looked at. */
  get caughtUp(): boolean {
    return this.#scanner.empty && this.#taken >= this.start.lastSequence;
  }

  /** The next events, perhaps none; undefined at the end, or once closed. */
  async next(): Promise<Batch | undefined> {
    if (this.#finished || this.#scanner.finished) return undefined;
    if (this.#scanner.empty) {
      const messages = await this.#messages.next();
      if (messages === undefined) return undefined;
      const last = messages.at(-1);
      if (last === undefined) await this.#lookAround();
      else this.#taken = last.seq;
      this.#scanner.take(messages);
    }
    return this.#scanner.next();
  }

  close(): Promise<void> {
    return this.#messages.close();
  }

  /** Nothing came for a while: what a replay waits for may be gone. */
  async #lookAround(): Promise<void> {
    const last = this.#follow ? undefined : await this.#run.last();
    if (this.#follow || (last !== undefined && last.seq >= this.start.lastSequence)) return;
    throw this.#cutShort();
  }

  /** A tail goes on when all is mirrored again; a replay no longer knows where its end is. */
  #rewound(): void {
    if (!this.#follow) throw this.#cutShort();
    this.#scanner.rewind();
  }

  #cutShort(): EventLogError {
    const facts = { path: this.#run.path, offset: this.#scanner.position };
    return new EventLogError('ERR_LOG_TRUNCATED', 'the remote copy was cut while it was read', facts);
  }
}
