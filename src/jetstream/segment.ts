/**
 * A segment: one message of a copy, which is consecutive bytes of the log, whole lines, unchanged.
 *
 * Headers say where it ends in the log, how many events it and the log up to there hold, and whether the run has ended; the server
 * keeps with it the sequence of the segment it follows.
 *
 * Promise: what is no segment is never taken for one. A message of an earlier form, an event each, is refused by name.
 */
import { PubHeaders } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { EventLogError } from '../errors.js';
import { LF } from '../format/lines.js';

/** The header with the byte position in the log after the segment, in decimal. */
export const POSITION_HEADER = 'Omne-Position';
/** The header with the number of events in the segment. */
export const EVENTS_HEADER = 'Omne-Events';
/** The header with the number of events in the log up to the end of the segment. */
const TOTAL_HEADER = 'Omne-Events-Total';
/** The header of a segment that holds the end of the run, and of those after it. */
const ENDED_HEADER = 'Omne-Ended';

/** Set by the server on what it copied out of another stream, where sequences are others. */
const SOURCE_HEADER = 'Nats-Stream-Source';

/** How much of a log goes into one segment, where a line is not longer. */
export const SEGMENT_BYTES: number = 128 * 1024;

/** What the headers of a segment say. */
export interface SegmentFacts {
  /** The position in the log after its last line. */
  readonly end: number;
  /** How many events it holds. */
  readonly events: number;
  /** How many events the log holds up to its end. */
  readonly total: number;
  /** The run has ended in it, or before it. */
  readonly ended: boolean;
}

/** A segment as a stream holds it. */
export interface Segment extends SegmentFacts {
  readonly sequence: number;
  /** The position of its first line. */
  readonly start: number;
  readonly bytes: Buffer;
  /** The sequence of the segment it follows, where the stream says that. */
  readonly follows: number | undefined;
}

/** A message, as the client gives it in one way or another. */
interface Message {
  readonly seq: number;
  readonly data: Uint8Array;
  readonly header?: { get(name: string): string } | undefined;
  readonly headers?: { get(name: string): string } | undefined;
}

/** The headers of a segment. */
export function headersOf({ end, events, total, ended }: SegmentFacts): MsgHdrs {
  const fields = headers();
  fields.set(POSITION_HEADER, String(end));
  fields.set(EVENTS_HEADER, String(events));
  fields.set(TOTAL_HEADER, String(total));
  if (ended) fields.set(ENDED_HEADER, 'true');
  return fields;
}

/**
 * The segment that a message is; undefined where it is none.
 *
 * @throws EventLogError `ERR_STREAM_UNSUITABLE` for a message that holds one event, as an earlier form of a copy does.
 */
export function segmentOf({ seq, data, header, headers }: Message, path: string): Segment | undefined {
  const fields = headers ?? header;
  const numberIn = (name: string) => wholeNumber(fields?.get(name));
  const [end, events, total] = [POSITION_HEADER, EVENTS_HEADER, TOTAL_HEADER].map(numberIn);
  if (end !== undefined && fields?.get(EVENTS_HEADER) === '') {
    const what =
      'the stream holds an event in each message, which an earlier form of copies did: mirror to another one';
    throw new EventLogError('ERR_STREAM_UNSUITABLE', what, { path });
  }
  if (end === undefined || events === undefined || total === undefined) return undefined;
  const start = end - data.length;
  if (data.length === 0 || start < 0 || data.at(-1) !== LF) return undefined;
  const sourced = (fields?.get(SOURCE_HEADER) ?? '') !== '';
  return {
    ...{ sequence: seq, start, end, events, total },
    ended: fields?.get(ENDED_HEADER) === 'true',
    bytes: Buffer.from(data.buffer, data.byteOffset, data.length),
    follows: sourced ? undefined : wholeNumber(fields?.get(PubHeaders.ExpectedLastSubjectSequenceHdr)),
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
}
