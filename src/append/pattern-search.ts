/**
 * Finding many patterns in a text at once (S. Wu, U. Manber: "A fast algorithm for multi-pattern searching", 1994).
 *
 * Promise: it costs about the same for one pattern and for thousands: the search looks at one block of characters for every few of
 * the text.
 */

/** A part of a text, in UTF-16 units. */
export interface Span {
  readonly start: number;
  /** The first unit after it. */
  readonly end: number;
}

/** How many characters the search looks at in one step. */
const BLOCK = 4;

/** Finds many patterns at once. */
export class PatternSearch {
  readonly #shortest: number;
  /** By the hash of a block: how far the window may move, since no pattern has that block further back. */
  readonly #shifts: Uint8Array;
  /** By the hash of the block at the end of the window: the patterns that may begin where the window does, longest first. */
  readonly #patterns = new Map<number, string[]>();

  /** Each pattern has 4 characters at least. */
  constructor(given: readonly string[]) {
    const patterns = [...new Set(given)];
    this.#shortest = Math.min(255, ...patterns.map(({ length }) => length));
    const blocks = patterns.length * (this.#shortest - BLOCK + 1);
    this.#shifts = new Uint8Array(2 ** Math.min(24, Math.ceil(Math.log2(blocks)) + 4));
    this.#shifts.fill(this.#shortest - BLOCK + 1);
    for (const pattern of patterns.sort((a, b) => b.length - a.length)) this.#add(pattern);
  }

  #add(pattern: string): void {
    for (let end = BLOCK; end <= this.#shortest; end++) {
      const hash = this.#hash(pattern, end);
      this.#shifts[hash] = Math.min(this.#shifts[hash] ?? 0, this.#shortest - end);
      if (end < this.#shortest) continue;
      const same = this.#patterns.get(hash);
      if (same === undefined) this.#patterns.set(hash, [pattern]);
      else same.push(pattern);
    }
  }

  /** The hash of the block that ends before `end`. */
  #hash(text: string, end: number): number {
    let hash = 0;
    for (let at = end - BLOCK; at < end; at++) hash = Math.imul(hash, 0x9e37_79b1) + text.charCodeAt(at);
    return (hash ^ (hash >>> 15)) & (this.#shifts.length - 1);
  }

  /** Where the patterns are, by their start; of those that begin at one place, the longest. */
  findIn(text: string): Span[] {
    const found: Span[] = [];
    for (let end = this.#shortest; end <= text.length; ) {
      const hash = this.#hash(text, end);
      const shift = this.#shifts[hash] ?? 0;
      if (shift === 0) {
        const start = end - this.#shortest;
        const pattern = this.#patterns.get(hash)?.find(each => text.startsWith(each, start));
        if (pattern !== undefined) found.push({ start, end: start + pattern.length });
      }
      end += Math.max(1, shift);
    }
    return found;
  }
}

/** The spans in order, those that overlap as one. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || span.start >= last.end) result.push(span);
    else if (span.end > last.end) result[result.length - 1] = { start: last.start, end: span.end };
  }
  return result;
}
