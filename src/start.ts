/**
 * Where a reading begins: from the options to a byte position.
 *
 * Promise: reading begins at the start of a line or not at all, and the last events of a log are found from its end.
 */
import { decodeEvent } from './codec.js';
import { EventLogError, MalformedLineError } from './errors.js';
import { isTerminal, type RunEvent } from './events.js';
import type { EventFilter, ReadOptions } from './filter.js';
import { endOfLastLine, LF, linesBackward } from './lines.js';
import type { ReadableLog } from './readable.js';

const BACKSLASH = '\\';

/** `ReadOptions` as a tail has them. */
export type StartOptions = Omit<ReadOptions, 'from'> & { from?: number | 'start' | 'end' | undefined };

/** The position of the first line to read; `filter` is told when all from there on stands behind `after`. */
export async function findStart(
  log: ReadableLog,
  filter: EventFilter,
  options: StartOptions,
): Promise<number> {
  const { from = 0, after, last } = options;
  if (from === 'end') return endOfLastLine(log.read, 0, log.size());
  const start = from === 'start' ? 0 : from;
  await checkLineStart(log, start);
  if (last !== undefined) return startOfLast(log, start, filter, options);
  const behind = after === undefined ? undefined : await behindEvent(log, start, after, options.maxLineBytes);
  if (behind === undefined) return start; // the filter knows what to do about an `after` that is not there
  filter.metAfter();
  return behind;
}

async function checkLineStart(log: ReadableLog, start: number): Promise<void> {
  if (start === 0) return;
  const facts = { path: log.path, offset: start };
  if (start > log.size()) {
    throw new EventLogError('ERR_LOG_TRUNCATED', 'the log is shorter than the position to read from', facts);
  }
  const before = Buffer.alloc(1);
  await log.read(before, start - 1);
  if (before[0] !== LF) {
    throw new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', facts);
  }
}

/** Where the line behind the event with this id begins, looked for from the end; undefined when no event has it. */
async function behindEvent(
  log: ReadableLog,
  start: number,
  id: string,
  maxLineBytes: number | undefined,
): Promise<number | undefined> {
  const end = await endOfLastLine(log.read, start, log.size());
  let behind = end;
  for await (const { bytes, offset } of linesBackward(log.read, end, {
    start,
    maxLineBytes,
    path: log.path,
  })) {
    // Most lines can be told without decoding them: without an escape the id stands there as it is.
    const candidate = bytes.includes(id) || bytes.includes(BACKSLASH);
    if (candidate && decodeOrSkip(bytes)?.id === id) return behind;
    behind = offset;
  }
  return undefined;
}

/**
 * Where the last `count` matching events begin, of those behind `after`: behind the event with that id, or, when there is
 * none, from the first event with a greater id on. Ids that do not rise make that longer to find, and no less exact.
 * Malformed lines are left to the reading that follows.
 */
async function startOfLast(
  log: ReadableLog,
  start: number,
  filter: EventFilter,
  { after, maxLineBytes, last: count = 0 }: StartOptions,
): Promise<number> {
  const end = await endOfLastLine(log.read, start, log.size());
  if (count === 0) return end;
  let earliest = end; // where the last matching events met so far begin
  let found = 0;
  let behindGreater: number | undefined; // the same, but only as far as a greater id stands before them
  let lesser = false; // there was an id below `after`
  for await (const { bytes, offset } of linesBackward(log.read, end, {
    start,
    maxLineBytes,
    path: log.path,
  })) {
    const event = decodeOrSkip(bytes);
    if (event === undefined) continue;
    if (event.id === after) {
      filter.metAfter();
      return earliest;
    }
    if (found < count && filter.matches(event)) {
      earliest = offset;
      found++;
    }
    if (after === undefined || event.id > after) behindGreater = earliest;
    else lesser = true;
    if (found >= count && !lesser) break; // without a look at the line before, which may be a bad one
  }
  if (behindGreater !== undefined) filter.metAfter();
  return behindGreater ?? end;
}

/** Whether the line that ends at `position` is a terminal event. */
export async function endsRunAt(log: ReadableLog, position: number, maxLineBytes?: number): Promise<boolean> {
  let event: RunEvent | undefined;
  for await (const { bytes } of linesBackward(log.read, position, { maxLineBytes, path: log.path })) {
    event = decodeOrSkip(bytes);
    break;
  }
  return event !== undefined && isTerminal(event);
}

/** The event of a line; undefined where it is none: that is left to the reading that follows. */
export function decodeOrSkip(line: Uint8Array): RunEvent | undefined {
  try {
    return decodeEvent(line);
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  }
}
