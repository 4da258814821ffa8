/**
 * A run as the two ends of its log show it: the first event and the last.
 *
 * Promise: no more is read than a block or two at each end, however long the log is; a longer line at an end is read as a whole.
 */
import { MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import { type FoundLine, LF, lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { lineBefore } from '../read/line-before.js';
import type { ReadableLog } from '../volume/readable-log.js';
import type { RunStateReducer } from './run-state-reducer.js';

/** Most first lines fit in so many bytes. */
const BLOCK_BYTES = 4096;

/** Folds the first event of a log and the last; returns what is wrong with a line at either end. */
export async function foldEnds(
  log: ReadableLog,
  reducer: RunStateReducer,
  events?: Vocabulary,
  maxLineBytes: number = MAX_LINE_BYTES,
): Promise<string | undefined> {
  let problem: string | undefined;
  const first = await firstLine(log, maxLineBytes);
  if (first === undefined) return undefined;
  const last = await lineBefore(log, log.size(), maxLineBytes);
  if (last !== undefined && last.bytes.length > maxLineBytes)
    throw lineTooLong(maxLineBytes, log.path, last.offset);
  for (const line of last === undefined || last.offset === first.offset ? [first] : [first, last]) {
    try {
      reducer.apply(decodeLine(line.bytes, events));
    } catch (error) {
      if (!(error instanceof MalformedLineError)) throw error;
      problem ??= new MalformedLineError(error.reason, { path: log.path, offset: line.offset }).message;
    }
  }
  return problem;
}

async function firstLine(log: ReadableLog, maxLineBytes: number): Promise<FoundLine | undefined> {
  for (let length = BLOCK_BYTES; ; length = Math.max(BLOCK_BYTES, Math.min(length * 2, maxLineBytes + 1))) {
    const block = Buffer.allocUnsafe(length);
    // A look at a few bytes takes less time than a trip through the thread pool.
    const read = length === BLOCK_BYTES ? log.readNow(block, 0) : await log.read(block, 0);
    const lf = block.subarray(0, read).indexOf(LF);
    if (lf > maxLineBytes || (lf === -1 && read > maxLineBytes))
      throw lineTooLong(maxLineBytes, log.path, 0, 1);
    if (lf !== -1) return { bytes: block.subarray(0, lf), offset: 0 };
    if (read < length) return undefined;
  }
}
