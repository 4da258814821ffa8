/**
 * The schema, compiled: for each event type a function that recognises its canonical line, and one that makes the event.
 *
 * Code made for one type does in straight lines, with constants, what a walk over the schema does in loops. The text of the
 * functions comes from the schema and nothing else. Where the process forbids making code from text there are no templates:
 * the strict lane does all the work.
 *
 * Promise: `match` takes no line but one that the strict lane takes as an event of the type, and `make` gives that event.
 */

import { COMMON } from '../check.js';
import type { EventSchema, EventType, FieldSpec, RecordSpec, RunEvent } from '../events.js';
import { compiled, isThere, type Make, makeCode, type Part, textCode } from './event-code.js';
import type { Captures } from './line-values.js';

/** How the lines of one event type are recognised, and made into events. */
export interface Template {
  readonly type: EventType;
  /** Whether the line that was matched last may be of the node whose id, with a quote after it, is given. */
  readonly mayBeOfNode: (captures: Captures, idAndQuote: Uint8Array) => boolean;
  /** Takes the values of the line that `captures` has begun; returns the position after it, or -1 when it is not canonical. */
  readonly match: (view: DataView, start: number, captures: Captures) => number;
  /** The slot of the last string of the line that was matched last. */
  readonly lastText: (captures: Captures) => number;
  /** Makes the event of the line that was matched last. */
  readonly make: Make<RunEvent>;
}

/** The templates of one schema, each compiled when a line is met that may be of its type. */
export class Templates {
  readonly #schema: EventSchema;
  readonly #buckets: (readonly Template[] | undefined)[] = [];

  constructor(schema: EventSchema) {
    this.#schema = schema;
  }

  /** The templates of the types whose line may start like this one. */
  startingLike(view: DataView, start: number): readonly Template[] {
    const bucket = bucketOf(view.getUint8(start + TYPE_AT), view.getUint8(start + DISTINCT_AT));
    return this.#buckets[bucket] ?? this.#fill(bucket);
  }

  #fill(bucket: number): readonly Template[] {
    const templates: Template[] = [];
    for (const [type, spec] of Object.entries(this.#schema)) {
      const start = `${type}"${AFTER_TYPE}`;
      if (bucketOf(start.charCodeAt(0), start.charCodeAt(DISTINCT_AT - TYPE_AT)) !== bucket) continue;
      if (slotsOf({ ...COMMON, ...spec }) > SLOTS) continue; // left to the strict lane
      const template = compiled<Template>(templateCode(type, spec));
      if (template !== undefined) templates.push(template);
    }
    this.#buckets[bucket] = templates;
    return templates;
  }
}

const OPENING = '{"type":"';
const TYPE_AT = OPENING.length;
const DISTINCT_AT = TYPE_AT + 'pipe.'.length; // what is after `pipe.` and `node.` differs in most types
/** What comes after the type, at least as long as a short type leaves it to differ. */
const AFTER_TYPE = `,"${Object.keys(COMMON)[0]}":`;

function bucketOf(first: number, second: number): number {
  return (first * 8 + second) & 0xff;
}

/** Slots are numbers of one type's values in the order of the line; sets of them are the bits of a positive number. */
export const SLOTS = 31;

/**
 * Writes the code of `match`. Literals between values are merged, the closing quote of a string among them, as far as nothing
 * optional lies between. `at` is where the next byte is, `entry` the next special byte: those of a literal are its quotes.
 */
class MatchCode {
  #text = '';
  #literal: string;
  #slot = 0;

  constructor(type: string, spec: RecordSpec) {
    this.#literal = `${OPENING}${type}"`;
    this.#fields({ ...COMMON, ...spec }, ',');
    this.#require('}');
  }

  toString(): string {
    return `(view, start, captures) => {
      const { closings } = captures;
      let { entry } = captures;
      let at = start;
      ${this.#text}
      captures.entry = entry;
      return at;
    }`;
  }

  #fields(spec: RecordSpec, before: string): void {
    for (const [index, [name, field]] of Object.entries(spec).entries()) {
      const key = `${index === 0 ? before : ','}"${name}":`;
      if (field.presence === undefined) this.#required(key, field);
      else this.#optional(key, field);
    }
  }

  #required(key: string, field: FieldSpec): void {
    if (field.type === 'object') {
      this.#literal += `${key}{`;
      this.#fields(field.of, '');
      this.#literal += '}';
    } else {
      this.#require(field.type === 'string' ? `${key}"` : key);
      this.#value(field, this.#slot++);
    }
  }

  #optional(key: string, field: FieldSpec): void {
    this.#require('');
    const slot = this.#slot++;
    const literal = field.type === 'string' ? `${key}"` : key;
    this.#text += `if (${standsCode(literal)}) { ${passCode(literal)} captures.found |= ${1 << slot};\n`;
    this.#value(field, slot);
    this.#require('');
    this.#text += '}\n';
  }

  #require(text: string): void {
    const literal = this.#literal + text;
    this.#literal = '';
    if (literal !== '') this.#text += `if (!(${standsCode(literal)})) return -1; ${passCode(literal)}\n`;
  }

  /** Takes a value. A list is left to the other lanes. */
  #value(field: FieldSpec, slot: number): void {
    switch (field.type) {
      case 'string':
        this.#text += `if (view.getUint8(entries[entry]) !== 0x22 && (entry = captures.closing(entry, ${slot})) < 0) return -1;
          closings[${slot}] = entry; at = entries[entry];\n`;
        this.#literal = '"';
        break;
      case 'integer':
        this.#text += `if ((at = captures.integer(at, ${slot}, ${field.max})) < 0) return -1;\n`;
        break;
      case 'enum':
        for (const [place, value] of field.values.entries()) {
          const literal = JSON.stringify(value);
          this.#text += `if (${standsCode(literal)}) { ${passCode(literal)} captures.numbers[${slot}] = ${place}; } else `;
        }
        this.#text += 'return -1;\n';
        break;
      default:
        this.#text += 'return -1;\n';
    }
  }
}

/** Goes after a literal that is at `at`. */
function passCode(literal: string): string {
  const quotes = literal.split('"').length - 1;
  return `at += ${literal.length}; entry += ${2 * quotes};`;
}

/**
 * Whether an ASCII text is at `at`, eight bytes at a time, the last eight perhaps once more. As numbers of 64 bits they are equal
 * when their bits are: ASCII makes neither a NaN nor a zero.
 */
function standsCode(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const step = bytes.length >= 8 ? 8 : bytes.length >= 4 ? 4 : 1;
  const tests: string[] = [];
  for (let offset = 0; offset < bytes.length; offset += step) {
    const place = Math.min(offset, bytes.length - step);
    tests.push(
      step === 8
        ? `view.getFloat64(at + ${place}, true) === ${bytes.readDoubleLE(place)}`
        : step === 4
          ? `view.getInt32(at + ${place}, true) === ${bytes.readInt32LE(place)}`
          : `view.getUint8(at + ${place}) === ${bytes[place]}`,
    );
  }
  return tests.join(' && ');
}

function slotsOf(spec: RecordSpec): number {
  return Object.values(spec).reduce(
    (sum, field) => sum + (field.type === 'object' ? slotsOf(field.of) : 1),
    0,
  );
}

/** Gives the fields their slots, as `MatchCode` does. */
function partsOf(spec: RecordSpec, first = 0): Part[] {
  let slot = first;
  return Object.entries(spec).map(([name, field]) => {
    if (field.type !== 'object') return { spec: field, name, slot, value: takeCode(field, slot++) };
    const inner = partsOf(field.of, slot);
    slot += inner.length;
    return { spec: field, name, slot: -1, value: `{ ${inner.map(each => `${each.name}: ${each.value}`)} }` };
  });
}

function takeCode(field: FieldSpec, slot: number): string {
  switch (field.type) {
    case 'string':
      return textCode(slot);
    case 'enum':
      return `${JSON.stringify(field.values)}[numbers[${slot}]]`;
    case 'integer':
      return `numbers[${slot}]`;
    default:
      return '[]';
  }
}

/** The code of `lastText`: optional fields come last, if at all. */
function lastTextCode(parts: readonly Part[]): string {
  return parts
    .filter(({ spec }) => spec.type === 'string')
    .reduce(
      (before, part) =>
        part.spec.presence === undefined ? `${part.slot}` : `${isThere(part)} ? ${part.slot} : (${before})`,
      '',
    );
}

/** The code of `mayBeOfNode`: only texts can be compared without being made. */
function mayBeOfNodeCode(parts: readonly Part[]): string {
  const part = parts.find(({ name }) => name === 'node_id');
  if (part?.spec.type !== 'string') return `${part !== undefined}`;
  const holds = `captures.mayHold(${part.slot}, idAndQuote)`;
  return part.spec.presence === undefined ? holds : `(captures.found & ${1 << part.slot}) !== 0 && ${holds}`;
}

function templateCode(type: string, spec: RecordSpec): string {
  const parts = partsOf({ ...COMMON, ...spec });
  return `{
    type: ${JSON.stringify(type)},
    mayBeOfNode: (captures, idAndQuote) => ${mayBeOfNodeCode(parts)},
    match: ${new MatchCode(type, spec)},
    lastText: ({ found }) => ${lastTextCode(parts)},
    make: ${makeCode(type, parts)},
  }`;
}
