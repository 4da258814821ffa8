/**
 * What the end of a log tells its next writer, and mending a torn one.
 *
 * Promises: a writer that died leaves at most an unterminated last line, or a hole of NUL bytes where pages of its last
 * write never reached the disk. Such a tail was never acknowledged: it is saved to `events.jsonl.torn-<ulid>`, synced,
 * and cut. Damage anywhere else is `ERR_LOG_CORRUPT` with line and offset, and not a byte is touched. Looking reads the
 * end of the log, never the whole.
 */
import { decodeEvent } from './codec.js';
import { EventLogError, MalformedLineError } from './errors.js';
import type { RunEvent } from './events.js';
import type { LogFile } from './file.js';
import type { UlidSequence } from './ids.js';
import { endOfLastLine, LF, linesBackward, type ReadAt } from './lines.js';
import { MAX_BATCH_BYTES } from './queue.js';

/** What was cut from the end of a log: where, how many bytes, and where they are kept. */
export interface Recovery {
  /** The byte offset at which the log was cut. */
  readonly offset: number;
  /** The number of bytes cut. */
  readonly bytes: number;
  /** The path of the file that keeps them. */
  readonly savedTo: string;
}

/** The end of a log. */
export interface LogEnd {
  /** The position behind the last whole line that is good. */
  readonly end: number;
  /** Bytes behind `end`: a torn tail. */
  readonly tornBytes: number;
  /** The last event; undefined for an empty log. */
  readonly last: RunEvent | undefined;
}

/** Pages and sectors are multiples of this; a hole that a crash left ends at one, or at the end of the file. */
const SECTOR_BYTES = 512;

/** Where to stop looking back (`start`, a line start known to be good), and bounds for the errors. */
export interface InspectOptions {
  readonly start?: number;
  readonly path: string;
  readonly maxLineBytes?: number | undefined;
}

/** Looks at the end of a log of `size` bytes. */
export async function inspectEnd(read: ReadAt, size: number, options: InspectOptions): Promise<LogEnd> {
  const { start = 0, path } = options;
  const end = await beforeHole(read, start, await endOfLastLine(read, start, size));
  for await (const { bytes, offset } of linesBackward(read, end, options)) {
    try {
      return { end, tornBytes: size - end, last: decodeEvent(bytes) };
    } catch (cause) {
      if (!(cause instanceof MalformedLineError)) throw cause;
      const facts = {
        path,
        line: await lineNumberAt(read, offset),
        offset,
        cause,
      };
      throw new EventLogError('ERR_LOG_CORRUPT', `the last whole line is no event: ${cause.reason}`, facts);
    }
  }
  return { end, tornBytes: size - end, last: undefined };
}

/**
 * Whole lines may stand behind a hole, when a page in the middle of the last write was lost and later ones were not.
 * They belong to that write, so they go with it. A NUL byte that is no such hole is left for the readers to name. The
 * search goes back one full batch; only a single append larger than that could hide a hole further up.
 */
async function beforeHole(read: ReadAt, start: number, end: number): Promise<number> {
  const from = Math.max(start, end - MAX_BATCH_BYTES);
  const space = Buffer.allocUnsafe(end - from);
  const bytes = space.subarray(0, await read(space, from));
  const first = bytes.indexOf(0);
  if (first === -1) return end;
  let behind = first;
  while (bytes[behind] === 0) behind++;
  const lineStart = bytes.subarray(0, first).lastIndexOf(LF) + 1;
  const startsLikeHole = first === lineStart || (from + first) % SECTOR_BYTES === 0;
  const endsLikeHole = (from + behind) % SECTOR_BYTES === 0;
  const startKnown = lineStart > 0 || from === start;
  return startsLikeHole && endsLikeHole && startKnown ? from + lineStart : end;
}

/** Saves the torn tail beside the log, then cuts it off; both are durable when this resolves. Rejects with system errors. */
export async function cutTornTail(
  file: LogFile,
  end: number,
  size: number,
  ids: UlidSequence,
): Promise<Recovery> {
  const savedTo = await file.copyTail(end, `.torn-${ids.next(Date.now())}`);
  await file.truncate(end);
  await file.sync();
  return { offset: end, bytes: size - end, savedTo };
}

async function lineNumberAt(read: ReadAt, offset: number): Promise<number> {
  const block = Buffer.allocUnsafe(1024 * 1024);
  let lines = 1;
  for (let at = 0; at < offset; ) {
    const got = await read(block.subarray(0, Math.min(block.length, offset - at)), at);
    if (got === 0) break;
    for (let lf = block.indexOf(LF); lf !== -1 && lf < got; lf = block.indexOf(LF, lf + 1)) lines++;
    at += got;
  }
  return lines;
}
