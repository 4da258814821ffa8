/**
 * The events of a remote run from the last to the first.
 *
 * Promise: messages are read from the end, some at a time, and never held as a whole.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { MalformedLineError } from '../../errors.js';
import { decodeEvent } from '../../format/decode.js';
import type { RunEvent } from '../../format/events.js';
import { EventFilter, type ReadOptions } from '../../read/event-filter.js';
import { DEFAULT_STREAM, positionOf, startOf } from '../message.js';
import { messagesBackward } from './messages-backward.js';
import { boundaryBehind } from './search.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** Which events, and of which stream. */
export interface RemoteReversedOptions
  extends Pick<ReadOptions, 'after' | 'types' | 'nodeId' | 'limit' | 'signal'> {
  stream?: string | undefined;
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
  if (limit === 0) return undefined;
  const all = { first: first.seq, last: last.seq };
  const begin = after === undefined ? all.first : (await boundaryBehind(run, all, after, signal)).sequence;
  let handedOut = 0;
  for await (const message of messagesBackward(run, { ...all, first: begin }, signal)) {
    signal?.throwIfAborted();
    const event = decode(message, run.path);
    if (!filter.matches(event)) continue;
    yield event;
    if (++handedOut >= limit) return undefined;
  }
  return undefined;
}

function decode(message: JsMsg, path: string): RunEvent {
  try {
    return decodeEvent(message.data);
  } catch (error) {
    if (!(error instanceof MalformedLineError)) throw error;
    const offset = positionOf(message.headers) === undefined ? undefined : startOf(message);
    throw new MalformedLineError(error.reason, { path, offset, cause: error.cause });
  }
}
