/**
 * Where the copy of a run stands: its last message on the server, held against the log.
 *
 * Promise: shipping goes on only behind a message that the log has at the same position; anything else there is
 * `ERR_MIRROR_DIVERGED`.
 */
import { decodeEvent, encodeEvent } from '../codec.js';
import { EventLogError, MalformedLineError } from '../errors.js';
import { isTerminal, type RunEvent } from '../events.js';
import { LF, linesBackward } from '../lines.js';
import type { RunPlaces } from '../places.js';
import { openForReading, type ReadableLog } from '../readable.js';
import { insist } from './failure.js';
import { positionOf } from './message.js';
import type { Place } from './outbox.js';
import type { RunStream } from './run-stream.js';

/** Where nothing was shipped yet. */
export const NOWHERE: Place = { sequence: 0, position: 0, eventId: '', ended: false };

/** Asks the server for the last message of the run, and makes sure that it is an event of this very log. */
export async function findPlace(
  { manager, config }: RunStream,
  subject: string,
  places: RunPlaces,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const look = () => manager.streams.getMessage(config.name, { last_by_subj: subject });
  const message = await insist(`the last event of ${subject} could not be read`, look, signal);
  if (message === null) return NOWHERE;
  const position = positionOf(message.header);
  const event = position === undefined ? undefined : await eventBefore(places, position);
  if (position === undefined || event === undefined || encodeEvent(event) !== message.string()) {
    throw new EventLogError(
      'ERR_MIRROR_DIVERGED',
      `message ${message.seq} of ${subject} is not the event that the log has there`,
      { path: places.log, offset: position },
    );
  }
  return { sequence: message.seq, position, eventId: event.id, ended: isTerminal(event) };
}

/** The event whose line ends at the position; undefined where none does. */
async function eventBefore(places: RunPlaces, position: number): Promise<RunEvent | undefined> {
  const log = await openForReading(places);
  try {
    if (log.size() < position || !(await endsLine(log, position))) return undefined;
    for await (const { bytes } of linesBackward(log.read, position, { path: log.path }))
      return decodeEvent(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  } finally {
    await log.close();
  }
}

async function endsLine(log: ReadableLog, position: number): Promise<boolean> {
  const before = Buffer.alloc(1);
  await log.read(before, position - 1);
  return before[0] === LF;
}
