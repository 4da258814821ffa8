/**
 * The server of the live page: Node's own http, for one machine and the people who use it.
 *
 * Promises: every request passes the guard first. It listens on the loopback interface unless told otherwise. Closing ends every open
 * answer at once. Connections that are slow to ask, and streams beyond a number, are turned away.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { systemError } from '../errors.js';
import { checkOptions, either, integerFrom, isText, type OptionCheck } from '../options.js';
import { loadPage } from './page-files.js';
import { Routes, sendError } from './routes.js';
import { Guard, newToken } from './safety.js';
import { type RunServerSource, volumeRuns } from './source.js';

/** How a server is reached, and by whom. */
export interface RunServerOptions {
  /** The port to listen on; 0, the default, is any that is free. */
  port?: number | undefined;
  /** The address to listen on; `127.0.0.1` by default: only this machine. */
  host?: string | undefined;
  /** Names, or names with ports, by which the server may be asked for besides those of the loopback and `host`; none by default. */
  allowHosts?: readonly string[] | undefined;
  /** What a client must know; a new one, part of `url`, by default. With false anybody who reaches the server may read everything. */
  token?: string | false | undefined;
  /** The most streams open at a time, a number of connections; 1000 by default. Further ones are answered with 503. */
  maxStreams?: number | undefined;
}

const isToken: OptionCheck = value =>
  typeof value === 'string' && /^[\w-]{8,200}$/.test(value)
    ? undefined
    : 'a text of 8 to 200 letters, digits, underscores and dashes';
const isFalse: OptionCheck = value => (value === false ? undefined : 'false');
const isPort: OptionCheck = value =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535
    ? undefined
    : 'a port';
const areTexts: OptionCheck = value =>
  Array.isArray(value) && value.every(item => typeof item === 'string') ? undefined : 'an array of names';

const RUN_SERVER_OPTIONS: Readonly<Record<keyof RunServerOptions, OptionCheck>> = {
  port: isPort,
  host: isText,
  allowHosts: areTexts,
  token: either(isToken, isFalse),
  maxStreams: integerFrom(1),
};

const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 15_000;
const CHECK_INTERVAL_MS = 1000;
/** Connections beyond the streams, for everything else. */
const SPARE_CONNECTIONS = 1000;

/**
 * A server that runs. Close it, or let `await using` do so.
 *
 * @example
 * await using server = await createRunServer('.');
 * console.log(server.url);
 */
export class RunServer implements AsyncDisposable {
  /** The address to open in a browser, the token in it. */
  readonly url: string;
  /** The port it listens on. */
  readonly port: number;
  readonly #server: Server;
  readonly #closing: AbortController;
  #closed: Promise<void> | undefined;

  /** Called by `createRunServer`. */
  constructor(server: Server, closing: AbortController, url: string, port: number) {
    this.#server = server;
    this.#closing = closing;
    this.url = url;
    this.port = port;
  }

  /**
   * Ends every answer that is under way, and resolves when the port is free. May be called more than once.
   *
   * @example
   * process.once('SIGINT', () => server.close());
   */
  close(): Promise<void> {
    this.#closed ??= new Promise(resolve => {
      this.#closing.abort();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    return this.#closed;
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Serves the live page, its JSON API and its streams; see `src/web/README.md`.
 *
 * @param source - the root of a volume, or a source: `volumeRuns`, `mirroredRuns`.
 * @throws EventLogError `ERR_SYSTEM` when the port cannot be had.
 * @example
 * const server = await createRunServer('.', { port: 8080 });
 * console.log(`watch it at ${server.url}`);
 */
export async function createRunServer(
  source: string | RunServerSource,
  options: RunServerOptions = {},
): Promise<RunServer> {
  checkOptions(options, RUN_SERVER_OPTIONS);
  const { port: wanted = 0, host = '127.0.0.1', allowHosts = [], maxStreams = 1000 } = options;
  const token = options.token === false ? undefined : (options.token ?? newToken());
  const page = await loadPage();
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: 16 * 1024,
  });
  server.maxConnections = maxStreams + SPARE_CONNECTIONS;
  const port = await listen(server, wanted, host);
  const closing = new AbortController();
  const guard = new Guard(port, [inAddress(host), ...allowHosts], token);
  const routes = new Routes(
    typeof source === 'string' ? volumeRuns(source) : source,
    page,
    maxStreams,
    closing.signal,
  );
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void handle(request, response, guard, routes);
  });
  const origin = `http://${isAny(host) ? 'localhost' : inAddress(host)}:${port}`;
  return new RunServer(
    server,
    closing,
    token === undefined ? `${origin}/` : `${origin}/?token=${token}`,
    port,
  );
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  guard: Guard,
  routes: Routes,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.on('error', () => undefined); // the client is gone, which is its right
  try {
    guard.admit(request, response);
    const url = new URL(`http://localhost${request.url?.startsWith('/') === true ? request.url : '/'}`);
    if (!guard.logIn(request, url, response))
      await routes.answer({ request, response, url, gone: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) sendError({ request, response }, error);
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(systemError(`no server at ${host}:${port}`, '', error)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** An address as it is written in a URL. */
function inAddress(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
