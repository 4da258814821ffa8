/**
 * The segments of one run from a sequence on, in order, as long as somebody asks for them.
 *
 * Promises: none is left out: the numbers the server gives its deliveries are checked, and whenever one is missing, the
 * consumer is gone or a connection came back, a new consumer goes on after the last one received. Some come again where the
 * server has lost the last ones; positions tell. At most two windows are held, however slow the reader. `close` removes the
 * consumer; one whose reader died is removed by the server after a minute.
 *
 * The ordered consumer of the client is not used: while its reader is busy it asks again at every heartbeat it misses, and
 * all it asked for comes at once in the end.
 */
import type { Consumer } from '@nats-io/jetstream';
import { PermissionViolationError } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import { orAborted, passes, pause } from '../retry.js';
import type { Segment } from '../segment.js';
import { addConsumer, removeConsumer } from './segment-consumer.js';
import { remoteError, type StoredRun } from './stored-run.js';

const WINDOW_BYTES = 2 * 1024 * 1024;
const MOST_MESSAGES = 500;
/** How long the server keeps a request for messages; an empty answer then lets the reader look around. */
const EXPIRES_MS = 10_000;
/** Two of these without a word, and the consumer is taken for gone. */
const HEARTBEAT_MS = 1000;
const MUTE_CONSUMERS = 3;

/** Reads one subject forwards. */
export class OrderedSegments {
  readonly #run: StoredRun;
  readonly #ending = new AbortController();
  #sequence: number; // of the next one wanted, at the least
  #last: Segment | undefined;
  #consumer: Consumer | undefined;
  #delivered = 0; // the last number the server gave to a delivery of this consumer
  #pump: Promise<void> | undefined;
  #stopPump: (() => void) | undefined;
  #failures = 0; // since something came
  #mute = 0; // consumers in a row that are there and say nothing
  #denied: unknown; // why there is no use in trying again
  #queue: Segment[] = [];
  #window = 16;
  #quiet = false; // a request ended without a message
  #news: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(run: StoredRun, sequence: number) {
    this.#run = run;
    this.#sequence = sequence;
  }

  /**
   * The next segments, as they come; none where there was none for a while; undefined once closed. Not to be called again
   * before it has answered.
   */
  async next(): Promise<Segment[] | undefined> {
    while (!this.#ending.signal.aborted) {
      if (this.#queue.length > 0) {
        const segments = this.#queue;
        this.#queue = [];
        if (this.#consumer !== undefined && this.#denied === undefined) this.#ask(this.#consumer); // travels while these are looked at
        return segments;
      }
      if (this.#quiet) {
        this.#quiet = false;
        return [];
      }
      if (this.#denied !== undefined) throw remoteError(this.#denied, this.#run.remote);
      this.#consumer ??= await this.#orClosed(this.#open());
      if (this.#consumer === undefined) continue;
      this.#ask(this.#consumer);
      await new Promise<void>(resolve => {
        this.#news = resolve;
      });
    }
    return undefined;
  }

  /** Ends a `next` that waits, and removes the consumer from the server; may be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#ending.abort();
    this.#stopPump?.();
    this.#news?.();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer !== undefined) await removeConsumer(this.#run, consumer);
  }

  /** Does not wait for a server that says nothing longer than somebody wants to know. */
  async #orClosed<T>(work: Promise<T>): Promise<T | undefined> {
    const { signal } = this.#ending;
    return orAborted(work, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
  }

  /** Has a window of messages sent, unless one is under way. */
  #ask(consumer: Consumer): void {
    this.#pump ??= this.#receive(consumer)
      .catch(async (error: unknown) => {
        if (error instanceof PermissionViolationError || error instanceof EventLogError) this.#denied = error;
        else if (await this.#isMute(consumer)) this.#denied = mute(this.#run.remote.stream, error);
        this.#abandon(consumer);
      })
      .finally(() => {
        this.#pump = undefined;
        this.#stopPump = undefined;
        this.#news?.();
      });
  }

  async #receive(consumer: Consumer): Promise<void> {
    const messages = await consumer.fetch({
      max_messages: this.#window,
      expires: EXPIRES_MS,
      idle_heartbeat: HEARTBEAT_MS,
    });
    this.#stopPump = () => void messages.close();
    if (this.#ending.signal.aborted) return this.#stopPump();
    let received = 0;
    let bytes = 0;
    for await (const message of messages) {
      const { deliverySequence, streamSequence } = message.info;
      if (deliverySequence !== this.#delivered + 1) return this.#abandon(consumer); // something was lost on the way
      this.#delivered = deliverySequence;
      this.#sequence = streamSequence + 1;
      this.#failures = this.#mute = 0;
      this.#last = this.#run.segmentOf(message);
      this.#queue.push(this.#last);
      received++;
      bytes += message.data.length;
      this.#news?.();
      if (bytes <= 2 * WINDOW_BYTES) continue;
      this.#window = windowFor(bytes / received);
      return this.#abandon(consumer); // larger ones than before: what else was sent is let go
    }
    if (this.#run.remote.connection.isClosed()) throw new Error('the connection is closed');
    this.#failures = this.#mute = 0;
    if (received > 0) this.#window = windowFor(bytes / received);
    else this.#quiet = true;
  }

  /** Whether it is there and says nothing, time and again: then asking it for messages is not permitted. */
  async #isMute(consumer: Consumer): Promise<boolean> {
    if (this.#ending.signal.aborted) return false;
    const there = await consumer.info().catch(() => undefined);
    return there !== undefined && ++this.#mute >= MUTE_CONSUMERS;
  }

  #abandon(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#failures++;
    this.#consumer = undefined;
    void removeConsumer(this.#run, consumer);
  }

  /** A consumer from the wanted sequence on; tries until there is one, the connection is closed, or we are. */
  async #open(): Promise<Consumer | undefined> {
    const { remote } = this.#run;
    for (let attempt = 0; ; attempt++) {
      const failures = attempt + this.#failures;
      const { signal } = this.#ending;
      if (failures > 1) await pause(failures, signal).catch(() => undefined);
      if (signal.aborted) return undefined;
      try {
        await this.#checkLast();
        const consumer = await addConsumer(this.#run, this.#sequence);
        this.#delivered = 0;
        if (!this.#ending.signal.aborted) return consumer;
        await removeConsumer(this.#run, consumer); // closed in the meantime
        return undefined;
      } catch (cause) {
        const error = remoteError(cause, remote);
        if (!passes(error.cause) || remote.connection.isClosed()) throw error;
      }
    }
  }

  /** A server that lost its power may have forgotten what it had sent, and given its sequences to others: then all is read again. */
  async #checkLast(): Promise<void> {
    const last = this.#last;
    if (last === undefined) return;
    const found = await this.#run.next(last.sequence);
    if (found !== undefined && found.start <= last.end && last.end <= found.end) return;
    this.#last = undefined;
    this.#queue = [];
    this.#sequence = 1;
  }
}

function mute(stream: string, cause: unknown): EventLogError {
  const what = `stream ${stream}: its consumers are there, but send nothing: may they be asked ($JS.API.CONSUMER.MSG.NEXT)?`;
  return new EventLogError('ERR_REMOTE_FAILED', what, { cause });
}

/** So many messages of a size that a window of them is of a bounded size itself. */
function windowFor(meanBytes: number): number {
  const wanted = Math.floor(WINDOW_BYTES / Math.max(1, meanBytes));
  return Math.min(MOST_MESSAGES, Math.max(1, wanted));
}
