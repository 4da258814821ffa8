/** What the arguments that mirrors and remote readers share must be: a mistake is a `TypeError` before anything is sent. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { OptionCheck } from '../options.js';

/** Rejects what is no connection. */
export function checkConnection(connection: NatsConnection): void {
  const wanted = isConnection(connection);
  if (wanted !== undefined) throw new TypeError(`the connection must be ${wanted}`);
}

/** A connection to a NATS server. */
export const isConnection: OptionCheck = given =>
  typeof given === 'object' && given !== null && 'isClosed' in given && 'request' in given
    ? undefined
    : 'one of @nats-io/transport-node';

/** The name of a stream. */
export const isStreamName: OptionCheck = name =>
  typeof name === 'string' && /^[^\s.*>/\\]+$/.test(name)
    ? undefined
    : 'the name of a stream: text without spaces, dots, stars, slashes and >';
