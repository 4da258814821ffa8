/**
 * Where the copy of a run is: its last message on the server, held against the log.
 *
 * Promise: shipping goes on only after a message that the log has at the same position; anything else there is
 * `ERR_MIRROR_DIVERGED`.
 */

import { EventLogError } from '../../errors.js';
import { decodeOrSkip } from '../../format/decode.js';
import { encodeEvent } from '../../format/encode.js';
import { isTerminal, type RunEvent } from '../../format/events.js';
import { endsLine, linesBackward } from '../../format/lines.js';
import type { RunPlaces } from '../../volume/places.js';
import { openForReading } from '../../volume/readable-log.js';
import { positionOf } from '../message.js';
import { insist } from '../retry.js';
import type { Place } from './outbox.js';
import type { RunStream } from './run-stream.js';

/** Where nothing was shipped yet. */
export const NOWHERE: Place = {
  sequence: 0,
  position: 0,
  body: new Uint8Array(),
  eventId: '',
  ended: false,
};

/** Asks the server for the last message of the run. */
export async function findPlace(
  { manager, config }: RunStream,
  subject: string,
  places: RunPlaces,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const look = () => manager.streams.getMessage(config.name, { last_by_subj: subject });
  const message = await insist(`the last event of ${subject} could not be read`, look, signal);
  if (message === null) return NOWHERE;
  const { seq: sequence, data: body } = message;
  const position = positionOf(message.header);
  const event = decodeOrSkip(body);
  if (position === undefined || event === undefined) throw diverged(places, sequence, position);
  return { sequence, position, body, eventId: event.id, ended: isTerminal(event) };
}

/** Makes sure that the last message shipped is an event of this very log, which may have been replaced since. */
export async function holdAgainstLog(places: RunPlaces, place: Place): Promise<void> {
  const { sequence, position, body } = place;
  if (position === 0) return;
  const event = await eventBefore(places, position);
  if (event !== undefined && Buffer.from(encodeEvent(event)).equals(body)) return;
  throw diverged(places, sequence, position);
}

function diverged({ log }: RunPlaces, sequence: number, offset: number | undefined): EventLogError {
  return new EventLogError(
    'ERR_MIRROR_DIVERGED',
    `message ${sequence} of the stream is not the event that the log has there`,
    { path: log, offset },
  );
}

/** The event whose line ends at the position; undefined where none does. */
async function eventBefore(places: RunPlaces, position: number): Promise<RunEvent | undefined> {
  const log = await openForReading(places);
  try {
    if (log.size() < position || !(await endsLine(log.read, position))) return undefined;
    const line = await linesBackward(log.read, position, { path: log.path }).next();
    return line.done === true ? undefined : decodeOrSkip(line.value.bytes);
  } finally {
    await log.close();
  }
}
