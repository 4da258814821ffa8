/**
 * The text of a parsed event: finds what `JSON.parse` forgets.
 *
 * Promise: a known key given twice and an integer not written in plain digits are violations, as they are for the
 * reference deserializer. One pass over the text, which is already known to be valid JSON.
 */
import type { Field, Shape } from './schema.js';
import { label, quote, SchemaViolation } from './violation.js';

/**
 * Finds in the JSON text of an event what `JSON.parse` does not say: a known key given twice, and an integer written
 * with a plus, a fraction or an exponent. `text` must be valid JSON.
 */
export function checkText(text: string, top: Shape): void {
  walk(text, { shape: top, item: undefined }, checkField);
}

/** The same for the text of one field's value. */
export function checkValueText(text: string, field: Field): void {
  walk(text, field, checkField);
}

function checkField(text: string, level: Level, field: Field, repeated: boolean, from: number): void {
  if (repeated) {
    throw new SchemaViolation(level.path(field), `duplicate field ${quote(level.path(field))}`);
  }
  if (field.spec.type === 'integer') checkInteger(text, from, level.path(field), field.spec.min);
}

const NUMBER = /[ \t\r\n]*(-?[0-9][0-9.eE+-]*)/y;

/**
 * The number at a path as it is written in the JSON text of an event, where `JSON.parse` may have rounded it; that of the last
 * field, where it is given twice. Undefined when no number is there.
 */
export function numberText(text: string, top: Shape, path: string): string | undefined {
  let found: string | undefined;
  walk(text, { shape: top, item: undefined }, (_, level, field, __, from) => {
    if (level.path(field) !== path) return;
    NUMBER.lastIndex = from;
    found = NUMBER.exec(text)?.[1];
  });
  return found;
}

/**
 * Called with each value of a known field, and with each item of a known list: whether the field was there before, and where the value
 * begins, or the white space before it.
 */
type Visit = (text: string, level: Level, field: Field, repeated: boolean, from: number) => void;

/** What the value that is walked must be. */
type Top = Pick<Field, 'shape' | 'item'>;

function walk(text: string, top: Top, visit: Visit): void {
  const levels: Level[] = [];
  let level: Level | undefined;
  let opening: Top | undefined = top; // the value that comes next, where it is a known one
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = closingQuote(text, i);
        const colon = level?.keyed ? skipSpace(text, end + 1) : -1;
        if (level !== undefined && text.charCodeAt(colon) === COLON) {
          const field = level.key(text, i + 1, end);
          if (field !== undefined) visit(text, level, field, level.repeated, colon + 1);
          opening = field;
          i = colon;
        } else {
          i = end;
        }
        break;
      }
      case OPEN_BRACE:
        levels.push((level = objectLevel(level, opening)));
        opening = undefined;
        break;
      case OPEN_BRACKET:
        levels.push((level = arrayLevel(level, opening)));
        opening = nextItem(level, text, i + 1, visit);
        break;
      case COMMA:
        opening = level && nextItem(level, text, i + 1, visit);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        levels.pop();
        level = levels.at(-1);
        break;
    }
  }
}

function nextItem(level: Level, text: string, from: number, visit: Visit): Field | undefined {
  const item = level.next();
  if (item !== undefined) visit(text, level, item, false, from);
  return item;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** An object or array the scan is inside of; `shape` is there where its keys are known, `item` where its items are. */
class Level {
  readonly shape: Shape | undefined;
  readonly keyed: boolean;
  /** Whether the field that `key` gave last was there before. */
  repeated = false;
  readonly #item: Field | undefined;
  readonly #around: Level | undefined;
  readonly #via: string | undefined; // what this is in the level around it
  readonly #seen: number[] = []; // a bit for each field, by its place in the shape
  #expected = 0; // keys mostly come in the order of the schema
  #index = -1; // of an array

  constructor(around: Level | undefined, known: Top, keyed: boolean) {
    this.shape = keyed ? known.shape : undefined;
    this.#item = keyed ? undefined : known.item;
    this.keyed = keyed;
    this.#around = around;
    this.#via = around?.lastKey;
  }

  /** The key, or the index, that came last. */
  get lastKey(): string {
    return this.keyed ? (this.shape?.known[this.#expected - 1]?.name ?? '') : `[${this.#index}]`;
  }

  /** Goes on to the next item of an array; undefined where it is a stranger's. */
  next(): Field | undefined {
    if (this.#item !== undefined) this.#index++;
    return this.#item;
  }

  /** The field that the key between two quotes names, unless it is a stranger's. */
  key(text: string, start: number, end: number): Field | undefined {
    const known = this.shape?.known;
    if (known === undefined) return undefined;
    const place = this.#placeOf(known, text, start, end);
    const field = known[place];
    if (field === undefined) return undefined;
    const word = this.#seen[place >> 5] ?? 0;
    this.repeated = (word & (1 << (place & 31))) !== 0;
    this.#seen[place >> 5] = word | (1 << (place & 31));
    this.#expected = place + 1;
    return field;
  }

  #placeOf(known: readonly Field[], text: string, start: number, end: number): number {
    const expected = known[this.#expected]?.name;
    if (expected?.length === end - start && text.startsWith(expected, start)) return this.#expected;
    const key = text.slice(start, end);
    const name = key.includes('\\') ? JSON.parse(`"${key}"`) : key;
    return known.findIndex(field => field.name === name);
  }

  /** The path of a field in this object, or of the item of this array that came last. */
  path(field: Field): string {
    const at = this.#path();
    if (!this.keyed) return `${at}[${this.#index}]`;
    return at === '' ? field.name : `${at}.${field.name}`;
  }

  #path(): string {
    const at = this.#around === undefined ? '' : this.#around.#path();
    const via = this.#via ?? '';
    return at === '' || via.startsWith('[') ? at + via : `${at}.${via}`;
  }
}

function closingQuote(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); ; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at++;
  return at;
}

const DIGITS = /[ \t\r\n]*-?[0-9]+[ \t\r\n]*(?:[,}\]]|$)/y;

function checkInteger(text: string, from: number, at: string, min: number): void {
  const first = text.charCodeAt(skipSpace(text, from));
  const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
  DIGITS.lastIndex = from;
  if (isNumber && !DIGITS.test(text)) {
    throw new SchemaViolation(at, `${label(at)} must be an integer from ${min} up, written in digits only`);
  }
}

// Shared: a line may hold millions of brackets inside an unknown field.
const UNKNOWN: Top = { shape: undefined, item: undefined };
const STRANGE_OBJECT = new Level(undefined, UNKNOWN, true);
const STRANGE_ARRAY = new Level(undefined, UNKNOWN, false);

function arrayLevel(around: Level | undefined, opening: Top | undefined): Level {
  return opening?.item === undefined ? STRANGE_ARRAY : new Level(around, opening, false);
}

function objectLevel(around: Level | undefined, opening: Top | undefined): Level {
  return opening?.shape === undefined ? STRANGE_OBJECT : new Level(around, opening, true);
}
