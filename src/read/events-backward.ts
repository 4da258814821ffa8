/**
 * The events of a run from the last to the first.
 *
 * Promise: the log is read from its end, a block at a time; memory stays within a block and the longest line. Bytes after
 * the last newline are no event, as for every reader.
 */
import { type ErrorFacts, MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import type { EventType, OmneEvents } from '../format/events.js';
import { endOfLastLine, linesBackward } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { DefinitionOf, EventIn, TypesOf, Vocabulary } from '../format/vocabulary.js';
import { placesOf } from '../volume/places.js';
import { openForReading } from '../volume/readable-log.js';
import { EventFilter, type ReadOptions } from './event-filter.js';
import type { LogSource } from './log-source.js';
import { findStart } from './start-position.js';

/** Which events: those after `after`, of these types and this node, at most `limit` of them. */
export type ReversedOptions<T extends string = EventType, V extends Vocabulary = OmneEvents> = Pick<
  ReadOptions<T, V>,
  'events' | 'after' | 'types' | 'nodeId' | 'limit' | 'signal'
>;

const ALL = Number.MAX_SAFE_INTEGER;

/** Events of a log newest first; throws what `EventReader` throws. */
export async function* eventsReversed<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
  root: string,
  runId: string,
  options: ReversedOptions<T, V>,
): AsyncGenerator<EventIn<DefinitionOf<V>, T>, undefined> {
  return yield* eventsBackward(await openForReading(placesOf(root, runId)), options);
}

/** The same for any source, which is closed at the end. */
export async function* eventsBackward<V extends Vocabulary = OmneEvents, T extends TypesOf<V> = TypesOf<V>>(
  log: LogSource,
  options: ReversedOptions<T, V>,
): AsyncGenerator<EventIn<DefinitionOf<V>, T>, undefined> {
  const { after, limit = Number.POSITIVE_INFINITY, signal, ...wanted } = options;
  const { events } = wanted;
  const filter = new EventFilter(wanted);
  try {
    let handedOut = 0;
    const { path, begin: start } = log;
    const end = await endOfLastLine(log.read, start, log.size());
    let first: number | undefined; // where the events to hand out begin, once that had to be looked for
    for await (const { bytes, offset } of linesBackward(log.read, end, { start, path })) {
      signal?.throwIfAborted();
      if (handedOut >= limit) break;
      const event = decode(bytes, { offset, path }, events);
      if (event.id === after) break;
      // A lesser id is before the one meant, or ids do not rise here and that one is further on.
      if (after !== undefined && event.id < after)
        first ??= await findStart(log, filter, { events, after, last: ALL });
      if (first !== undefined && offset < first) break;
      if (!filter.matches(event)) continue;
      handedOut++;
      yield event as EventIn<DefinitionOf<V>, T>; // the filter let nothing else through
    }
  } finally {
    await log.close();
  }
  return undefined;
}

function decode(bytes: Buffer, facts: ErrorFacts, vocabulary: Vocabulary | undefined): LogEvent {
  try {
    return decodeLine(bytes, vocabulary);
  } catch (error) {
    if (!(error instanceof MalformedLineError)) throw error;
    throw new MalformedLineError(error.reason, { ...facts, kind: error.kind, cause: error.cause });
  }
}
