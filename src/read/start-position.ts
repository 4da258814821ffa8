/**
 * Where a reading begins: from the options to a byte position.
 *
 * Promise: reading begins at the start of a line or not at all, and the last events of a log are found from its end.
 */

import { EventLogError } from '../errors.js';
import { decodeOrSkip } from '../format/decode.js';
import { omneEvents } from '../format/events.js';
import { endOfLastLine, endsLine, linesBackward } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { AnyReadOptions, EventFilter } from './event-filter.js';
import { endOfEvent } from './find-event.js';
import type { LogSource } from './log-source.js';

const BACKSLASH = '\\';
/** In a shorter log an event is looked for from the end at once. */
const LONG_LOG_BYTES = 1024 * 1024;

/** `ReadOptions` as a tail has them. */
export type StartOptions = Omit<AnyReadOptions, 'from' | 'reverse'> & {
  from?: number | 'start' | 'end' | undefined;
};

/** From the start of a line to the end of one. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** The position of the first line to read; `filter` learns when all from there on is after `after`. */
export async function findStart(log: LogSource, filter: EventFilter, options: StartOptions): Promise<number> {
  const { from = 0, last, after } = options;
  if (from === 'end') {
    const end = await endOfLastLine(log.read, log.begin, log.size());
    if (after !== undefined && (await positionAfter(log, { start: log.begin, end }, options)) !== undefined)
      filter.metAfter();
    return end;
  }
  const start = from === 'start' ? log.begin : Math.max(from, log.begin);
  await checkLineStart(log, start);
  if (after === undefined && last === undefined) return start;
  const range = { start, end: await endOfLastLine(log.read, start, log.size()) };
  const afterEvent = last === undefined ? await positionAfter(log, range, options) : undefined;
  // Where the event is before where reading begins, all there is is after it.
  const passed =
    afterEvent === undefined &&
    (await positionAfter(log, { start: log.begin, end: start }, options)) !== undefined;
  if (passed || afterEvent !== undefined) filter.metAfter(); // else the filter knows what to do
  if (last === undefined) return afterEvent ?? start;
  return startOfLast(log, range, filter, passed ? { ...options, after: undefined } : options);
}

/** Rejects a position at which no line starts. */
export async function checkLineStart(log: LogSource, start: number): Promise<void> {
  if (start === log.begin) return;
  const facts = { path: log.path, offset: start };
  if (start > log.size()) {
    throw new EventLogError('ERR_LOG_TRUNCATED', 'the log is shorter than the position to read from', facts);
  }
  if (!(await endsLine(log.read, start))) {
    throw new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', facts);
  }
}

/** Where the line after the event with the id `after` begins; undefined when no event has it. */
async function positionAfter(
  log: LogSource,
  { start, end }: Range,
  { events, after: id, maxLineBytes }: StartOptions,
): Promise<number | undefined> {
  if (id === undefined) return undefined;
  const found = end - start > LONG_LOG_BYTES ? await endOfEvent(log, { start, end }, id, events) : undefined;
  if (found !== undefined) return found;
  let next = end;
  for await (const { bytes, offset } of linesBackward(log.read, end, {
    start,
    maxLineBytes,
    path: log.path,
  })) {
    // Most lines are known without decoding them: without an escape the id is there as it is.
    const candidate = bytes.includes(id) || bytes.includes(BACKSLASH);
    if (candidate && decodeOrSkip(bytes, events)?.id === id) return next;
    next = offset;
  }
  return undefined;
}

/**
 * Where the last `count` matching events begin, of those after `after`: after the event with that id, or, when there is
 * none, from the first event with a greater id on. Ids that do not rise make that longer to find, and no less exact.
 * Malformed lines are left to the reading that follows.
 */
async function startOfLast(
  log: LogSource,
  { start, end }: Range,
  filter: EventFilter,
  { events, after, maxLineBytes, last: count = 0 }: StartOptions,
): Promise<number> {
  if (count === 0) return end;
  let earliest = end; // where the last matching events met so far begin
  let found = 0;
  let fromGreater: number | undefined; // the same, but only as far as a greater id is before them
  let lesser = false; // there was an id below `after`
  for await (const { bytes, offset } of linesBackward(log.read, end, {
    start,
    maxLineBytes,
    path: log.path,
  })) {
    const event = decodeOrSkip(bytes, events);
    if (event === undefined) continue;
    if (event.id === after) {
      filter.metAfter();
      return earliest;
    }
    if (found < count && filter.matches(event)) {
      earliest = offset;
      found++;
    }
    if (after === undefined || event.id > after) fromGreater = earliest;
    else lesser = true;
    if (found >= count && !lesser) break; // without a look at the line before, which may be a bad one
  }
  if (fromGreater !== undefined) filter.metAfter();
  return fromGreater ?? end;
}

/** Whether the line that ends at `position` is a terminal event. */
export async function endsRunAt(
  log: LogSource,
  position: number,
  { events = omneEvents, maxLineBytes }: StartOptions,
): Promise<boolean> {
  let event: LogEvent | undefined;
  for await (const { bytes } of linesBackward(log.read, position, {
    start: log.begin,
    maxLineBytes,
    path: log.path,
  })) {
    event = decodeOrSkip(bytes, events);
    break;
  }
  return event !== undefined && events.isTerminal(event);
}
