/**
 * Where the reading of a remote run begins: from the options to a sequence of the stream.
 *
 * Promises: positions are those of the log, so that a place saved by a reader of the file is found here; it is found by
 * halving, a request for each step, and never by reading what stands in front. Where it is in doubt, reading begins
 * earlier and the reader passes over what is not wanted.
 */
import type { JsMsg, StoredMsg } from '@nats-io/jetstream';
import { decodeEvent } from '../codec.js';
import { EventLogError, MalformedLineError } from '../errors.js';
import { isTerminal, type RunEvent } from '../events.js';
import { EventFilter } from '../filter.js';
import type { StartOptions } from '../start.js';
import { positionOf } from './message.js';
import { OrderedMessages } from './ordered.js';
import type { StoredRun } from './stored-run.js';

/** A place in a stream. */
export interface RemoteStart {
  /** Of the first message to read. */
  readonly sequence: number;
  /** The position behind the last event that is passed over. */
  readonly position: number;
  /** The last message there was; none behind it is part of a replay. */
  readonly lastSequence: number;
  /** The run has ended, and reading begins behind its end. */
  readonly ended: boolean;
}

/** `ReadOptions` as a tail has them. */
export interface RemoteStartOptions extends StartOptions {
  /** A run that has not ended may be mirrored up to the position to read from later on. */
  readonly mayGrow?: boolean;
}

/** How many sequences are looked at from the end in the first step back. */
const FIRST_STEP = 256;
/** How many messages of a step are held at the most. */
const MOST_IN_STEP = 2048;

/**
 * Finds the first message to read.
 *
 * @throws EventLogError `ERR_RUN_NOT_FOUND`, `ERR_STREAM_NOT_FOUND`, `ERR_REMOTE_FAILED`; `ERR_LOG_TRUNCATED` and
 * `ERR_INVALID_POSITION` for a number as `from`.
 */
export async function findRemoteStart(run: StoredRun, options: RemoteStartOptions): Promise<RemoteStart> {
  const [first, last] = await Promise.all([run.next(1), run.last()]);
  if (first === undefined || last === undefined) throw run.notFound();
  const { from = 0, after } = options;
  const lastSequence = last.seq;
  const terminal = eventOf(last.data);
  const ended = terminal !== undefined && isTerminal(terminal);
  if (from === 'end') return { sequence: lastSequence + 1, position: endOf(run, last), lastSequence, ended };
  const start = from === 'start' ? 0 : from;
  const found =
    options.mayGrow === true && !ended && start > endOf(run, last)
      ? lastSequence + 1
      : await sequenceAt(run, first, last, start);
  const sequence =
    after === undefined ? found : Math.max(found, await sequenceAfter(run, first, last, after));
  if (options.last === undefined) {
    return { sequence, position: start, lastSequence, ended: ended && sequence > lastSequence };
  }
  const place = await placeOfLast(run, { sequence, position: start }, last, options, options.last);
  return { ...place, lastSequence, ended: ended && place.sequence > lastSequence };
}

/** The message that begins at a position. */
async function sequenceAt(run: StoredRun, first: StoredMsg, last: StoredMsg, from: number): Promise<number> {
  if (from === 0) return first.seq;
  const facts = { path: run.path, offset: from };
  const end = endOf(run, last);
  if (from > end) {
    throw new EventLogError(
      'ERR_LOG_TRUNCATED',
      'the remote copy is shorter than the position to read from',
      facts,
    );
  }
  const firstEnd = positionOf(first.header) ?? 0;
  // In front of the first message there may have been others that the stream no longer keeps.
  if (from < firstEnd && firstEnd - first.data.length - 1 > 0) return first.seq;
  const sequence = await searchFirst(run, first, last, ({ header }) => (positionOf(header) ?? from) >= from);
  const before = await run.next(sequence);
  const position = before === undefined ? undefined : positionOf(before.header);
  if (before !== undefined && position === from) return before.seq + 1;
  if (position === undefined) return sequence; // a message without a position: the reader will say so
  throw new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', facts);
}

/** The first message whose event has a greater id. */
function sequenceAfter(run: StoredRun, first: StoredMsg, last: StoredMsg, id: string): Promise<number> {
  return searchFirst(run, first, last, ({ data }) => {
    const event = eventOf(data);
    return event === undefined || event.id > id;
  });
}

/** The sequence of the first message that passes a test which all behind it pass; behind the last where none does. */
async function searchFirst(
  run: StoredRun,
  first: StoredMsg,
  last: StoredMsg,
  passes: (message: StoredMsg) => boolean,
): Promise<number> {
  let low = first.seq;
  let high = last.seq + 1; // no message below `low` passes, every one from `high` on does
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const message = await run.next(middle);
    if (message === undefined || message.seq >= high || passes(message)) high = middle;
    else low = message.seq + 1;
  }
  return high;
}

type Place = Pick<RemoteStart, 'sequence' | 'position'>;

/** Where the last `count` matching events begin. */
async function placeOfLast(
  run: StoredRun,
  start: Place,
  last: StoredMsg,
  options: StartOptions,
  count: number,
): Promise<Place> {
  const { from: _, after, ...rest } = options;
  const filter = new EventFilter(rest);
  let place: Place = { sequence: last.seq + 1, position: endOf(run, last) };
  let left = count;
  if (left === 0) return place;
  for await (const messages of stepsBackward(run, start.sequence, last.seq)) {
    for (const message of messages.toReversed()) {
      const event = eventOf(message.data);
      if (event === undefined) continue;
      if (after !== undefined && event.id <= after) return place;
      if (!filter.matches(event)) continue;
      place = { sequence: message.seq, position: startOf(message) };
      if (--left === 0) return place;
    }
  }
  return place;
}

/** The messages between two sequences, the last ones first: step by step, each in the order of the stream. */
export async function* stepsBackward(
  run: StoredRun,
  first: number,
  last: number,
): AsyncGenerator<JsMsg[], undefined> {
  let end = last;
  let step = FIRST_STEP;
  while (end >= first) {
    const begin = Math.max(first, end - step + 1);
    const { messages, complete } = await messagesBetween(run, begin, end);
    const covered = complete ? begin : (messages[0]?.seq ?? begin);
    yield messages;
    step = complete ? step * 2 : end - covered + 1; // other runs may lie between, so a step is bounded by what it finds
    end = covered - 1;
  }
  return undefined;
}

/** The last messages between two sequences, and whether those are all. */
async function messagesBetween(
  run: StoredRun,
  begin: number,
  end: number,
): Promise<{ messages: JsMsg[]; complete: boolean }> {
  const found = await run.next(begin);
  if (found === undefined || found.seq > end) return { messages: [], complete: true };
  const source = new OrderedMessages(run, found.seq);
  const between: JsMsg[] = [];
  let complete = true;
  try {
    for (let messages = await source.next(); messages !== undefined; messages = await source.next()) {
      for (const message of messages) if (message.seq <= end) between.push(message);
      if (between.length > MOST_IN_STEP) {
        between.splice(0, between.length - MOST_IN_STEP);
        complete = false;
      }
      const latest = messages.at(-1);
      if (latest === undefined || latest.seq >= end || latest.info.pending === 0) break;
    }
  } finally {
    await source.close();
  }
  return { messages: between, complete };
}

/** Where the line of a message begins: told by its length, which is that of the line in a log in canonical form. */
function startOf(message: JsMsg): number {
  return Math.max(0, (positionOf(message.headers) ?? 0) - message.data.length - 1);
}

function endOf(run: StoredRun, last: StoredMsg): number {
  const position = positionOf(last.header);
  if (position === undefined) throw new MalformedLineError('the message has no position', { path: run.path });
  return position;
}

/** The event of a message; undefined where it is none: that is left to the reading that follows. */
export function eventOf(data: Uint8Array): RunEvent | undefined {
  try {
    return decodeEvent(data);
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  }
}
