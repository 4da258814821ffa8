/**
 * Where the copy of a run is: its last segment on the server, held against the log.
 *
 * Promise: shipping goes on only after a segment that the log has at the same position; anything else there is
 * `ERR_MIRROR_DIVERGED`.
 */
import { createHash } from 'node:crypto';
import { EventLogError } from '../../errors.js';
import { insist } from '../retry.js';
import { type SegmentFacts, segmentOf } from '../segment.js';
import type { FinalLog } from './final-log.js';
import type { RunStream } from './run-stream.js';

/** How far the copy of a run has come: what its last segment was. */
export interface CopyPlace extends Omit<SegmentFacts, 'events'> {
  /** The sequence of the segment in the stream; 0 where there is none. */
  readonly sequence: number;
  /** Its length in bytes. */
  readonly length: number;
  /** Its bytes, as a digest. */
  readonly digest: string;
}

/** Where nothing was shipped yet. */
export const NOWHERE: CopyPlace = { sequence: 0, length: 0, digest: '', end: 0, total: 0, ended: false };

/** The place after a segment. */
export function placeAfter(
  sequence: number,
  bytes: Uint8Array,
  { end, total, ended }: Omit<SegmentFacts, 'events'>,
): CopyPlace {
  return { sequence, length: bytes.length, digest: digestOf(bytes), end, total, ended };
}

/** Asks the server for the last segment of the run. */
export async function findCopyPlace(
  { manager, config }: RunStream,
  subject: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<CopyPlace> {
  const look = () => manager.streams.getMessage(config.name, { last_by_subj: subject });
  const message = await insist(`the end of ${subject} could not be read`, look, signal);
  if (message === null) return NOWHERE;
  const segment = segmentOf(message, `nats://${config.name}/${subject}`);
  if (segment === undefined) throw diverged(path, message.seq);
  return placeAfter(segment.sequence, segment.bytes, segment);
}

/** Makes sure that the last segment is a part of this very log, which may have been replaced since. */
export async function holdAgainstLog(log: FinalLog, place: CopyPlace): Promise<void> {
  const { sequence, length, end, digest } = place;
  if (length > 0 && digestOf(await log.bytes(end - length, end)) !== digest)
    throw diverged(log.path, sequence, end);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function diverged(path: string, sequence: number, offset?: number): EventLogError {
  const what = `message ${sequence} of the stream is not what the log has there`;
  return new EventLogError('ERR_MIRROR_DIVERGED', what, { path, offset });
}
