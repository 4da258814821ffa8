/**
 * Looks at the end of a log before the next write, and repairs a torn one.
 *
 * Promises: a writer that died leaves at most an unterminated last line, or a hole of NUL bytes where pages of its last
 * write never reached the disk. Such a tail was never acknowledged: it is saved to `events.jsonl.torn-<ulid>`, synced,
 * and cut. Damage anywhere else is `ERR_LOG_CORRUPT` with line and offset, and not a byte is touched. Looking reads the
 * end of the log, never the whole.
 */
import { ulid } from 'ulid';
import { EventLogError, MalformedLineError } from '../errors.js';
import { decodeLine, decodeOrSkip } from '../format/decode.js';
import { endOfLastLine, LF, linesBackward, type ReadAt } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { MAX_BATCH_BYTES, MAX_PENDING_BYTES } from './commit-queue.js';
import type { LogFile } from './log-file.js';

/** What was cut from the end of a log: where, how many bytes, and where they are kept. */
export interface Recovery {
  /** The byte offset at which the log was cut. */
  readonly offset: number;
  /** The number of bytes cut. */
  readonly bytes: number;
  /** The path of the file that keeps them. */
  readonly savedTo: string;
}

/** The end of a log; bytes after it are a torn tail. */
export interface LogEnd {
  /** The position after the last whole line that is good. */
  readonly end: number;
  /** The last event; undefined for an empty log. */
  readonly last: LogEvent | undefined;
}

/** Pages and sectors are multiples of this; a hole that a crash left ends at one, or at the end of the file. */
const SECTOR_BYTES = 512;

/** Where to stop looking back (`start`, a line start known to be good), and bounds for the errors. */
export interface InspectOptions {
  readonly events?: Vocabulary | undefined;
  readonly start?: number;
  readonly path: string;
  readonly maxLineBytes?: number | undefined;
}

/** Looks at the end of a log of `size` bytes. */
export async function inspectEnd(read: ReadAt, size: number, options: InspectOptions): Promise<LogEnd> {
  const { events, start = 0, path } = options;
  const end = await beforeHole(read, start, await endOfLastLine(read, start, size), events);
  for await (const { bytes, offset } of linesBackward(read, end, options)) {
    try {
      return { end, last: decodeLine(bytes, events) };
    } catch (cause) {
      if (!(cause instanceof MalformedLineError)) throw cause;
      const facts = { path, line: await lineNumberAt(read, offset), offset, cause };
      throw new EventLogError('ERR_LOG_CORRUPT', `the last whole line is no event: ${cause.reason}`, facts);
    }
  }
  return { end, last: undefined };
}

/**
 * Whole lines may follow a hole, when a page in the middle of the last write was lost and later ones were not. They
 * belong to that write, so they go with it. How far it reaches is known by `ts`, which is one for all lines of a write: a
 * line with another `ts` after the hole was acknowledged, and then the hole is damage, left for the readers to name.
 */
export async function beforeHole(
  read: ReadAt,
  start: number,
  end: number,
  events: Vocabulary | undefined,
): Promise<number> {
  for (let windowBytes = MAX_BATCH_BYTES; ; windowBytes *= 2) {
    const from = Math.max(start, end - windowBytes - 1);
    const space = Buffer.allocUnsafe(end - from);
    const bytes = space.subarray(0, await read(space, from));
    const first = from === start ? 0 : bytes.indexOf(LF) + 1; // where the first whole line starts
    const hole = bytes.indexOf(0);
    const last = timeOf(bytes, bytes.lastIndexOf(LF, -2) + 1, events);
    const lastWriteIsInside = from === start || (last !== undefined && timeOf(bytes, first, events) !== last);
    if (!lastWriteIsInside && windowBytes < MAX_PENDING_BYTES) continue;
    if (hole < first || !looksLikeHole(bytes, hole, from)) return end;
    const lineStart = bytes.subarray(0, hole).lastIndexOf(LF) + 1;
    return wasOneWrite(bytes, hole, events) ? from + lineStart : end;
  }
}

/** A page that was lost starts with a sector, or with the write, and ends with a sector. */
function looksLikeHole(bytes: Buffer, hole: number, offset: number): boolean {
  let after = hole;
  while (bytes[after] === 0) after++;
  const startsWithLine = hole === 0 || bytes[hole - 1] === LF;
  return (startsWithLine || (offset + hole) % SECTOR_BYTES === 0) && (offset + after) % SECTOR_BYTES === 0;
}

/** Whether all lines after the one with the hole that can be read have the same time. */
function wasOneWrite(bytes: Buffer, hole: number, events: Vocabulary | undefined): boolean {
  let common: string | undefined;
  for (let lf = bytes.indexOf(LF, hole); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) {
    const ts = timeOf(bytes, lf + 1, events);
    if (ts !== undefined && common !== undefined && ts !== common) return false;
    common ??= ts;
  }
  return true;
}

/** The `ts` of the line that starts at `start`; undefined when it is not an event. */
function timeOf(bytes: Buffer, start: number, events: Vocabulary | undefined): string | undefined {
  return decodeOrSkip(bytes.subarray(start, bytes.indexOf(LF, start)), events)?.ts;
}

/** Saves the torn tail beside the log, then cuts it off; both are durable when this resolves. Rejects with system errors. */
export async function cutTornTail(file: LogFile, end: number, size: number): Promise<Recovery> {
  const savedTo = await file.copyTail(end, `.torn-${ulid().toLowerCase()}`);
  await file.truncate(end);
  await file.sync();
  return { offset: end, bytes: size - end, savedTo };
}

async function lineNumberAt(read: ReadAt, offset: number): Promise<number> {
  const block = Buffer.allocUnsafe(1024 * 1024);
  let lines = 1;
  for (let at = 0; at < offset; ) {
    const got = await read(block.subarray(0, offset - at), at);
    if (got === 0) break; // cut meanwhile
    const bytes = block.subarray(0, got);
    for (let lf = bytes.indexOf(LF); lf !== -1; lf = bytes.indexOf(LF, lf + 1)) lines++;
    at += got;
  }
  return lines;
}
