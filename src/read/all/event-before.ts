/**
 * The event before a position of a log, by which a reader knows that what it has handed out is still there, and the last one of all.
 *
 * Promise: no more is read than a block or two, however long the log is; a longer line is read as a whole.
 */
import { decodeOrSkip } from '../../format/decode.js';
import { endOfLastLine, LF, linesBackward } from '../../format/lines.js';
import type { LogEvent } from '../../format/schema.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import type { ReadableLog } from '../../volume/readable-log.js';

/** Most lines fit in so many bytes. */
const BLOCK_BYTES = 4096;

interface Reading {
  readonly events: Vocabulary;
  readonly maxLineBytes: number | undefined;
}

/** The event that ends a log at this moment, and the position after it; undefined where there is none, or the line is no event. */
export async function lastEvent(
  log: ReadableLog,
  options: Reading,
): Promise<{ event: LogEvent; position: number } | undefined> {
  const size = log.size();
  const from = Math.max(0, size - BLOCK_BYTES);
  const block = Buffer.allocUnsafe(size - from);
  const lf = block.subarray(0, log.readNow(block, from)).lastIndexOf(LF);
  const position = lf === -1 ? await endOfLastLine(log.read, 0, from) : from + lf + 1;
  const event = await eventBefore(log, position, options);
  return event && { event, position };
}

/** The event whose line ends at `position`; undefined where there is none, or the line is no event. */
export async function eventBefore(
  log: ReadableLog,
  position: number,
  { events, maxLineBytes }: Reading,
): Promise<LogEvent | undefined> {
  // A look at a few bytes takes less time than a trip through the thread pool, or than looking for more.
  const from = Math.max(0, position - BLOCK_BYTES);
  const block = Buffer.allocUnsafe(position - from);
  const bytes = block.subarray(0, log.readNow(block, from));
  const start = bytes.length < 2 ? -1 : bytes.lastIndexOf(LF, bytes.length - 2);
  if (bytes.at(-1) === LF && (start !== -1 || from === 0))
    return decodeOrSkip(bytes.subarray(start + 1, -1), events);
  const options = { path: log.path, blockBytes: BLOCK_BYTES, maxLineBytes };
  for await (const { bytes: line } of linesBackward(log.read, position, options))
    return decodeOrSkip(line, events);
  return undefined;
}
