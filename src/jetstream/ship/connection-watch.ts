/**
 * Whether a connection is there, for all who publish over it.
 *
 * Promise: a caller that waits for an answer learns at once that the connection is lost; one that waits for the connection learns that
 * it is back, or closed for good.
 */
import type { NatsConnection } from '@nats-io/transport-node';

const watches = new WeakMap<NatsConnection, ConnectionWatch>();

/** The watch that all share who use this connection. */
export function watchOf(connection: NatsConnection): ConnectionWatch {
  const watch = watches.get(connection) ?? new ConnectionWatch(connection);
  watches.set(connection, watch);
  return watch;
}

/** Follows what becomes of one connection. */
export class ConnectionWatch {
  #lost = new AbortController();
  readonly #waiting = new Set<() => void>();
  #connected = true;
  #reconnections = 0;

  constructor(connection: NatsConnection) {
    void this.#follow(connection);
    const ended = () => this.#ended();
    connection.closed().then(ended, ended); // the statuses of a connection that is closing need not end
  }

  /** How often the connection came back. */
  get reconnections(): number {
    return this.#reconnections;
  }

  /** Aborts when the connection that is there now is lost; what is under way then has an unknown end. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Resolves when there is a connection, or none is to be had any more. */
  async connected(): Promise<void> {
    if (!this.#connected) await new Promise<void>(resolve => this.#waiting.add(resolve));
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#disconnected();
      if (type === 'reconnect') this.#reconnected();
    }
  }

  #disconnected(): void {
    this.#connected = false;
    this.#lost.abort(new Error('the connection was lost'));
  }

  #reconnected(): void {
    this.#reconnections++;
    this.#lost = new AbortController();
    this.#goOn();
  }

  /** It stays lost, and whoever waits finds it closed. */
  #ended(): void {
    this.#disconnected();
    this.#goOn();
  }

  #goOn(): void {
    this.#connected = true;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
