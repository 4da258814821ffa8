/**
 * What the runs that share a connection and a stream must know of each other: who sent last, and how much may be under way.
 *
 * A message is accepted only after the one that it names. The first one of a run names it by its sequence in the stream. The
 * sequence of one that is still under way nobody knows; the next names that by its message id, and the server accepts it only
 * if that is the last of the whole stream. So several can be under way, as long as nobody else sends in between.
 *
 * Promise: who sends in between costs time, never order. The more often it happens, the fewer messages of a run are sent at
 * once, down to one at a time, which always goes through.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { RunStream } from './run-stream.js';

/** Something that has messages under way. */
export interface Sender {
  /** The connection is lost: what became of them is unknown. */
  disconnected(): void;
}

const LARGEST_WINDOW = 256;
const LARGEST_BYTES = 8 * 1024 * 1024;
const SHORTEST_STREAK = 16;
const LONGEST_STREAK = 4096;

const publishers = new WeakMap<NatsConnection, Map<string, Publisher>>();

/** The publisher that all runs share which are shipped over this connection to this stream. */
export function publisherOf(stream: RunStream): Publisher {
  const ofConnection = publishers.get(stream.connection) ?? new Map<string, Publisher>();
  publishers.set(stream.connection, ofConnection);
  const publisher = ofConnection.get(stream.config.name) ?? new Publisher(stream);
  ofConnection.set(stream.config.name, publisher);
  return publisher;
}

/** Knows who sent last, how many messages may be under way, and whether there is a connection. */
export class Publisher {
  readonly #senders = new Set<Sender>();
  readonly #waiting = new Set<() => void>();
  readonly #largest: number;
  #lastSender: Sender | undefined;
  #bytes = 0;
  #window = 1;
  #streak = 0;
  #streakWanted = SHORTEST_STREAK;
  #connected = true;
  #closed = false;
  #reconnections = 0;

  constructor({ connection, config }: RunStream) {
    // The servers of a cluster check a message id each by itself, and one that has just come back may not know it yet.
    this.#largest = config.num_replicas > 1 ? 1 : LARGEST_WINDOW;
    void this.#follow(connection);
    const ended = () => this.#ended();
    connection.closed().then(ended, ended); // the statuses of a connection that is closing need not end
  }

  /** How often the connection came back. */
  get reconnections(): number {
    return this.#reconnections;
  }

  /** Resolves when there is a connection, or none is to be had any more. */
  async connected(): Promise<void> {
    if (!this.#connected) await new Promise<void>(resolve => this.#waiting.add(() => resolve()));
  }

  /** From now on the sender is told of a lost connection; at once when that was closed before. */
  join(sender: Sender): void {
    if (this.#closed) sender.disconnected();
    else this.#senders.add(sender);
  }

  leave(sender: Sender): void {
    this.#senders.delete(sender);
  }

  /** Whether a sender may send one more after so many that are under way. */
  mayFollow(sender: Sender, underWay: number): boolean {
    return this.#lastSender === sender && underWay < this.#window && this.#bytes < LARGEST_BYTES;
  }

  /** Counts a message that is sent. */
  sent(sender: Sender, bytes: number): void {
    this.#lastSender = sender;
    this.#bytes += bytes;
  }

  /** Counts a message that is no longer under way. */
  answered(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** A message was accepted. */
  accepted(): void {
    if (++this.#streak < this.#streakWanted) return;
    this.#streak = 0;
    if (this.#window > 1) this.#streakWanted = Math.max(SHORTEST_STREAK, this.#streakWanted / 2);
    this.#window = Math.min(this.#window * 2, this.#largest);
  }

  /** Somebody else has sent in between. */
  disturbed(): void {
    this.#streak = 0;
    this.#streakWanted = Math.min(LONGEST_STREAK, this.#streakWanted * 2);
    this.#window = Math.max(1, this.#window >> 1);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#disconnected();
      if (type === 'reconnect') this.#reconnected();
    }
  }

  #ended(): void {
    this.#closed = true;
    this.#disconnected();
    this.#reconnected(); // whoever waits finds the connection closed
  }

  #disconnected(): void {
    this.#connected = false;
    for (const sender of [...this.#senders]) sender.disconnected();
  }

  #reconnected(): void {
    this.#connected = true;
    this.#reconnections++;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
