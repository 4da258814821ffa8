/**
 * Values in the bytes of a line: finds where each ends, holds it against the rules of JSON, and keeps what was found.
 *
 * A string ends at the next quote, so it takes no look at its bytes, but one at the next special byte (`specials.ts`); only
 * escapes are looked at.
 *
 * Promise: what is taken has the value that `JSON.parse` gives for those bytes; what is not taken (-1) is no error, but left to
 * the strict lane.
 */
import { takeValue } from '../check.js';
import { LF, LOOK_AHEAD } from '../lines.js';
import type { Field } from '../schema.js';
import { SchemaViolation } from '../violation.js';
import { checkValueText } from '../written-text.js';
import { escapeLength } from './escapes.js';
import { SCRATCH, SLOTS } from './slots.js';
import { positionAt, Specials, unitAt } from './special-bytes.js';
import { textOf } from './text-of.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;
const LOWER_E = 0x65;

/** What was found in one line, by slot; strings as the entries of their closing quotes. */
export class Captures {
  /** The bytes, and those after them as far as they are of the same memory. */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** The next special byte that was not taken yet. */
  entry = 0;
  /** Bits by slot: fields that are there, as the caller marks them. */
  found = 0;
  /** The slot of the last string of a canonical line. */
  lastText = 0;
  /** Bits by slot: strings with escapes. */
  escaped = 0;
  /** Numbers, the places of enum values in their lists, and 1 for `true`. */
  readonly numbers: Float64Array = new Float64Array(SLOTS);
  readonly closings: Int32Array = new Int32Array(SLOTS + 1);
  /** Lists, json and objects, where they are taken as a whole. */
  readonly values: unknown[] = new Array(SLOTS).fill(undefined);
  #bytes: Buffer = Buffer.alloc(0);
  readonly #openings: Int32Array = new Int32Array(SLOTS + 1); // of strings with escapes; that of any other is the entry before
  readonly #specials: Specials = new Specials();
  #first = 0;
  #start = 0;
  #matchable = 0;

  /** Gives the bytes that are looked at from now on: `length` bytes of whole lines of valid UTF-8. */
  use(bytes: Buffer, length: number): void {
    const { buffer, byteOffset } = bytes;
    this.#bytes = bytes;
    this.#specials.use(bytes, length);
    if (this.view.buffer !== buffer || this.view.byteOffset !== byteOffset)
      this.view = new DataView(buffer, byteOffset);
    const last = this.view.byteLength - LOOK_AHEAD - 1; // where the newline of a line may be
    this.#matchable = length <= last ? length : last < 0 ? 0 : bytes.lastIndexOf(LF, last) + 1;
  }

  /** Begins a line; false when it cannot be looked at: it has too many special bytes, or too little memory lies after it. */
  begin(start: number): boolean {
    if (start >= this.#matchable) return false;
    const first = this.#specials.cover(start, this.entry);
    if (first < 0) return false;
    this.entry = this.#first = first;
    this.#start = start;
    this.found = this.escaped = 0;
    return true;
  }

  /** Where the line begins, in UTF-16 units as entries count them. */
  get origin(): number {
    return this.#start - surplusAt(this.#first);
  }

  /** Whether all before the next special byte is ASCII. */
  get ascii(): boolean {
    return surplusAt(this.entry) === surplusAt(this.#first);
  }

  /** Takes the string whose first character is at `start`; returns the position after its closing quote, or -1. */
  string(start: number, slot: number): number {
    while (positionAt(this.entry) < start) this.entry += 2;
    const closing =
      this.view.getUint8(positionAt(this.entry)) === QUOTE ? this.entry : this.closing(this.entry, slot);
    if (closing < 0) return -1;
    this.closings[slot] = closing;
    this.entry = closing + 2;
    return positionAt(closing) + 1;
  }

  /** The closing quote of the string with escapes, the first of which is given as its entry; -1 when one of them is none. */
  closing(first: number, slot: number): number {
    this.#openings[slot] = first - 2;
    this.escaped |= 1 << slot;
    for (let entry = first; ; ) {
      const at = positionAt(entry);
      const byte = this.view.getUint8(at);
      if (byte === QUOTE) return entry;
      const length = byte === BACKSLASH ? escapeLength(this.view, at) : 0; // a control character is no part of a string
      if (length === 0) return -1;
      do entry += 2;
      while (positionAt(entry) < at + length); // the escape of a quote or backslash
    }
  }

  /** The position after the string taken last by `textOfEscaped`. */
  end = 0;

  /** The text of the string whose first character is at `start`, once it has escapes; undefined where it has none, or is no string. */
  textOfEscaped(start: number): string | undefined {
    this.escaped &= ~(1 << SCRATCH);
    this.end = this.string(start, SCRATCH);
    if (this.end < 0 || (this.escaped & (1 << SCRATCH)) === 0) return undefined;
    return JSON.parse(textOf(this.#bytes, false, start - 1, this.end));
  }

  /** Takes an integer in digits; returns the position after it, or -1. */
  integer(start: number, slot: number, min: number, max: number): number {
    const { view } = this;
    const negative = view.getUint8(start) === MINUS;
    const first = negative ? start + 1 : start;
    let at = first;
    let value = 0;
    for (let digit = digitAt(view, at); digit >= 0; digit = digitAt(view, ++at)) value = value * 10 + digit;
    const length = at - first;
    if (length === 0 || (length > 1 && digitAt(view, first) === 0)) return -1;
    if (negative) value = -value;
    if (value < min || value > max || (negative && value === 0)) return -1;
    this.numbers[slot] = value;
    return at;
  }

  /** Takes a number, unless it is -0 or too large; returns the position after it, or -1. */
  number(start: number, slot: number): number {
    const { view } = this;
    let at = view.getUint8(start) === MINUS ? start + 1 : start;
    const whole = at;
    at = this.#digits(at);
    if (at === whole || (at > whole + 1 && digitAt(view, whole) === 0)) return -1;
    if (view.getUint8(at) === POINT) {
      const fraction = at + 1;
      at = this.#digits(fraction);
      if (at === fraction) return -1;
    }
    if ((view.getUint8(at) | 0x20) === LOWER_E) {
      const sign = view.getUint8(at + 1);
      const exponent = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
      at = this.#digits(exponent);
      if (at === exponent) return -1;
    }
    const value = Number(textOf(this.#bytes, true, start, at));
    if (!Number.isFinite(value) || Object.is(value, -0)) return -1;
    this.numbers[slot] = value;
    return at;
  }

  /** The position after the digits at `start`, if there are any. */
  #digits(start: number): number {
    let at = start;
    while (digitAt(this.view, at) >= 0) at++;
    return at;
  }

  /** Takes a list, json or an object as a whole, and checks it as the strict lane does; returns the position after it, or -1. */
  whole(start: number, slot: number, field: Field): number {
    const end = this.skip(start);
    if (end < 0) return -1;
    try {
      const text = textOf(this.#bytes, false, start, end);
      this.values[slot] = takeValue(field, JSON.parse(text), 'wire', field.name);
      checkValueText(text, field);
      while (positionAt(this.entry) < end) this.entry += 2;
      return end;
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof SchemaViolation) return -1;
      throw error;
    }
  }

  /** The position after any value, which may be none; -1 where the line ends before it does. */
  skip(start: number): number {
    let depth = 0;
    for (let at = start; ; ) {
      switch (this.view.getUint8(at)) {
        case QUOTE:
          at = this.string(at + 1, SCRATCH);
          if (at < 0) return -1;
          break;
        case 0x5b: // brackets and braces
        case 0x7b:
          depth++;
          at++;
          break;
        case 0x5d:
        case 0x7d:
          if (depth === 0) return at;
          depth--;
          at++;
          break;
        case 0x2c: // comma
          if (depth === 0) return at;
          at++;
          break;
        case LF:
          return -1;
        default:
          at++;
      }
    }
  }

  /** The entry of the quote that opens a string. */
  opening(slot: number): number {
    return (this.escaped & (1 << slot)) === 0 ? (this.closings[slot] ?? 0) - 2 : (this.#openings[slot] ?? 0);
  }

  /** The text of a string, cut from a text that begins at `origin`. */
  text(line: string, origin: number, slot: number): string {
    const from = unitAt(this.opening(slot)) - origin;
    const to = unitAt(this.closings[slot] ?? 0) - origin;
    return (this.escaped & (1 << slot)) === 0
      ? line.substring(from + 1, to)
      : JSON.parse(line.substring(from, to + 1));
  }

  /** Whether a string may be the one of these bytes, known without making its text; escapes leave that open. */
  mayHold(slot: number, bytes: Uint8Array): boolean {
    if ((this.escaped & (1 << slot)) !== 0) return true;
    const start = positionAt(this.opening(slot)) + 1;
    for (let index = 0; index < bytes.length; index++) {
      if (this.view.getUint8(start + index) !== bytes[index]) return false;
    }
    return true;
  }
}

/** How many bytes before a special one are no UTF-16 unit of their own. */
function surplusAt(entry: number): number {
  return positionAt(entry) - unitAt(entry);
}

function digitAt(view: DataView, at: number): number {
  const digit = view.getUint8(at) - 0x30;
  return digit > 9 ? -1 : digit;
}
