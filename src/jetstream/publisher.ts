/**
 * What the runs that share a connection and a stream know together: which sequence the next message will have.
 *
 * A message is accepted only behind the one it names, and it names it by the sequence in the stream. For one that is still
 * under way that sequence is a guess: messages of a connection reach the server in order, so while nobody else publishes
 * into the stream counting gives it. Where the guess is wrong the server refuses the message and all of its run behind it.
 *
 * Promises: a wrong guess costs time, never order. The count is right again once what was under way has been answered, and
 * the more guesses fail, the fewer are made, down to one message under way for each run, which takes no guess.
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
/**
 * Where the server forgets message ids sooner, nothing is guessed. A guess may by chance name a message of another mirror of
 * the same run; then only the message id keeps an event from being repeated.
 */
const SHORTEST_MEMORY_NANOS = 10e9;

const publishers = new WeakMap<NatsConnection, Map<string, Publisher>>();

/** The publisher that all runs share which are shipped over this connection to this stream. */
export function publisherOf(stream: RunStream): Publisher {
  const ofConnection = publishers.get(stream.connection) ?? new Map<string, Publisher>();
  publishers.set(stream.connection, ofConnection);
  const publisher = ofConnection.get(stream.config.name) ?? new Publisher(stream);
  ofConnection.set(stream.config.name, publisher);
  return publisher;
}

/** Counts sequences, and says how many messages a run may have under way. */
export class Publisher {
  readonly stream: RunStream;
  readonly #senders = new Set<Sender>();
  readonly #largest: number;
  #next: number | undefined;
  #underWay = 0;
  #bytes = 0;
  #window = 1;
  #streak = 0;
  #streakWanted = SHORTEST_STREAK;
  #connected = true;
  #reconnections = 0;
  readonly #waiting = new Set<() => void>();

  constructor(stream: RunStream) {
    this.stream = stream;
    this.#largest = stream.config.duplicate_window < SHORTEST_MEMORY_NANOS ? 1 : LARGEST_WINDOW;
    void this.#follow(stream.connection);
  }

  /** How often the connection came back; a server may have lost what it had not yet brought to its disk. */
  get reconnections(): number {
    return this.#reconnections;
  }

  /** Resolves when there is a connection, or none is to be had any more. */
  async connected(): Promise<void> {
    if (!this.#connected) await new Promise<void>(resolve => this.#waiting.add(resolve));
  }

  join(sender: Sender): void {
    this.#senders.add(sender);
  }

  leave(sender: Sender): void {
    this.#senders.delete(sender);
  }

  /** Whether a run with so many messages under way may send one more. */
  hasRoom(underWay: number): boolean {
    return underWay < Math.min(this.#window, this.#largest) && this.#bytes < LARGEST_BYTES;
  }

  /** Counts a message that is about to be sent; the sequence it will have, if that can be told. */
  sending(bytes: number): number | undefined {
    this.#underWay++;
    this.#bytes += bytes;
    const sequence = this.#next;
    if (sequence !== undefined) this.#next = sequence + 1;
    return sequence;
  }

  /** A message was accepted as `sequence`: all that are under way were sent behind it. */
  accepted(sequence: number, bytes: number): void {
    this.#underWay--;
    this.#bytes -= bytes;
    this.#next = sequence + 1 + this.#underWay;
    if (++this.#streak < this.#streakWanted) return;
    this.#streak = 0;
    if (this.#window > 1) this.#streakWanted = Math.max(SHORTEST_STREAK, this.#streakWanted / 2);
    this.#window = Math.min(this.#window * 2, LARGEST_WINDOW);
  }

  /** So many messages that are under way will take no sequence. */
  doomed(messages: number, bytes: number): void {
    this.#underWay -= messages;
    this.#bytes -= bytes;
    if (this.#next !== undefined) this.#next -= messages;
  }

  /** A guess was wrong. */
  misjudged(underWay: number): void {
    this.#streak = 0;
    this.#streakWanted = Math.min(LONGEST_STREAK, this.#streakWanted * 2);
    this.#window = Math.max(1, Math.min(this.#window, underWay) >> 1);
  }

  /** What was stored of the messages under way is unknown. */
  lostCount(): void {
    this.#next = undefined;
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#disconnected();
      if (type === 'reconnect') this.#reconnected();
    }
    this.#disconnected();
    this.#reconnected(); // whoever waits finds the connection closed
  }

  #disconnected(): void {
    this.#connected = false;
    this.lostCount();
    for (const sender of [...this.#senders]) sender.disconnected();
  }

  #reconnected(): void {
    this.#connected = true;
    this.#reconnections++;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
