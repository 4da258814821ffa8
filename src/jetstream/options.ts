/** What is asked of the arguments that mirrors and remote readers share: a mistake is a `TypeError`, told before anything is sent. */
import type { NatsConnection } from '@nats-io/transport-node';

/** Rejects what is no connection. */
export function checkConnection(connection: NatsConnection): void {
  const given: unknown = connection;
  const fits = typeof given === 'object' && given !== null && 'isClosed' in given && 'request' in given;
  if (!fits) throw new TypeError('the connection must be one of @nats-io/transport-node');
}

/** Rejects what cannot be the name of a stream. */
export function checkStreamName(stream: string | undefined): void {
  if (stream === undefined) return;
  if (typeof stream !== 'string' || !/^[^\s.*>/\\]+$/.test(stream)) {
    throw new TypeError('the name of a stream is text without spaces, dots, stars, slashes and >');
  }
}

/** Rejects options that must be functions and are not. */
export function checkFunctions<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
): void {
  for (const name of names) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new TypeError(`option ${name} must be a function`);
    }
  }
}
