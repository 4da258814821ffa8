/**
 * The text of a parsed event: finds what `JSON.parse` forgets.
 *
 * Promise: a known key given twice and an integer not written in plain digits are violations, as they are for the
 * reference deserializer. One pass over the text, which is already known to be valid JSON.
 */
import { type Field, label, quote, SchemaViolation, type Shape } from './check.js';

/**
 * Finds in the JSON text of an event what `JSON.parse` does not say: a known key given twice, and an integer written
 * with a sign, fraction or exponent. `text` must be valid JSON.
 */
export function checkText(text: string, top: Shape): void {
  walk(text, top, checkField);
}

function checkField(text: string, level: Level, field: Field, repeated: boolean, from: number): void {
  if (repeated) {
    throw new SchemaViolation(level.path(field), `duplicate field ${quote(level.path(field))}`);
  }
  if (field.spec.type === 'integer') checkInteger(text, from, level.path(field));
}

const NUMBER = /[ \t\r\n]*(-?[0-9][0-9.eE+-]*)/y;

/**
 * The number at a path as it is written in the JSON text of an event, where `JSON.parse` may have rounded it; that of the last
 * field, where it is given twice. Undefined when no number is there.
 */
export function numberText(text: string, top: Shape, path: string): string | undefined {
  let found: string | undefined;
  walk(text, top, (_, level, field, __, from) => {
    if (level.path(field) !== path) return;
    NUMBER.lastIndex = from;
    found = NUMBER.exec(text)?.[1];
  });
  return found;
}

/** Called with each known field: whether it was there before, and where its value begins, or the white space before it. */
type Visit = (text: string, level: Level, field: Field, repeated: boolean, from: number) => void;

function walk(text: string, top: Shape, visit: Visit): void {
  const levels: Level[] = [];
  let level: Level | undefined;
  let opening: Field | undefined; // the field whose value comes next
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const end = closingQuote(text, i);
        const colon = level?.keyed ? skipSpace(text, end + 1) : -1;
        if (level !== undefined && text.charCodeAt(colon) === COLON) {
          opening = level.key(text, i + 1, end);
          if (opening !== undefined) visit(text, level, opening, level.repeated, colon + 1);
          i = colon;
        } else {
          i = end;
        }
        break;
      }
      case OPEN_BRACE:
        levels.push((level = objectLevel(top, level, opening)));
        opening = undefined;
        break;
      case OPEN_BRACKET:
        levels.push((level = arrayLevel(opening)));
        opening = undefined;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        levels.pop();
        level = levels.at(-1);
        break;
    }
  }
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** An object or array the scan is inside of; `shape` is set where its keys, or those of its items, are known. */
class Level {
  readonly shape: Shape | undefined;
  readonly keyed: boolean;
  readonly at: string;
  /** Whether the field that `key` gave last was there before. */
  repeated = false;
  #seen = 0; // a bit for each field, by its place in the shape
  #expected = 0; // keys mostly come in the order of the schema

  constructor(shape: Shape | undefined, keyed: boolean, at: string) {
    this.shape = shape;
    this.keyed = keyed;
    this.at = at;
  }

  /** The field that the key between two quotes names, unless it is a stranger's. */
  key(text: string, start: number, end: number): Field | undefined {
    const known = this.shape?.known;
    if (known === undefined) return undefined;
    const place = this.#placeOf(known, text, start, end);
    const field = known[place];
    if (field === undefined) return undefined;
    this.repeated = (this.#seen & (1 << place)) !== 0;
    this.#seen |= 1 << place;
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

  path(field: Field): string {
    return this.at === '' ? field.name : `${this.at}.${field.name}`;
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

const DIGITS = /[ \t\r\n]*[0-9]+[ \t\r\n]*[,}]/y;

function checkInteger(text: string, from: number, at: string): void {
  const first = text.charCodeAt(skipSpace(text, from));
  const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39);
  DIGITS.lastIndex = from;
  if (isNumber && !DIGITS.test(text)) {
    throw new SchemaViolation(at, `${label(at)} must be an integer from 0 up, written in digits only`);
  }
}

// Shared: a line may hold millions of brackets inside an unknown field.
const STRANGE_OBJECT = new Level(undefined, true, '');
const STRANGE_ARRAY = new Level(undefined, false, '');

function arrayLevel(opening: Field | undefined): Level {
  return opening?.spec.type === 'list' ? new Level(opening.shape, false, opening.name) : STRANGE_ARRAY;
}

function objectLevel(top: Shape, around: Level | undefined, opening: Field | undefined): Level {
  if (around === undefined) return new Level(top, true, '');
  if (!around.keyed)
    return around.shape === undefined ? STRANGE_OBJECT : new Level(around.shape, true, around.at);
  return opening?.shape === undefined ? STRANGE_OBJECT : new Level(opening.shape, true, opening.name);
}
