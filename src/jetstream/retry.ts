/**
 * What a NATS server or connection says, sorted: what passes by itself, and what does not.
 *
 * Promise: what passes (no answer, no leader, a lost connection) is tried again with growing pauses until the signal aborts;
 * everything else is an `EventLogError` that keeps the cause.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { EventLogError, messageOf } from '../errors.js';
import { onAbort } from '../on-abort.js';
import { startTimer, stopTimer } from '../real-time.js';

/** The server knows the stream not. */
export const STREAM_NOT_FOUND = 10059;

const UNAVAILABLE = 503; // no leader yet, or the server is starting
/** The server has no room for more in its store, or in the whole of what JetStream may take. It says 503 then as well. */
const INSUFFICIENT_RESOURCES = 10023;
const STORE_FAILED = 10077;
/** "This is not the last sequence of the subject", as one and as the other server says it. */
const WRONG_LAST: readonly number[] = [10071, 10164];
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2000;

/** The error for what the server or the connection said. */
export function remoteFailed(what: string, cause: unknown): EventLogError {
  if (cause instanceof EventLogError) return cause;
  if (cause instanceof JetStreamApiError && cause.code === STREAM_NOT_FOUND)
    return new EventLogError('ERR_STREAM_NOT_FOUND', `${what}: the server has no such stream`, { cause });
  return new EventLogError('ERR_REMOTE_FAILED', `${what}: ${messageOf(cause)}`, { cause });
}

/** Whether the same request may succeed later. */
export function passes(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === UNAVAILABLE && !isFull(error);
  if (error instanceof errors.TimeoutError) return true;
  if (error instanceof errors.RequestError) return !(error.cause instanceof errors.PermissionViolationError);
  return hasNoResponders(error);
}

/** Whether there is no room: waiting makes none. A store that is closed is that of a server which is going down. */
function isFull({ code, message }: JetStreamApiError): boolean {
  return code === INSUFFICIENT_RESOURCES || (code === STORE_FAILED && !message.includes('closed'));
}

/** Whether a message was not stored because the last one of its subject is another than it names. */
export function isRefused(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST.includes(error.code);
}

/** Whether nobody takes the request: JetStream is off, the stream is gone, or has no leader for the moment. */
export function hasNoResponders(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof errors.RequestError && cause.isNoResponders();
}

/** Waits before try number `failures` + 1: twice as long after every failure, and at random, so that two do not stay in step. */
export async function pause(failures: number, signal: AbortSignal | undefined): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** Math.min(failures, 10));
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>(resolve => {
    timer = startTimer(resolve, longest * (0.5 + Math.random() / 2));
  });
  await orAborted(over, signal).finally(() => stopTimer(timer));
}

/** Tries again for as long as the failure passes. */
export async function insist<T>(
  what: string,
  attempt: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await orAborted(attempt(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (!passes(error)) throw remoteFailed(what, error);
    }
    await pause(failures, signal);
  }
}

/** The same promise, unless the signal aborts first. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const stopListening = onAbort(signal, abort);
    work.then(resolve, reject).finally(stopListening);
    if (signal.aborted) abort();
  });
}
