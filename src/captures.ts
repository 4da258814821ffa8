/**
 * Values in the bytes of a line: finds where each ends, holds it against the rules of JSON, and keeps what was found.
 *
 * Bytes are looked at four at a time, as 32-bit words. The tests are those of "Bit Twiddling Hacks" (S. E. Anderson: "a
 * byte less than n", "a byte equal to n"): each byte that passes gets its top bit set. Of several, the lowest is told rightly.
 */

/** The top bit of each byte. */
const TOPS = 0x80808080 | 0;
const ONES = 0x01010101;
const SPACES = 0x20202020;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What was found in one line, by slot. The bytes must be valid UTF-8, with three more readable bytes behind the line. */
export class Captures {
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Lines that end further on have too few readable bytes behind them. */
  limit = 0;
  /** Bits by slot: fields that are there, as the caller marks them. */
  found = 0;
  #integers = 0;
  #escaped = 0;
  /** Integers, and the places of enum values in their lists. */
  readonly numbers: Float64Array;
  // Where strings start, in the bytes, and from where to where they reach: UTF-16 positions in the line.
  readonly #start: Int32Array;
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  #origin = 0;
  #surplus = 0; // the bytes so far that are no UTF-16 unit of their own

  constructor(slots: number) {
    this.numbers = new Float64Array(slots);
    this.#start = new Int32Array(slots);
    this.#from = new Int32Array(slots);
    this.#to = new Int32Array(slots);
  }

  /** Gives the bytes that are looked at from now on; those behind them, of the same memory, may be read, too. */
  use({ buffer, byteOffset }: Uint8Array): void {
    if (this.view.buffer === buffer && this.view.byteOffset === byteOffset) return;
    this.view = new DataView(buffer, byteOffset);
    this.limit = this.view.byteLength - 4;
  }

  /** Begins a line. */
  begin(start: number): void {
    this.found = 0;
    this.#escaped = 0;
    this.#integers = 0;
    this.#origin = start;
    this.#surplus = 0;
  }

  /** Whether every string found so far is ASCII. */
  get ascii(): boolean {
    return this.#surplus === 0;
  }

  /** Takes the string whose first character stands at `start`; returns the position behind its closing quote, or -1. */
  string(start: number, slot: number): number {
    const { view } = this;
    let skipped = this.#origin + this.#surplus;
    let at = start;
    this.#start[slot] = start;
    this.#from[slot] = at - skipped;
    for (;;) {
      const word = view.getInt32(at, true);
      const odd = (word - SPACES) | ((word ^ QUOTES) - ONES) | ((word ^ BACKSLASHES) - ONES);
      if (((odd | word) & TOPS) === 0) {
        at += 4; // four plain characters
        continue;
      }
      const special = odd & ~word & TOPS; // not above ASCII: a control character, a quote, a backslash
      if (special === 0) {
        skipped += surplusOf(word);
        at += 4;
        continue;
      }
      const bits = (31 - Math.clz32(special & -special)) & 24; // those below the lowest of them
      skipped += surplusOf(word & ((1 << bits) - 1));
      at += bits >> 3;
      const byte = view.getUint8(at);
      if (byte === QUOTE) break;
      const length = byte === BACKSLASH ? escapeLength(view, at) : 0;
      if (length === 0) return -1;
      this.#escaped |= 1 << slot;
      at += length;
    }
    this.#to[slot] = at - skipped;
    this.#surplus = skipped - this.#origin;
    return at + 1;
  }

  /** Takes an integer in digits; returns the position behind it, or -1. */
  integer(start: number, slot: number, max: number = Number.MAX_SAFE_INTEGER): number {
    let at = start;
    let value = 0;
    for (let digit = digitAt(this.view, at); digit >= 0; digit = digitAt(this.view, ++at)) {
      value = value * 10 + digit;
    }
    const length = at - start;
    if (length === 0 || value > max || (length > 1 && digitAt(this.view, start) === 0)) return -1;
    this.numbers[slot] = value;
    this.#integers |= 1 << slot;
    return at;
  }

  /** The text of a string, cut from the text of the line. */
  text(line: string, slot: number): string {
    const raw = line.substring(this.#from[slot] ?? 0, this.#to[slot] ?? 0);
    return (this.#escaped & (1 << slot)) === 0 ? raw : JSON.parse(`"${raw}"`);
  }

  /** What was taken for a slot: a text, or an integer. */
  value(line: string, slot: number): string | number | undefined {
    return (this.#integers & (1 << slot)) === 0 ? this.text(line, slot) : this.numbers[slot];
  }

  /** Whether a string may be the one of these bytes, told without making its text; escapes leave that open. */
  mayHold(slot: number, bytes: Uint8Array): boolean {
    if ((this.#escaped & (1 << slot)) !== 0) return true;
    const start = this.#start[slot] ?? 0;
    return bytes.every((byte, index) => this.view.getUint8(start + index) === byte);
  }
}

/** The inner bytes of characters, less one for each character of four bytes: that one has two UTF-16 units. */
function surplusOf(word: number): number {
  if ((word & TOPS) === 0) return 0;
  const inner = word & ~(word << 1) & TOPS;
  const four = word & (word << 1) & (word << 2) & (word << 3) & TOPS;
  return topsIn(inner) - topsIn(four);
}

function topsIn(tops: number): number {
  return Math.imul(tops >>> 7, ONES) >>> 24;
}

function digitAt(view: DataView, at: number): number {
  const digit = view.getUint8(at) - 0x30;
  return digit > 9 ? -1 : digit;
}

/** The length of the escape at a backslash; 0 when it is none, or half of a surrogate pair. */
function escapeLength(view: DataView, at: number): number {
  switch (view.getUint8(at + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b, f, n, r, t
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75: // u
      return unitLength(view, at);
    default:
      return 0;
  }
}

function unitLength(view: DataView, at: number): number {
  let unit = 0;
  for (let digit = at + 2; digit < at + 6; digit++) {
    const value = hexAt(view, digit);
    if (value < 0) return 0;
    unit = unit * 16 + value;
  }
  return unit >= 0xd800 && unit <= 0xdfff ? 0 : 6;
}

function hexAt(view: DataView, at: number): number {
  const byte = view.getUint8(at);
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
