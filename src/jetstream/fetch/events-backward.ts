/**
 * The events of a remote run from the last to the first.
 *
 * Promise: segments are read from the end, some at a time, and never held as a whole.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventType, OmneEvents } from '../../format/events.js';
import type { DefinitionOf, EventIn, TypesOf, Vocabulary } from '../../format/vocabulary.js';
import { eventsBackward, type ReversedOptions } from '../../read/events-backward.js';
import { DEFAULT_STREAM } from '../subjects.js';
import { RemoteLog } from './remote-log.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** Which events, and of which stream. */
export type RemoteReversedOptions<
  T extends string = EventType,
  V extends Vocabulary = OmneEvents,
> = ReversedOptions<T, V> & { readonly stream?: string | undefined };

/** Events newest first; throws what `RemoteReader` throws. */
export async function* remoteEventsReversed<
  V extends Vocabulary = OmneEvents,
  T extends TypesOf<V> = TypesOf<V>,
>(
  connection: NatsConnection,
  runId: string,
  { stream = DEFAULT_STREAM, ...options }: RemoteReversedOptions<T, V>,
): AsyncGenerator<EventIn<DefinitionOf<V>, T>, undefined> {
  const run = new StoredRun(await remoteOf(connection, stream), runId);
  return yield* eventsBackward<V, T>(await RemoteLog.open(run), options);
}
