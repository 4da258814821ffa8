/**
 * The middle lane of decoding: an object of known fields in any order, with or without white space, taken apart in its bytes.
 *
 * Promise: what it takes the strict lane accepts with the same result. What it does not take (a stranger's key, `null`, odd
 * numbers, a key given twice, whatever breaks the schema or is no JSON) is no error, but left to the strict lane.
 */

import { LF } from '../lines.js';
import { type Field, type LogEvent, type Shape, TAG } from '../schema.js';
import { compiled, type Make, makeCode, type Part } from './event-code.js';
import type { Captures } from './line-values.js';
import { isAtCode } from './match-code.js';
import { SLOTS } from './slots.js';
import { positionAt } from './special-bytes.js';

/** A field of a type: its key and closing quote as bytes, its slot, and the words it may hold. */
interface Key {
  readonly field: Field;
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly words: readonly Word[];
}

const NO_TYPES: readonly TypeWord[] = [];
const TYPE_KEY = Buffer.from('type"');
/** `type` as a number: it is looked for at each quote of a line. */
const TYPE_NUMBER = TYPE_KEY.readInt32LE(0);

/** A word with its quotes. */
interface Word {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** A type with a quote after it as bytes, and its lane once a line has asked for it; null where it has none. */
interface TypeWord {
  readonly shape: Shape;
  readonly bytes: Uint8Array;
  lane: FlatType | null | undefined;
}

/** The middle lane of one vocabulary. */
export class FlatLane {
  /** The types by their lengths. */
  readonly #types: TypeWord[][] = [];

  constructor(shapes: ReadonlyMap<string, Shape>) {
    for (const [type, shape] of shapes) {
      (this.#types[type.length] ??= []).push({ shape, bytes: Buffer.from(`${type}"`), lane: undefined });
    }
  }

  /**
   * The type of the object in the line that starts at `start`: what comes after the first `"type":` there is. Where that is inside
   * another value, matching fails. Undefined where no type of the vocabulary is named.
   */
  typeAt(captures: Captures, start: number): FlatType | undefined {
    const { view } = captures;
    if (!captures.begin(start)) return undefined;
    for (let { entry } = captures; ; entry += 2) {
      const quote = positionAt(entry);
      const byte = view.getUint8(quote);
      if (byte === LF) return undefined;
      if (byte !== QUOTE || view.getInt32(quote + 1, true) !== TYPE_NUMBER) continue;
      if (view.getUint8(quote + TYPE_KEY.length) !== QUOTE) continue;
      const colon = skipSpace(view, quote + 1 + TYPE_KEY.length);
      if (view.getUint8(colon) !== COLON) continue;
      const value = skipSpace(view, colon + 1);
      if (view.getUint8(value) !== QUOTE) return undefined;
      while (positionAt(entry) < value) entry += 2;
      const end = positionAt(entry + 2);
      if (view.getUint8(end) !== BACKSLASH) return this.#typeBetween(view, value + 1, end);
      const text = captures.textOfEscaped(value + 1);
      return laneOf(this.#types[text?.length ?? 0]?.find(({ shape }) => shape.tag === text));
    }
  }

  #typeBetween(view: DataView, start: number, end: number): FlatType | undefined {
    for (const type of this.#types[end - start] ?? NO_TYPES)
      if (isTextAt(type.bytes, view, start)) return laneOf(type);
    return undefined;
  }
}

function laneOf(type: TypeWord | undefined): FlatType | undefined {
  if (type === undefined) return undefined;
  if (type.lane === undefined) type.lane = FlatType.of(type.shape) ?? null;
  return type.lane ?? undefined;
}

/** The slot of the key whose first letter is at `at`; -1 where there is none of the type's. */
type SlotAt = (view: DataView, at: number) => number;

/** The middle lane of one event type. */
export class FlatType {
  readonly #make: Make<LogEvent>;
  readonly #slotAt: SlotAt;
  /** Bits by slot: the fields that must be there. */
  readonly #required: number;
  /** The keys by slot. */
  readonly #keys: readonly Key[];

  private constructor(parts: readonly Part[], make: Make<LogEvent>, slotAt: SlotAt) {
    this.#make = make;
    this.#slotAt = slotAt;
    this.#keys = parts.map(({ field, slot }) => {
      const { name, spec } = field;
      const words = spec.type === 'enum' ? spec.values.map(wordOf) : [];
      return { field, slot, bytes: Buffer.from(`${name}"`), words };
    });
    const required = parts.filter(({ field }) => field.spec.presence === undefined);
    this.#required = required.reduce((bits, { slot }) => bits | (1 << slot), 0);
  }

  /** Undefined where it has more fields than there are slots, or nothing may be compiled. */
  static of(shape: Shape): FlatType | undefined {
    if (shape.known.length > SLOTS) return undefined;
    const tag: Field = { ...TAG, spec: { type: 'enum', values: [shape.tag ?? ''] } };
    const parts = [tag, ...shape.fields].map((field, slot) => ({ field, slot, parts: undefined }));
    const make = compiled<Make<LogEvent>>(makeCode(shape.tag ?? '', parts.slice(1)));
    const slotAt = compiled<SlotAt>(slotAtCode(parts));
    return make === undefined || slotAt === undefined ? undefined : new FlatType(parts, make, slotAt);
  }

  /** Takes the fields of the object in the line that starts at `start`; returns where its newline is, or -1. */
  match(captures: Captures, start: number): number {
    const { view } = captures;
    if (!captures.begin(start)) return -1;
    let at = skipSpace(view, start);
    if (view.getUint8(at) !== OPEN_BRACE) return -1;
    do {
      at = skipSpace(view, at + 1);
      const key = view.getUint8(at) === QUOTE ? this.#keys[this.#slotAt(view, at + 1)] : undefined;
      if (key === undefined || (captures.found & (1 << key.slot)) !== 0) return -1;
      captures.found |= 1 << key.slot;
      at = skipSpace(view, at + 1 + key.bytes.length);
      if (view.getUint8(at) !== COLON) return -1;
      at = value(captures, skipSpace(view, at + 1), key);
      if (at < 0) return -1;
      at = skipSpace(view, at);
    } while (view.getUint8(at) === COMMA);
    if (view.getUint8(at) !== CLOSE_BRACE || (captures.found & this.#required) !== this.#required) return -1;
    const end = skipSpace(view, at + 1);
    return view.getUint8(end) === LF ? end : -1;
  }

  /** Makes the event of the fields taken last. */
  make(text: string, captures: Captures): LogEvent {
    return this.#make(text, captures.origin, captures);
  }
}

/** The code of a `SlotAt`: the keys by their first letter, which few of them share. */
function slotAtCode(parts: readonly Part[]): string {
  const cases = new Map<number, string>();
  for (const { field, slot } of parts) {
    const letter = field.name.charCodeAt(0);
    const test = `if (${isAtCode(`${field.name}"`)}) return ${slot};`;
    cases.set(letter, `${cases.get(letter) ?? ''} ${test}`);
  }
  const code = [...cases].map(([letter, tests]) => `case ${letter}: ${tests} break;`);
  return `(view, at) => { switch (view.getUint8(at)) { ${code.join('\n')} } return -1; }`;
}

/** Takes the value of a field; returns the position after it, or -1. */
function value(captures: Captures, at: number, { field, slot, words }: Key): number {
  const { view } = captures;
  const { spec } = field;
  switch (spec.type) {
    case 'string':
      return view.getUint8(at) === QUOTE ? captures.string(at + 1, slot) : -1;
    case 'integer':
      return captures.integer(at, slot, spec.min, spec.max);
    case 'number':
      return captures.number(at, slot);
    case 'boolean':
      return oneOf(BOOLEANS, captures, at, slot);
    case 'enum':
      return oneOf(words, captures, at, slot);
    default:
      return captures.whole(at, slot, field);
  }
}

const BOOLEANS: readonly Word[] = ['false', 'true'].map(text => ({ text, bytes: Buffer.from(text) }));

function wordOf(text: string): Word {
  return { text, bytes: Buffer.from(JSON.stringify(text)) };
}

function oneOf(words: readonly Word[], captures: Captures, at: number, slot: number): number {
  const { view } = captures;
  for (let place = 0; place < words.length; place++) {
    const bytes = words[place]?.bytes;
    if (bytes === undefined || !isTextAt(bytes, view, at)) continue;
    captures.numbers[slot] = place;
    return at + bytes.length;
  }
  if (view.getUint8(at) !== QUOTE) return -1;
  const text = captures.textOfEscaped(at + 1); // written in another way, it may still be one of them
  const place = words.findIndex(word => word.text === text);
  captures.numbers[slot] = place;
  return place < 0 ? -1 : captures.end;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
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

function isTextAt(bytes: Uint8Array, view: DataView, at: number): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (view.getUint8(at + index) !== bytes[index]) return false;
  }
  return true;
}
