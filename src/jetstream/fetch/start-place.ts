/**
 * Where the reading of a remote run begins: from the options to a sequence of the stream.
 *
 * Promises: positions are those of the log, so that a place saved by a reader of the file is found here. It is the place where
 * a reader of the file would begin; where it is in doubt, reading begins earlier and the filter passes over what is not wanted.
 */
import type { StoredMsg } from '@nats-io/jetstream';
import { decodeOrSkip } from '../../format/decode.js';
import { isTerminal } from '../../format/events.js';
import type { EventFilter } from '../../read/event-filter.js';
import type { StartOptions } from '../../read/start-position.js';
import { startOf } from '../message.js';
import { messagesBackward, type Range } from './messages-backward.js';
import { boundaryBehind, endOfRun, eventOf, type Place, sequenceAt } from './search.js';
import type { StoredRun } from './stored-run.js';

/** Where to begin, and how far the run went then. */
export interface RemoteStart extends Place {
  /** The last message there was; none after it is part of a replay. */
  readonly lastSequence: number;
  /** The run has ended, and reading begins after its end. */
  readonly ended: boolean;
}

/** `StartOptions`, and what only a copy needs to know. */
export interface RemoteStartOptions extends StartOptions {
  /** A run that has not ended may be mirrored up to the position to read from later on. */
  readonly mayGrow?: boolean;
  /** How long to wait for the word whether there is such a run, in milliseconds; as for every request by default. */
  readonly answerTimeout?: number;
}

/**
 * Finds the first message to read; `filter` is told when all from there on is after `after`.
 *
 * @throws EventLogError `ERR_RUN_NOT_FOUND`, `ERR_STREAM_NOT_FOUND`, `ERR_REMOTE_FAILED`; `ERR_LOG_TRUNCATED` and
 * `ERR_INVALID_POSITION` for a number as `from`.
 */
export async function findRemoteStart(
  run: StoredRun,
  filter: EventFilter,
  options: RemoteStartOptions,
): Promise<RemoteStart> {
  const { answerTimeout } = options;
  // Only this question: once it is answered the run is there, and the search for a place in it may take its time.
  const asked = answerTimeout === undefined ? run : await run.within(answerTimeout);
  const [first, last] = await Promise.all([asked.next(1), asked.last()]);
  if (first === undefined || last === undefined) throw run.notFound();
  const place = await findPlace(run, filter, options, first, last);
  return { ...place, lastSequence: last.seq, ended: endsRun(last) && place.sequence > last.seq };
}

async function findPlace(
  run: StoredRun,
  filter: EventFilter,
  options: RemoteStartOptions,
  first: StoredMsg,
  last: StoredMsg,
): Promise<Place> {
  const { from = 0, after, signal } = options;
  const end = { sequence: last.seq + 1, position: await endOfRun(run, last, signal) };
  const meets = async (range: Range) =>
    after !== undefined &&
    range.first <= range.last &&
    (await boundaryBehind(run, range, after, signal)).exact;
  if (from === 'end') {
    if (await meets({ first: first.seq, last: last.seq })) filter.metAfter();
    return end;
  }
  const position = from === 'start' ? 0 : from;
  const ahead = options.mayGrow === true && position > end.position && !endsRun(last);
  if (ahead) return { sequence: end.sequence, position };
  const start = { sequence: await sequenceAt(run, first, last, position, end.position), position };
  const range = { first: start.sequence, last: last.seq };
  const before = { first: first.seq, last: start.sequence - 1 };
  if (options.last !== undefined) {
    const passed = await meets(before);
    if (passed) filter.metAfter();
    return placeOfLast(run, range, end, filter, passed ? { ...options, after: undefined } : options);
  }
  if (after === undefined) return start;
  const { exact, ...place } = await boundaryBehind(run, range, after, signal);
  // Where the event is before where reading begins, all there is is after it.
  if (exact || (await meets(before))) filter.metAfter();
  return exact ? place : start; // else the filter knows what to do about an `after` that is not there
}

/** Where the last matching events begin, of those after `after`: as `findStart` finds it in a log. */
async function placeOfLast(
  run: StoredRun,
  range: Range,
  end: Place,
  filter: EventFilter,
  { after, last: count = 0, signal }: StartOptions,
): Promise<Place> {
  if (count === 0) return end;
  let earliest = end; // where the last matching events met so far begin
  let found = 0;
  let behindGreater: Place | undefined; // the same, but only as far as a greater id is before them
  let lesser = false; // there was an id below `after`
  for await (const message of messagesBackward(run, range, signal)) {
    const event = eventOf(message);
    if (event === undefined) continue;
    if (event.id === after) {
      filter.metAfter();
      return earliest;
    }
    if (found < count && filter.matches(event)) {
      earliest = { sequence: message.seq, position: startOf(message) };
      found++;
    }
    if (after === undefined || event.id > after) behindGreater = earliest;
    else lesser = true;
    if (found >= count && !lesser) break;
  }
  if (behindGreater !== undefined) filter.metAfter();
  return behindGreater ?? end;
}

function endsRun({ data }: StoredMsg): boolean {
  const event = decodeOrSkip(data);
  return event !== undefined && isTerminal(event);
}
