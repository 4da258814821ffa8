/**
 * Where the special bytes are: quotes, backslashes and control characters, the newlines among them. All else of a JSON string
 * is text, so with these places known the rest need not be looked at.
 *
 * Promise: for a line that is covered every special byte has an entry, in order. Memory is bounded: a line with more of them than
 * there is room for is not covered, and left to the lanes of decoding that do without.
 */
import { LF } from '../lines.js';
import { makeSimdFinder, OVERRUN } from './special-bytes-simd.js';

/** How much is looked at in one go: little enough for the fastest cache. */
const CHUNK_BYTES = 16 * 1024;
/** Room for the entries of a long line: that of four chunks of nothing but special bytes. */
const MAX_ENTRIES = 4 * CHUNK_BYTES;
const ENTRY_BYTES = 8;

const INPUT_BYTES = CHUNK_BYTES + OVERRUN + 1;
const simd = makeSimdFinder(INPUT_BYTES + (MAX_ENTRIES + OVERRUN + 1) * ENTRY_BYTES);
const input = new Uint8Array(simd?.memory.buffer ?? new ArrayBuffer(0), 0, simd ? INPUT_BYTES : 0);

/**
 * Two numbers for each special byte: its position in the buffer, and how many UTF-16 units are before it, counted from
 * the same place. An entry is named by the index of its first number. There is one such list for all: what is in it holds
 * until any `Specials` covers another line.
 */
export const entries: Int32Array =
  simd === undefined
    ? new Int32Array(2 * (MAX_ENTRIES + 1))
    : new Int32Array(simd.memory.buffer, INPUT_BYTES, 2 * (MAX_ENTRIES + OVERRUN + 1));

/** Whose lines the entries are of. */
let owner: Specials | undefined;

/** The special bytes in the lines of one buffer after the other. */
export class Specials {
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #from = 0; // the lines that start in [from, to) are covered
  #to = 0;

  /** Gives the buffer whose lines are looked at from now on, `length` bytes of whole lines of valid UTF-8. */
  use(bytes: Uint8Array, length: number): void {
    const { buffer, byteOffset } = bytes;
    // Not a `Buffer`, of which a part takes twice as long to name.
    if (this.#bytes.buffer !== buffer || this.#bytes.byteOffset !== byteOffset)
      this.#bytes = new Uint8Array(buffer, byteOffset); // to its end: a longer part of it takes no other view
    this.#length = length;
    this.#from = this.#to = 0;
  }

  /**
   * Covers the line that starts at `start`: returns its first entry, or -1 when the line has too many. `near` is an entry not far
   * from it.
   */
  cover(start: number, near: number): number {
    if (owner !== this || start < this.#from || start >= this.#to) return this.#fill(start) ? 0 : -1;
    let entry = near;
    while (entry > 0 && positionAt(entry - 2) >= start) entry -= 2;
    while (positionAt(entry) < start) entry += 2;
    return entry;
  }

  /** Finds the special bytes from `start` on: of a chunk, or of as many as it takes to reach the end of a line. */
  #fill(start: number): boolean {
    owner = this;
    this.#from = this.#to = start;
    let first = 0;
    let surplus = 0;
    for (let from = start; from < this.#length && first <= 2 * (MAX_ENTRIES - CHUNK_BYTES); ) {
      const to = Math.min(from + CHUNK_BYTES, this.#length);
      const after = find(this.#bytes, from, to, first, surplus);
      for (let entry = after - 2; entry >= first; entry -= 2) {
        const position = positionAt(entry);
        if (this.#bytes[position] !== LF) continue;
        this.#to = position + 1;
        return true;
      }
      from = to;
      first = after;
      surplus = positionAt(after) - unitAt(after);
    }
    return false;
  }
}

/** Where the special byte of an entry is. */
export function positionAt(entry: number): number {
  return entries[entry] ?? 0;
}

/** The same in UTF-16 units. */
export function unitAt(entry: number): number {
  return entries[entry + 1] ?? 0;
}

/**
 * Writes the entries of [from, to) from `first` on, and after them one for the place where it stopped, which it returns. Before
 * `from` there are `surplus` bytes that are no UTF-16 unit of their own.
 */
export function find(bytes: Uint8Array, from: number, to: number, first: number, surplus: number): number {
  if (simd === undefined) return findByBytes(bytes, from, to, first, surplus);
  input.set(bytes.subarray(from, to));
  const out = INPUT_BYTES + (first / 2) * ENTRY_BYTES;
  let after = (2 * (simd.find(to - from, out, from, surplus) - INPUT_BYTES)) / ENTRY_BYTES;
  while (after > first && positionAt(after - 2) >= to) after -= 2; // of bytes that lay after the input
  return after;
}

/** The same without vectors. */
export function findByBytes(
  bytes: Uint8Array,
  from: number,
  to: number,
  first: number,
  surplusBefore: number,
): number {
  let entry = first;
  let surplus = surplusBefore;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c) {
      entries[entry++] = at;
      entries[entry++] = at - surplus;
    } else if (byte >= 0x80) {
      if (byte < 0xc0) surplus++;
      else if (byte >= 0xf0) surplus--;
    }
  }
  entries[entry] = to;
  entries[entry + 1] = to - surplus;
  return entry;
}
