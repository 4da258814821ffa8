/**
 * Keeps the bytes of a line whose end has not come yet, so that split2 sees whole lines only and joins nothing.
 *
 * Promises: its lines are copies: between two of them code of the user runs, which may reuse the chunk, or give its memory away.
 * Nothing is kept of a line that is longer than it may be. A long line is kept in blocks: a buffer that doubles leaves unused as
 * much memory as it has in the end.
 */
import { LF, LOOK_AHEAD } from '../format/lines.js';

/** The size of a block: what is longer than that is kept in several. */
const KEPT_BYTES = 2 ** 20;
const NOTHING = Buffer.alloc(0);

/** The line at the end of a stream of chunks. */
export class UnfinishedLine {
  readonly #maxLineBytes: number;
  #full: Buffer[] = [];
  #block: Buffer = NOTHING;
  #used = 0; // of the block
  /** How long the line is so far. */
  bytes = 0;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /** The whole lines that a chunk completes; the rest of the chunk is kept. */
  complete(chunk: Buffer): Buffer {
    const lastLf = chunk.lastIndexOf(LF);
    if (lastLf === -1) {
      this.#keep(chunk);
      return NOTHING;
    }
    const parts = [...this.#full, this.#block.subarray(0, this.#used), chunk.subarray(0, lastLf + 1)];
    const length = this.bytes + lastLf + 1;
    const lines = Buffer.concat(parts, length + LOOK_AHEAD).subarray(0, length);
    this.#forget();
    this.#keep(chunk.subarray(lastLf + 1));
    return lines;
  }

  /** Keeps nothing of a line that is too long: its length is all that will be reported. */
  #keep(rest: Buffer): void {
    const bytes = this.bytes + rest.length;
    if (bytes > this.#maxLineBytes) this.#forget();
    else
      for (let start = 0; start < rest.length; ) {
        if (this.#used === this.#block.length) this.#makeRoom(rest.length - start);
        const copied = rest.copy(this.#block, this.#used, start);
        this.#used += copied;
        start += copied;
      }
    this.bytes = bytes;
  }

  #makeRoom(bytes: number): void {
    const { length } = this.#block;
    if (length < KEPT_BYTES) {
      const larger = Buffer.allocUnsafe(Math.min(KEPT_BYTES, Math.max(length + bytes, length * 2)));
      this.#block.copy(larger);
      this.#block = larger;
    } else {
      this.#full.push(this.#block);
      this.#block = Buffer.allocUnsafe(KEPT_BYTES);
      this.#used = 0;
    }
  }

  #forget(): void {
    this.#full = [];
    this.#used = 0;
    this.bytes = 0;
  }
}
