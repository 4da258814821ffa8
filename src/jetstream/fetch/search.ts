/**
 * A place in a remote run by halving: a request for each step, nothing before it is read.
 *
 * Promise: what is found is right whether ids rise or not: where halving does not lead to an id itself, every event is looked
 * at, from the last one back.
 */
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { EventLogError } from '../../errors.js';
import { decodeOrSkip } from '../../format/decode.js';
import type { RunEvent } from '../../format/events.js';
import { positionOf, type Stored, startOf } from '../message.js';
import { messagesBackward, type Range } from './messages-backward.js';
import type { StoredRun } from './stored-run.js';

/** A place in a stream. */
export interface Place {
  /** Of the first message to read. */
  readonly sequence: number;
  /** The position after the last event that is passed over. */
  readonly position: number;
}

/** Where the events after an id begin. */
export interface Boundary extends Place {
  /** It is after the event with that very id; there is none, otherwise, and the first event with a greater id is there. */
  readonly exact: boolean;
}

/** The position after the last event: that of the last message that tells one. */
export async function endOfRun(run: StoredRun, last: StoredMsg, signal?: AbortSignal): Promise<number> {
  const position = positionOf(last.header);
  if (position !== undefined) return position;
  for await (const { headers } of messagesBackward(run, { first: 1, last: last.seq - 1 }, signal)) {
    const earlier = positionOf(headers);
    if (earlier !== undefined) return earlier;
  }
  return 0;
}

/** The event of a message; undefined where it holds none, or has no position: that is left to the reading that follows. */
export function eventOf({
  data,
  headers,
}: Pick<JsMsg, 'data'> & Pick<Stored, 'headers'>): RunEvent | undefined {
  return positionOf(headers) === undefined ? undefined : decodeOrSkip(data);
}

/** The sequence of the message that begins at a position. */
export async function sequenceAt(
  run: StoredRun,
  first: StoredMsg,
  last: StoredMsg,
  from: number,
  end: number,
): Promise<number> {
  if (from === 0) return first.seq;
  const facts = { path: run.path, offset: from };
  if (from > end) {
    throw new EventLogError(
      'ERR_LOG_TRUNCATED',
      'the remote copy is shorter than the position to read from',
      facts,
    );
  }
  const firstEnd = positionOf(first.header) ?? 0;
  // Before the first message there may have been others that the stream no longer keeps.
  if (from < firstEnd && firstEnd - first.data.length - 1 > 0) return first.seq;
  const range = { first: first.seq, last: last.seq };
  const { sequence } = await searchFirst(run, range, ({ header }) => (positionOf(header) ?? from) >= from);
  const before = await run.next(sequence);
  const position = before === undefined ? undefined : positionOf(before.header);
  if (before !== undefined && position === from) return before.seq + 1;
  if (position === undefined) return sequence; // a message without a position: the reader will say so
  throw new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', facts);
}

/** Where the events of a range begin that stand after an id. */
export async function boundaryBehind(
  run: StoredRun,
  range: Range,
  id: string,
  signal: AbortSignal | undefined,
): Promise<Boundary> {
  const { before } = await searchFirst(run, range, ({ data, header }) => {
    const event = eventOf({ data, headers: header });
    return event === undefined || event.id > id;
  });
  if (before !== undefined && eventOf({ data: before.data, headers: before.header })?.id === id) {
    return { sequence: before.seq + 1, position: positionOf(before.header) ?? 0, exact: true };
  }
  let greater: Place = { sequence: range.last + 1, position: 0 };
  for await (const message of messagesBackward(run, range, signal)) {
    const event = eventOf(message);
    if (event?.id === id) {
      return { sequence: message.seq + 1, position: positionOf(message.headers) ?? 0, exact: true };
    }
    if (event !== undefined && event.id > id) greater = { sequence: message.seq, position: startOf(message) };
  }
  return { ...greater, exact: false };
}

/**
 * The sequence of the first message that passes a test which all after it pass, and the message before it; after the
 * last where none does.
 */
async function searchFirst(
  run: StoredRun,
  { first, last }: Range,
  passes: (message: StoredMsg) => boolean,
): Promise<{ sequence: number; before: StoredMsg | undefined }> {
  let low = first;
  let high = last + 1; // no message below `low` passes, every one from `high` on does
  let before: StoredMsg | undefined;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const message = await run.next(middle);
    if (message === undefined || message.seq >= high || passes(message)) high = middle;
    else {
      low = message.seq + 1;
      before = message;
    }
  }
  return { sequence: high, before };
}
