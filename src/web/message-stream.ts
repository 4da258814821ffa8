/**
 * Server-sent events to one client.
 *
 * Promises: nothing is queued beyond what the socket holds: whoever sends waits until the client has taken it, and a client that takes nothing
 * for a while is dropped. A comment comes every 15 seconds, so that no proxy takes silence for death.
 */
import type { ServerResponse } from 'node:http';
import { onAbort } from '../on-abort.js';
import { startInterval, stopInterval } from '../real-time.js';
import type { StreamMessageName, StreamMessages } from './api.js';
import { drained } from './writing.js';

const HEARTBEAT_MS = 15_000;
const PATIENCE_MS = 30_000;
const RETRY_MS = 1000;

/** A stream of messages. */
export class MessageStream {
  /** Aborted when the client is gone, or the server closes. */
  readonly gone: AbortSignal;
  readonly #response: ServerResponse;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(response: ServerResponse, closing: AbortSignal) {
    this.#response = response;
    const gone = new AbortController();
    this.gone = gone.signal;
    const end = () => response.destroy();
    const stay = onAbort(closing, end);
    response.on('close', () => {
      stopInterval(this.#heartbeat);
      stay();
      gone.abort();
    });
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no', // nginx would hold messages back
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#heartbeat = startInterval(() => {
      if (!response.writableNeedDrain) response.write(': alive\n\n');
    }, HEARTBEAT_MS);
  }

  /** Sends a message; resolves when the client has room for the next: whether it is still there. */
  send<Name extends StreamMessageName>(
    name: Name,
    data: StreamMessages[Name],
    id?: string,
  ): Promise<boolean> {
    const head = id === undefined ? '' : `id: ${id}\n`;
    this.#response.write(`${head}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    return drained(this.#response, PATIENCE_MS);
  }

  end(): void {
    this.#response.end();
  }
}
