/**
 * Where a reading begins: from the options to a byte position.
 *
 * Promise: reading begins at the start of a line or not at all, and the last events of a log are found from its end.
 */
import { decodeEvent } from './codec.js';
import { EventLogError, MalformedLineError } from './errors.js';
import { isTerminal, type RunEvent } from './events.js';
import { EventFilter, type ReadOptions } from './filter.js';
import { endOfLastLine, LF, linesBackward } from './lines.js';
import type { ReadableLog } from './readable.js';

/** `ReadOptions` as a tail has them. */
export type StartOptions = Omit<ReadOptions, 'from'> & { from?: number | 'start' | 'end' | undefined };

/** The position of the first line to read. */
export async function findStart(log: ReadableLog, options: StartOptions): Promise<number> {
  const { from = 0, last } = options;
  if (from === 'end') return endOfLastLine(log.read, 0, log.size());
  const start = from === 'start' ? 0 : from;
  await checkLineStart(log, start);
  return last === undefined ? start : startOfLast(log, start, options, last);
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

/** Where the last `count` matching events begin. Malformed lines are left to the reading that follows. */
async function startOfLast(
  log: ReadableLog,
  start: number,
  options: StartOptions,
  count: number,
): Promise<number> {
  const end = await endOfLastLine(log.read, start, log.size());
  const { from: _, ...rest } = options;
  const filter = new EventFilter(rest);
  const { after, maxLineBytes } = options;
  let first = end;
  let found = 0;
  if (count === 0) return end;
  for await (const { bytes, offset } of linesBackward(log.read, end, {
    start,
    maxLineBytes,
    path: log.path,
  })) {
    const event = decodeOrSkip(bytes);
    if (event === undefined) continue;
    if (after !== undefined && event.id <= after) break;
    if (!filter.matches(event)) continue;
    first = offset;
    if (++found === count) break;
  }
  return first;
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

function decodeOrSkip(line: Buffer): RunEvent | undefined {
  try {
    return decodeEvent(line);
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  }
}
