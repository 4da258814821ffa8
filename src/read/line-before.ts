/**
 * The line before a place in a log: the last one, or the one that a reader has passed.
 *
 * Promise: most lines are found by one small read; a longer one is read as a whole, and nothing before it.
 */
import { endOfLastLine, type FoundLine, LF, linesBackward } from '../format/lines.js';
import type { ReadableLog } from '../volume/readable-log.js';

/** Most lines fit in so many bytes. */
const BLOCK_BYTES = 4096;

/** The last complete line that ends at `end` or before it; undefined where there is none. */
export async function lineBefore(
  log: ReadableLog,
  end: number,
  maxLineBytes?: number,
): Promise<FoundLine | undefined> {
  // A look at a few bytes takes less time than a trip through the thread pool, or than looking for more.
  const from = Math.max(0, end - BLOCK_BYTES);
  const block = Buffer.allocUnsafe(end - from);
  const bytes = block.subarray(0, log.readNow(block, from));
  const last = bytes.lastIndexOf(LF);
  const before = last <= 0 ? -1 : bytes.lastIndexOf(LF, last - 1);
  if (last !== -1 && (before !== -1 || from === 0))
    return { bytes: bytes.subarray(before + 1, last), offset: from + before + 1 };
  const lastEnd = last === -1 ? await endOfLastLine(log.read, 0, from) : from + last + 1;
  const options = { path: log.path, blockBytes: BLOCK_BYTES, maxLineBytes };
  for await (const line of linesBackward(log.read, lastEnd, options)) return line;
  return undefined;
}
