/**
 * Where the lines of an output begin: counts its newlines once, and goes on where it ended as the file grows.
 *
 * Promise: memory is bounded, however many lines there are: only every so many-th line is remembered, and the rest found from there.
 * A file that was cut or swapped is counted again.
 */
import { LF } from '../../format/lines.js';
import type { NodeOutput } from './node-output.js';

const BLOCK_BYTES = 256 * 1024;
const MOST_MARKS = 65_536;
const FIRST_STRIDE = 256;

/** The index of one output. */
export class LineIndex {
  #file = '';
  #scanned = 0;
  #newlines = 0;
  #stride = FIRST_STRIDE;
  /** Where the lines 0, `stride`, 2 `stride`, ... begin. */
  #marks: number[] = [0];
  #updating: Promise<void> = Promise.resolve();

  /** Counts up to `end`, or what the file holds. Calls that overlap wait for each other. */
  update(output: NodeOutput, end: number, signal?: AbortSignal): Promise<void> {
    const updated = this.#updating.then(() => this.#update(output, end, signal));
    this.#updating = updated.catch(() => undefined); // reported to the caller that asked for it
    return updated;
  }

  /** How many newlines are before an offset, which was counted up to. */
  async newlinesBefore(output: NodeOutput, offset: number, signal?: AbortSignal): Promise<number> {
    if (offset >= this.#scanned) return this.#newlines;
    const mark = this.#markBefore(offset);
    let newlines = mark * this.#stride;
    const from = this.#marks[mark] ?? 0;
    for await (const { bytes } of blocks(output, from, offset, signal)) newlines += countNewlines(bytes);
    return newlines;
  }

  /** Where the line after so many newlines begins; undefined where there are not so many. */
  async lineStart(output: NodeOutput, newlines: number, signal?: AbortSignal): Promise<number | undefined> {
    if (newlines > this.#newlines) return undefined;
    const mark = Math.floor(newlines / this.#stride);
    const from = this.#marks[mark] ?? 0;
    let left = newlines - mark * this.#stride;
    if (left === 0) return from;
    for await (const { bytes, offset } of blocks(output, from, this.#scanned, signal)) {
      for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
        if (--left === 0) return offset + at + 1;
      }
    }
    return undefined; // it was cut meanwhile
  }

  async #update(output: NodeOutput, end: number, signal: AbortSignal | undefined): Promise<void> {
    const { file, size } = output;
    if (file !== this.#file || size < this.#scanned) {
      this.#file = file;
      [this.#scanned, this.#newlines, this.#stride, this.#marks] = [0, 0, FIRST_STRIDE, [0]];
    }
    for await (const { bytes, offset } of blocks(output, this.#scanned, end, signal)) {
      for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
        if (++this.#newlines % this.#stride === 0) this.#mark(offset + at + 1);
      }
      this.#scanned = offset + bytes.length;
    }
  }

  #mark(offset: number): void {
    this.#marks.push(offset);
    if (this.#marks.length <= MOST_MARKS) return;
    this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  /** The last mark that is not after an offset. */
  #markBefore(offset: number): number {
    let [low, high] = [0, this.#marks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#marks[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The bytes of `[start, end)`, a block at a time; each is valid until the next. Fewer where the file ends before. */
export async function* blocks(
  output: NodeOutput,
  start: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(BLOCK_BYTES, end - start)));
  for (let offset = start; offset < end; ) {
    signal?.throwIfAborted();
    const read = await output.read(buffer.subarray(0, end - offset), offset);
    if (read === 0) return;
    yield { bytes: buffer.subarray(0, read), offset };
    offset += read;
  }
}

/** How many newlines there are. */
export function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}
