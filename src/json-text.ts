/**
 * The text behind a parsed event: finds what `JSON.parse` forgets.
 *
 * Promise: a known key given twice and an integer not written in plain digits are violations, as they are for the
 * reference deserializer. One pass over the text, which is already known to be valid JSON.
 */
import { type Field, label, quote, SchemaViolation, type Shape } from './check.js';

/**
 * Finds in the JSON text of an event what `JSON.parse` does not tell: a known key given twice, and an integer written
 * with a sign, fraction or exponent. `text` must be valid JSON.
 */
export function checkText(text: string, top: Shape): void {
  const levels: Level[] = [];
  let opening: Field | undefined; // the field whose value comes next
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const level = levels.at(-1);
    if (code === QUOTE) {
      const end = closingQuote(text, i);
      const colon = level?.keyed ? skipSpace(text, end + 1) : -1;
      if (level !== undefined && text.charCodeAt(colon) === COLON) {
        opening = level.key(text.slice(i, end + 1));
        if (opening?.spec.type === 'integer') checkInteger(text, colon + 1, level.path(opening));
        i = colon;
      } else {
        i = end;
      }
    } else if (code === OPEN_BRACE) {
      levels.push(objectLevel(top, level, opening));
      opening = undefined;
    } else if (code === OPEN_BRACKET) {
      levels.push(
        opening?.spec.type === 'list' ? new Level(opening.shape, false, opening.name) : STRANGE_ARRAY,
      );
      opening = undefined;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      levels.pop();
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
  #seen: Field[] = [];

  constructor(shape: Shape | undefined, keyed: boolean, at: string) {
    this.shape = shape;
    this.keyed = keyed;
    this.at = at;
  }

  key(quoted: string): Field | undefined {
    if (this.shape === undefined) return undefined;
    const field = this.shape.byName.get(quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1));
    if (field === undefined) return undefined;
    if (this.#seen.includes(field)) {
      throw new SchemaViolation(this.path(field), `duplicate field ${quote(this.path(field))}`);
    }
    this.#seen.push(field);
    return field;
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

function objectLevel(top: Shape, around: Level | undefined, opening: Field | undefined): Level {
  if (around === undefined) return new Level(top, true, '');
  if (!around.keyed)
    return around.shape === undefined ? STRANGE_OBJECT : new Level(around.shape, true, around.at);
  return opening?.shape === undefined ? STRANGE_OBJECT : new Level(opening.shape, true, opening.name);
}
