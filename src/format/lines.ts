/**
 * Cutting bytes into lines, forwards and backwards. Knows no file system: the bytes are handed in.
 *
 * Promises: only complete lines come out, in blocks of whole lines, each block with its byte offset in the log; memory
 * stays within one block plus the longest allowed line.
 */
import { EventLogError } from '../errors.js';

/** The byte that ends a line. */
export const LF = 0x0a;
/** The longest line, without its newline, unless an option says otherwise: 16 MiB. */
export const MAX_LINE_BYTES: number = 16 * 1024 * 1024;
/** How much is read at once: 256 KiB. */
export const BLOCK_BYTES: number = 256 * 1024;

/** How far after a newline a decoder may look. A line without so much memory after it is decoded all the same, but slower. */
export const LOOK_AHEAD = 16;

/** Whole lines, the last newline included; valid until the cutter is filled again. */
export interface LineBlock {
  readonly bytes: Buffer;
  /** The position of the first byte in the log. */
  readonly offset: number;
}

/** Bounds and whereabouts for the errors of a cutter. */
export interface CutterOptions {
  readonly maxLineBytes?: number | undefined;
  readonly blockBytes?: number | undefined;
  readonly path?: string | undefined;
}

/**
 * Cuts a log into blocks of whole lines. Read at `offset` into `room`, then call `take` with the number of bytes read.
 *
 * An unfinished line is not kept: it is read again, from its start, with the bytes after it. So a torn tail that a
 * recovering writer cuts between two reads never mixes with what is appended in its place.
 */
export class LineCutter {
  readonly #maxLineBytes: number;
  readonly #path: string | undefined;
  #buffer: Buffer;
  #other: Buffer | undefined; // the one taken before: its block may still be in use
  #filled = false; // the last read filled its buffer
  #offset: number;
  #tornBytes = 0;

  constructor(
    offset = 0,
    { maxLineBytes = MAX_LINE_BYTES, blockBytes = BLOCK_BYTES, path }: CutterOptions = {},
  ) {
    this.#offset = offset;
    this.#maxLineBytes = maxLineBytes;
    this.#path = path;
    this.#buffer = blockOf(blockBytes);
  }

  /** Where the first line not handed out starts, and where to read next. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes of the unfinished line at the end of the last read. */
  get tornBytes(): number {
    return this.#tornBytes;
  }

  /** Where the next bytes go, the same until something is taken. The last block taken stays valid, the one before it does not. */
  get room(): Buffer {
    const { length } = this.#buffer;
    if (this.#filled) {
      if (this.#tornBytes === length) this.#buffer = blockOf(Math.min(length * 2, this.#maxLineBytes + 1));
      else if (length < BLOCK_BYTES) this.#buffer = blockOf(length * 2); // it began small, and there is more than was thought
      this.#filled = false;
    }
    return this.#buffer;
  }

  /**
   * Takes the bytes that were put into `room`, or into a buffer of the caller's; returns the whole lines among them.
   *
   * @throws EventLogError `ERR_LINE_TOO_LONG` when the unfinished line is over the limit.
   */
  take(bytesRead: number, buffer: Buffer = this.#buffer): LineBlock | undefined {
    const lastLf = lastLineFeed(buffer, bytesRead);
    this.#tornBytes = bytesRead - lastLf - 1;
    this.#filled = buffer === this.#buffer && bytesRead === buffer.length;
    if (lastLf === -1) {
      if (bytesRead > this.#maxLineBytes) throw lineTooLong(this.#maxLineBytes, this.#path, this.#offset);
      return undefined;
    }
    const block = { bytes: buffer.subarray(0, lastLf + 1), offset: this.#offset };
    this.#offset += lastLf + 1;
    if (buffer !== this.#buffer) return block;
    [this.#buffer, this.#other] = [this.#other ?? blockOf(buffer.length), buffer];
    return block;
  }
}

/** Where the last newline of the first `length` bytes is; nearly always they end with it. */
function lastLineFeed(bytes: Buffer, length: number): number {
  if (length === 0 || bytes[length - 1] === LF) return length - 1;
  return bytes.lastIndexOf(LF, length - 1);
}

function blockOf(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(bytes + LOOK_AHEAD).subarray(0, bytes);
}

/** The error for a line over the limit. */
export function lineTooLong(
  maxLineBytes: number,
  path?: string,
  offset?: number,
  line?: number,
): EventLogError {
  const what = `line is longer than ${maxLineBytes} bytes (option maxLineBytes)`;
  return new EventLogError('ERR_LINE_TOO_LONG', what, { path, line, offset });
}

/** Reads into the whole of `buffer` from `position`, or less at the end of the file. */
export type ReadAt = (buffer: Buffer, position: number) => Promise<number>;

/** A line found from the end; `bytes` has no newline. */
export interface FoundLine {
  readonly bytes: Buffer;
  readonly offset: number;
}

/**
 * Yields the complete lines of `[start, end)` from the last to the first. `end` is a line end; bytes are read a block at
 * a time, so finding the last line of a large log touches only its end.
 */
export async function* linesBackward(
  read: ReadAt,
  end: number,
  {
    start = 0,
    maxLineBytes = MAX_LINE_BYTES,
    blockBytes = BLOCK_BYTES,
    path,
  }: CutterOptions & { start?: number } = {},
): AsyncGenerator<FoundLine> {
  let rest: Buffer = Buffer.alloc(0); // from the start of what was read to the end of the next line to yield
  let from = end;
  while (from > start) {
    if (rest.length > maxLineBytes + 1) throw lineTooLong(maxLineBytes, path);
    const most = Math.max(blockBytes, maxLineBytes + 2) - rest.length;
    // Twice as much each time, and two bytes: the step that fills the limit also goes over it, which saves one more copy.
    const added = Math.min(Math.max(blockBytes, rest.length + 2), most, from - start);
    const longer = Buffer.allocUnsafeSlow(added + rest.length);
    from -= added;
    if ((await read(longer.subarray(0, added), from)) < added) {
      throw new EventLogError('ERR_LOG_TRUNCATED', 'the log became shorter while it was read', {
        path,
        offset: from,
      });
    }
    rest.copy(longer, added);
    rest = longer;
    let lineEnd = rest.length - 1; // the newline of the line to yield
    for (let lf = previousLf(rest, lineEnd); lf !== -1; lf = previousLf(rest, lineEnd)) {
      yield { bytes: rest.subarray(lf + 1, lineEnd), offset: from + lf + 1 };
      lineEnd = lf;
    }
    rest = rest.subarray(0, lineEnd + 1);
  }
  if (rest.length > 0) yield { bytes: rest.subarray(0, rest.length - 1), offset: start };
}

function previousLf(bytes: Buffer, before: number): number {
  return before === 0 ? -1 : bytes.lastIndexOf(LF, before - 1);
}

/** The position after the first newline at `from` or later, a block held at a time; undefined where there is none. */
export async function nextLineStart(
  read: ReadAt,
  from: number,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  for (let position = from; ; position += block.length) {
    signal?.throwIfAborted();
    const bytesRead = await read(block, position);
    const lf = block.subarray(0, bytesRead).indexOf(LF);
    if (lf !== -1) return position + lf + 1;
    if (bytesRead < block.length) return undefined;
  }
}

/** Whether a line ends at the position, which is not 0. */
export async function endsLine(read: ReadAt, position: number): Promise<boolean> {
  const before = Buffer.alloc(1);
  await read(before, position - 1);
  return before[0] === LF;
}

/** Finds the position after the last newline in `[start, size)`, reading backwards; `start` when there is none. */
export async function endOfLastLine(read: ReadAt, start: number, size: number): Promise<number> {
  const block = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, size - start));
  for (let end = size; end > start; ) {
    const from = Math.max(start, end - block.length);
    const bytesRead = await read(block.subarray(0, end - from), from);
    const lf = block.subarray(0, bytesRead).lastIndexOf(LF);
    if (lf !== -1) return from + lf + 1;
    end = from;
  }
  return start;
}
