/**
 * A run as the two ends of its log show it: the first event and the last.
 *
 * Promise: no more is read than a block or two at each end, however long the log is; a longer line at an end is read as a whole.
 */
import { MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import { endOfLastLine, LF, linesBackward, lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { Vocabulary } from '../format/vocabulary.js';
import type { ReadableLog } from '../volume/readable-log.js';
import type { RunStateReducer } from './run-state-reducer.js';

/** Most first and last lines fit in so many bytes. */
const BLOCK_BYTES = 4096;

/** A complete line and where it begins. */
interface EndLine {
  readonly bytes: Buffer;
  readonly offset: number;
}

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
  const last = await lastLine(log, maxLineBytes);
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

async function firstLine(log: ReadableLog, maxLineBytes: number): Promise<EndLine | undefined> {
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

/** The last complete line: in the last block, as nearly always, or further back. */
async function lastLine(log: ReadableLog, maxLineBytes: number): Promise<EndLine | undefined> {
  const size = log.size();
  const from = Math.max(0, size - BLOCK_BYTES);
  const block = Buffer.allocUnsafe(size - from);
  const bytes = block.subarray(0, log.readNow(block, from));
  const end = bytes.lastIndexOf(LF);
  const before = end <= 0 ? -1 : bytes.lastIndexOf(LF, end - 1);
  if (end !== -1 && (before !== -1 || from === 0)) {
    if (end - before - 1 > maxLineBytes) throw lineTooLong(maxLineBytes, log.path, from + before + 1);
    return { bytes: bytes.subarray(before + 1, end), offset: from + before + 1 };
  }
  const lastEnd = await endOfLastLine(log.read, 0, size);
  const options = { path: log.path, blockBytes: BLOCK_BYTES, maxLineBytes };
  for await (const line of linesBackward(log.read, lastEnd, options)) return line;
  return undefined;
}
