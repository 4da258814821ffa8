/**
 * The events of a remote run from the last to the first.
 *
 * Promise: segments are read from the end, some at a time, and never held as a whole.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { RunEvent } from '../../format/events.js';
import { eventsBackward, type ReversedOptions } from '../../read/events-backward.js';
import { DEFAULT_STREAM } from '../subjects.js';
import { RemoteLog } from './remote-log.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** Which events, and of which stream. */
export interface RemoteReversedOptions extends ReversedOptions {
  stream?: string | undefined;
}

/** Events newest first; throws what `RemoteReader` throws. */
export async function* remoteEventsReversed(
  connection: NatsConnection,
  runId: string,
  { stream = DEFAULT_STREAM, ...options }: RemoteReversedOptions,
): AsyncGenerator<RunEvent, undefined> {
  const run = new StoredRun(await remoteOf(connection, stream), runId);
  return yield* eventsBackward(await RemoteLog.open(run), options);
}
