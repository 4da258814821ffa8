/**
 * The one stream of messages that a tab has.
 *
 * Promises: it is closed while the tab is hidden, since a browser gives an origin six connections for all its tabs; seen
 * again, it goes on after the last message, so nothing is missed and nothing comes twice. What breaks is opened again, after a
 * second at first and after ten at most, until the server has said that nothing more comes.
 */
import { type ReadonlySignal, signal } from '@preact/signals-core';
import type { StreamMessageName, StreamMessages } from '../api.js';
import { streamAddress } from './api-client.js';

export type Connection = 'connecting' | 'live' | 'waiting' | 'ended';

/** What is done with each message. */
export type Handlers = { readonly [Name in StreamMessageName]?: (message: StreamMessages[Name]) => void };

const connection = signal<Connection>('connecting');

/** How the stream of this tab does. */
export const connectionState: ReadonlySignal<Connection> = connection;

const NAMES: readonly StreamMessageName[] = ['runs', 'event', 'state', 'output', 'reset', 'end'];
const LONGEST_PAUSE_MS = 10_000;

/** Messages of the list or of one run. */
export class LiveStream {
  readonly #parameters: Readonly<Record<string, string | undefined>>;
  readonly #handlers: Handlers;
  #source: EventSource | undefined;
  #last: string | undefined;
  #pauseMs = 1000;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** `parameters` as the server takes them; the cursors in them count until the first message came. */
  constructor(parameters: Readonly<Record<string, string | undefined>>, handlers: Handlers) {
    this.#parameters = parameters;
    this.#handlers = handlers;
    document.addEventListener('visibilitychange', this.#onVisibility);
    if (!document.hidden) this.#open();
  }

  close(): void {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#pause();
  }

  #onVisibility = (): void => {
    if (document.hidden) this.#pause();
    else if (this.#source === undefined) this.#open();
  };

  #pause(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    const { after, output, ...rest } = this.#parameters;
    const where = this.#last === undefined ? { ...rest, after, output } : { ...rest, last: this.#last };
    connection.value = 'connecting';
    const source = new EventSource(streamAddress(where));
    this.#source = source;
    source.onopen = () => {
      this.#pauseMs = 1000;
      connection.value = 'live';
    };
    // A browser gives up where the answer is no stream; where the connection broke it tries again itself.
    source.onerror = () => {
      if (this.#source !== source) return;
      connection.value = 'waiting';
      if (source.readyState === EventSource.CLOSED) this.#openLater();
    };
    for (const name of NAMES) this.#listen(source, name);
  }

  #openLater(): void {
    this.#pause();
    this.#timer = setTimeout(() => {
      if (!this.#closed && !document.hidden) this.#open();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  #listen<Name extends StreamMessageName>(source: EventSource, name: Name): void {
    source.addEventListener(name, event => {
      if (this.#source !== source) return;
      if (event.lastEventId !== '') this.#last = event.lastEventId;
      if (name === 'end' || name === 'reset') {
        this.close();
        connection.value = name === 'end' ? 'ended' : 'connecting';
      }
      const message: StreamMessages[Name] = JSON.parse(event.data);
      this.#handlers[name]?.(message);
    });
  }
}
