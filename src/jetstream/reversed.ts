/**
 * The events of a remote run from the last to the first.
 *
 * Promise: messages are read from the end, some at a time, and never held as a whole.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent } from '../codec.js';
import { MalformedLineError } from '../errors.js';
import type { RunEvent } from '../events.js';
import { EventFilter, type ReadOptions } from '../filter.js';
import { DEFAULT_STREAM, positionOf } from './message.js';
import { stepsBackward } from './search.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** Which events, and of which stream. */
export interface RemoteReversedOptions
  extends Pick<ReadOptions, 'after' | 'types' | 'nodeId' | 'limit' | 'signal'> {
  stream?: string;
}

/** Events newest first; throws what `RemoteReader` throws. */
export async function* remoteEventsReversed(
  connection: NatsConnection,
  runId: string,
  options: RemoteReversedOptions,
): AsyncGenerator<RunEvent, undefined> {
  const { after, limit = Number.POSITIVE_INFINITY, signal, stream = DEFAULT_STREAM, ...wanted } = options;
  const filter = new EventFilter(wanted);
  const run = new StoredRun(await remoteOf(connection, stream), runId);
  const [first, last] = await Promise.all([run.next(1), run.last()]);
  if (first === undefined || last === undefined) throw run.notFound();
  let handedOut = 0;
  if (limit === 0) return undefined;
  for await (const messages of stepsBackward(run, first.seq, last.seq)) {
    for (const message of messages.toReversed()) {
      signal?.throwIfAborted();
      const event = decode(message.data, positionOf(message.headers), run.path);
      if (after !== undefined && event.id <= after) return undefined; // ids rise
      if (!filter.matches(event)) continue;
      yield event;
      if (++handedOut >= limit) return undefined;
    }
  }
  return undefined;
}

function decode(data: Uint8Array, end: number | undefined, path: string): RunEvent {
  try {
    return decodeEvent(data);
  } catch (error) {
    if (!(error instanceof MalformedLineError)) throw error;
    const offset = end === undefined ? undefined : Math.max(0, end - data.length - 1);
    throw new MalformedLineError(error.reason, { path, offset, cause: error.cause });
  }
}
