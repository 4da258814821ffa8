/**
 * The connection to a NATS server that the options of a command describe.
 *
 * Promises: no secret leaves this file but to the client: it is taken out of the URL before the client sees the servers, so
 * that no message can hold it. The clients are loaded only here, and only for a command that asks for a server.
 */
import { readFileSync } from 'node:fs';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { EventLogError, messageOf, systemError } from '../errors.js';
import { isNotInstalled } from '../packages.js';
import { UsageError } from './command.js';

/** The options of every command that can read from, or ship to, a server. */
export const NATS_OPTIONS = {
  nats: {
    type: 'string',
    value: 'URL',
    help: 'A NATS server, nats://[USER:PASSWORD@]HOST[:PORT] or tls://...; several with commas.',
  },
  creds: { type: 'string', value: 'FILE', help: 'A NATS credentials file.' },
  stream: { type: 'string', value: 'NAME', help: 'The stream on the server; omne-runs by default.' },
} as const;

/** What the help says of logging in. */
export const LOGIN_HELP: string = [
  'What should not be in a command line may be in the environment: NATS_USER and NATS_PASSWORD,',
  'NATS_TOKEN, or in NATS_CREDS the path of a credentials file.',
].join('\n');

/** What the help says of reading from a server. */
export const NATS_HELP: string = [
  'With --nats, runs are read from their copies on a NATS server; --creds and --stream go with it.',
  LOGIN_HELP,
].join('\n');

/** The values of `NATS_OPTIONS` as they were given. */
export interface NatsValues {
  readonly nats?: string | undefined;
  readonly creds?: string | undefined;
  readonly stream?: string | undefined;
}

const CONNECT_TIMEOUT_MS = 5000;
const DEFAULT_PORT = '4222';
const PROTOCOLS: readonly string[] = ['nats:', 'tls:'];
const NOT_INSTALLED =
  'the NATS clients are not installed: npm install @nats-io/transport-node @nats-io/jetstream';

/** The public names of `omne-event-log/jetstream`, loaded when they are needed. */
export async function loadJetStream(): Promise<typeof import('../jetstream.js')> {
  return import('../jetstream.js').catch(notInstalled);
}

/** Connects, or says why not. The caller closes the connection. */
export async function connectTo(url: string, creds: string | undefined): Promise<NatsConnection> {
  const options = await connectionOptions(url, creds);
  const { connect } = await import('@nats-io/transport-node').catch(notInstalled);
  try {
    return await connect(options);
  } catch (cause) {
    const servers = [options.servers].flat().join(', ');
    throw new EventLogError('ERR_REMOTE_FAILED', `no connection to ${servers}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function connectionOptions(url: string, creds: string | undefined): Promise<NodeConnectionOptions> {
  const servers = url.split(',').map(parseServer);
  const login = servers.map(server => server.login).find(([user]) => user !== '');
  return {
    name: 'omne-log',
    servers: servers.map(({ host }) => host),
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1, // who follows a run waits for the server
    noAsyncTraces: true, // else the client makes a stack trace for each request
    ...(servers.some(({ tls }) => tls) ? { tls: {} } : {}),
    ...(await loginOptions(login, creds)),
  };
}

interface Server {
  readonly host: string;
  readonly tls: boolean;
  readonly login: readonly [user: string, password: string];
}

/** What is wrong with a URL is not said by repeating it. */
function parseServer(text: string): Server {
  try {
    const url = new URL(text.includes('://') ? text : `nats://${text}`);
    const { protocol, hostname, port, username, password, pathname } = url;
    if (!PROTOCOLS.includes(protocol) || hostname === '' || pathname.length > 1)
      throw new TypeError('no server');
    return {
      host: `${hostname}:${port || DEFAULT_PORT}`,
      tls: protocol === 'tls:',
      login: [decodeURIComponent(username), decodeURIComponent(password)],
    };
  } catch {
    throw new UsageError('--nats takes a URL such as nats://127.0.0.1:4222 or tls://nats.example.org');
  }
}

/** What the command line says goes before what the environment says. */
async function loginOptions(
  login: readonly [user: string, password: string] | undefined,
  creds: string | undefined,
): Promise<NodeConnectionOptions> {
  const { NATS_CREDS, NATS_USER, NATS_PASSWORD, NATS_TOKEN } = process.env;
  if (creds !== undefined) return credentials('--creds', creds);
  if (login !== undefined) {
    const [user, pass] = login;
    return pass === '' ? { token: user } : { user, pass };
  }
  if (NATS_CREDS) return credentials('NATS_CREDS', NATS_CREDS);
  if (NATS_USER) return { user: NATS_USER, pass: NATS_PASSWORD ?? '' };
  return NATS_TOKEN ? { token: NATS_TOKEN } : {};
}

/** `option` is what named the file: the reader of an error must know what to repair. */
async function credentials(option: string, path: string): Promise<NodeConnectionOptions> {
  const { credsAuthenticator } = await import('@nats-io/transport-node').catch(notInstalled);
  return { authenticator: credsAuthenticator(contentOf(option, path)) };
}

function contentOf(option: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw systemError(`the credentials of ${option} could not be read`, path, error);
  }
}

function notInstalled(error: unknown): never {
  throw isNotInstalled(error) ? new Error(NOT_INSTALLED) : error;
}
