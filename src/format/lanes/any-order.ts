/**
 * The middle lane of decoding: an object of known fields that hold strings and plain integers, in any order, with or without
 * white space, taken apart in its bytes.
 *
 * Promise: what it takes the strict lane accepts with the same result. What it does not take (a stranger's key, `null`, nesting,
 * odd numbers, a key given twice, whatever breaks the schema or is no JSON) is no error, but left to the strict lane.
 */

import { COMMON } from '../check.js';
import type { EventSchema, FieldSpec, RecordSpec, RunEvent } from '../events.js';
import { LF } from '../lines.js';
import { SLOTS } from './canonical.js';
import { compiled, isThere, type Make, makeCode, textCode } from './event-code.js';
import type { Captures } from './line-values.js';

const TYPE_SLOT = 0;
const NONE: readonly Key[] = [];

/** Key and closing quote as bytes. */
interface Key {
  readonly slot: number;
  readonly bytes: Uint8Array;
}

/** The middle lane of one schema. */
export class FlatLane {
  /**
   * The known fields at the top of an event; the place of one in the list is its slot. Names beyond the slots are left to the strict
   * lane, as those of strangers are, and with them the types that have such a field.
   */
  readonly #names: readonly string[];
  /** The keys by their first letter: few names share it. */
  readonly #keys: Key[][] = [];
  readonly #makers = new Map<string, Make<RunEvent | undefined>>();

  constructor(schema: EventSchema) {
    const names = Object.values(schema).flatMap(spec => Object.keys(spec));
    this.#names = [...new Set(['type', ...Object.keys(COMMON), ...names])].slice(0, SLOTS);
    this.#names.forEach((name, slot) => {
      (this.#keys[name.charCodeAt(0)] ??= []).push({ slot, bytes: Buffer.from(`${name}"`) });
    });
    for (const [type, spec] of Object.entries(schema)) {
      if (!Object.keys(spec).every(name => this.#names.includes(name))) continue;
      const make = compiled<Make<RunEvent | undefined>>(this.#code(type, { ...COMMON, ...spec }));
      if (make !== undefined) this.#makers.set(type, make);
    }
  }

  /** Takes the fields of the object in the line that starts at `start`; returns where its newline is, or -1. */
  match(captures: Captures, start: number): number {
    const { view } = captures;
    if (!captures.begin(start)) return -1;
    let at = skipSpace(view, start);
    if (view.getUint8(at) !== OPEN_BRACE) return -1;
    do {
      at = skipSpace(view, at + 1);
      const key = view.getUint8(at) === QUOTE ? this.#keyAt(view, at + 1) : undefined;
      if (key === undefined || (captures.found & (1 << key.slot)) !== 0) return -1;
      captures.found |= 1 << key.slot;
      at = skipSpace(view, at + 1 + key.bytes.length);
      if (view.getUint8(at) !== COLON) return -1;
      at = skipSpace(view, at + 1);
      at = view.getUint8(at) === QUOTE ? captures.string(at + 1, key.slot) : captures.integer(at, key.slot);
      if (at < 0) return -1;
      at = skipSpace(view, at);
    } while (view.getUint8(at) === COMMA);
    if (view.getUint8(at) !== CLOSE_BRACE) return -1;
    const end = skipSpace(view, at + 1);
    return view.getUint8(end) === LF ? end : -1;
  }

  /** Makes the event of the fields taken last; undefined when they are none. */
  make(text: string, origin: number, captures: Captures): RunEvent | undefined {
    if ((captures.found & ~captures.integers & (1 << TYPE_SLOT)) === 0) return undefined;
    return this.#makers.get(captures.text(text, origin, TYPE_SLOT))?.(text, origin, captures);
  }

  #keyAt(view: DataView, at: number): Key | undefined {
    for (const key of this.#keys[view.getUint8(at)] ?? NONE) if (isTextAt(key.bytes, view, at)) return key;
    return undefined;
  }

  /** The code that makes the event of a type, after a look whether the fields are those of that type. */
  #code(type: string, spec: RecordSpec): string {
    const parts = Object.entries(spec).map(([name, field]) => {
      const slot = this.#names.indexOf(name);
      return { name, spec: field, slot, value: takeCode(field, slot) };
    });
    const bits = (wanted: (field: FieldSpec) => boolean) =>
      parts.reduce((before, part) => (wanted(part.spec) ? before | (1 << part.slot) : before), 0);
    const required = bits(({ presence }) => presence === undefined);
    const whole = bits(field => field.type === 'integer');
    const nested = bits(field => field.type === 'list' || field.type === 'object');
    const checks = [
      `if ((found & ${required}) !== ${required} || (found & ${nested}) !== 0) return undefined;`,
      `if ((integers & ${bits(() => true)}) !== (found & ${whole})) return undefined;`,
      ...parts.map(part => checkCode(part)),
    ];
    return makeCode(type, parts, checks.join('\n'));
  }
}

function takeCode(field: FieldSpec, slot: number): string {
  switch (field.type) {
    case 'string':
      return textCode(slot);
    case 'enum':
      return `value${slot}`;
    case 'integer':
      return `numbers[${slot}]`;
    default:
      return '[]';
  }
}

function checkCode(part: { spec: FieldSpec; slot: number }): string {
  const { spec, slot } = part;
  switch (spec.type) {
    case 'integer':
      return `if (${isThere(part)} && numbers[${slot}] > ${spec.max}) return undefined;`;
    case 'enum':
      return `const value${slot} = ${isThere(part)} ? ${textCode(slot)} : '';
        if (${isThere(part)} && !${JSON.stringify(spec.values)}.includes(value${slot})) return undefined;`;
    default:
      return '';
  }
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

function isTextAt(bytes: Uint8Array, view: DataView, at: number): boolean {
  for (let index = 0; index < bytes.length; index++) {
    if (view.getUint8(at + index) !== bytes[index]) return false;
  }
  return true;
}
