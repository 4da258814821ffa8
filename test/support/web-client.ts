/** Asking a server of the live page, with raw `node:http`: `fetch` would rewrite what an attacker sends. */
import {
  type ClientRequest,
  get as httpGet,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { onTestFinished } from 'vitest';
import {
  createRunServer,
  type RunServer,
  type RunServerOptions,
  type StreamMessages,
} from '../../src/web.js';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A server without a token that ends with its test. */
export async function serverOf(
  root: string,
  options: RunServerOptions = { token: false },
): Promise<RunServer> {
  const server = await createRunServer(root, options);
  onTestFinished(() => server.close());
  return server;
}

/** Sends one request, its path and headers as they are. */
export function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', path, method, headers, agent: false },
      response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end();
  });
}

/** The JSON of an answer. */
export async function askJson<Json>(port: number, path: string): Promise<Json> {
  const { status, text } = await ask(port, path);
  if (status !== 200) throw new Error(`${status}: ${text}`);
  return JSON.parse(text);
}

/** A message as it came; `data` is what the API says for its name. */
export type Message = {
  [Name in keyof StreamMessages]: {
    readonly name: Name;
    readonly id: string | undefined;
    readonly data: StreamMessages[Name];
  };
}[keyof StreamMessages];

/** A client of a stream. */
export class StreamClient {
  readonly messages: Message[] = [];
  /** The events so far, by their ids. */
  readonly eventIds: string[] = [];
  status = 0;
  ended = false;
  #request: ClientRequest;
  #response: IncomingMessage | undefined;
  #text = '';

  constructor(port: number, path: string, headers: Record<string, string> = {}) {
    this.#request = httpGet({ port, host: '127.0.0.1', path, headers, agent: false }, response => {
      this.#response = response;
      this.status = response.statusCode ?? 0;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => this.#take(chunk));
      response.on('close', () => {
        this.ended = true;
      });
      response.on('error', () => undefined); // the server went
    });
    this.#request.on('error', () => {
      this.ended = true;
    });
    onTestFinished(() => this.close());
  }

  /** What an EventSource would say when it comes back. */
  get lastId(): string {
    return this.messages.findLast(({ id }) => id !== undefined)?.id ?? '';
  }

  /** Stops reading, as a client that is stalled does. */
  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  close(): void {
    this.#request.destroy();
  }

  #take(chunk: string): void {
    this.#text += chunk;
    const blocks = this.#text.split('\n\n');
    this.#text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      );
      const name = fields.get('event');
      if (name === undefined) continue;
      const message = {
        name,
        id: fields.get('id'),
        data: JSON.parse(fields.get('data') ?? 'null'),
      } as Message;
      this.messages.push(message);
      if (message.name === 'event') this.eventIds.push(message.data.event.id);
    }
  }
}
