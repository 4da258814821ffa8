/**
 * The middle lane of decoding: an object of known fields that hold strings and plain integers, in any order, with or without
 * white space, taken apart in its bytes. It tells what `JSON.parse` would, and a key given twice besides.
 *
 * Promise: what it does not take (a stranger's key, `null`, nesting, odd numbers, anything that is no JSON) is no error but
 * left to the strict lane, and what it takes is checked as there, by `takeFields`.
 */
import type { Captures } from './captures.js';
import type { Source } from './check.js';
import { EVENT_SCHEMA, type RecordSpec } from './events.js';
import { LF } from './lines.js';

const specs: RecordSpec[] = Object.values(EVENT_SCHEMA);
/** A known field at the top of an event; its place in the list is its slot. */
const NAMES: readonly string[] = [...new Set(['type', 'id', 'ts', 'run_id', ...specs.flatMap(Object.keys)])];
const SLOT_OF: ReadonlyMap<string, number> = new Map(NAMES.map((name, slot) => [name, slot]));
/** Key and closing quote as bytes, by the first letter: few names share it. */
const KEYS: Key[][] = [];
NAMES.forEach((name, slot) => {
  (KEYS[name.charCodeAt(0)] ??= []).push({ slot, bytes: Buffer.from(`${name}"`) });
});
const NONE: readonly Key[] = [];

interface Key {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

/** Takes the fields of the object in the line that starts at `start`; false when it is left to the strict lane. */
export function matchFlat(captures: Captures, start: number): boolean {
  const { view } = captures;
  if (!captures.begin(start)) return false;
  let at = skipSpace(view, start);
  if (view.getUint8(at) !== OPEN_BRACE) return false;
  do {
    at = skipSpace(view, at + 1);
    const key = view.getUint8(at) === QUOTE ? keyAt(view, at + 1) : undefined;
    if (key === undefined || (captures.found & (1 << key.slot)) !== 0) return false;
    captures.found |= 1 << key.slot;
    at = skipSpace(view, at + 1 + key.bytes.length);
    if (view.getUint8(at) !== COLON) return false;
    at = skipSpace(view, at + 1);
    at = view.getUint8(at) === QUOTE ? captures.string(at + 1, key.slot) : captures.integer(at, key.slot);
    if (at < 0) return false;
    at = skipSpace(view, at);
  } while (view.getUint8(at) === COMMA);
  return view.getUint8(at) === CLOSE_BRACE && view.getUint8(skipSpace(view, at + 1)) === LF;
}

/** The fields taken last, from the text of the line. */
export function flatSource(captures: Captures, line: string): Source {
  return name => {
    const slot = SLOT_OF.get(name) ?? 0;
    return (captures.found & (1 << slot)) === 0 ? undefined : captures.value(line, slot);
  };
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

function skipSpace(view: DataView, from: number): number {
  for (let at = from; ; at++) {
    const byte = view.getUint8(at);
    if (byte !== SPACE && byte !== 0x09 && byte !== 0x0d) return at; // a newline ends the line
  }
}

function keyAt(view: DataView, at: number): Key | undefined {
  for (const key of KEYS[view.getUint8(at)] ?? NONE) if (stands(key.bytes, view, at)) return key;
  return undefined;
}

function stands(bytes: Uint8Array, view: DataView, at: number): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (view.getUint8(at + index) !== bytes[index]) return false;
  }
  return true;
}
