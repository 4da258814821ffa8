/**
 * Code that recognises the canonical line of one event type: straight lines with constants, where a walk over the schema has loops.
 *
 * Literals between values are merged, the closing quote of a string among them, as far as nothing optional lies between. `at` is
 * where the next byte is, `entry` the next special byte: those of a literal are its quotes and backslashes.
 */
import type { Field } from '../schema.js';
import type { Part } from './event-code.js';
import { SLOTS } from './slots.js';

/** How every canonical line begins. */
export const OPENING = '{"type":"';

/** The parts of an object with their slots; `take` hands out one slot after the other. */
function partsOf(fields: readonly Field[], take: () => number): Part[] {
  return fields.map(field => {
    if (field.shape === undefined) return { field, slot: take(), parts: undefined };
    const slot = field.spec.presence === undefined ? -1 : take();
    return { field, slot, parts: partsOf(field.shape.fields, take) };
  });
}

/** The parts of an event; undefined where it has more values than there are slots. */
export function partsWithinSlots(fields: readonly Field[]): Part[] | undefined {
  let taken = 0;
  const parts = partsOf(fields, () => taken++);
  return taken > SLOTS ? undefined : parts;
}

/** Whether a comma comes before the next field of an object: `open` only where some optional field was there. */
type Comma = 'no' | 'yes' | 'open';

/** Writes the code of `match`. */
export class MatchCode {
  #text = '';
  #literal: string;
  #objects = 0;
  /** The fields whose values are taken as a whole; the code names them by their places. */
  readonly whole: Field[] = [];

  constructor(type: string, parts: readonly Part[]) {
    this.#literal = `${OPENING}${type}"`;
    this.#fields(parts, 'yes');
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

  #fields(parts: readonly Part[], first: Comma): void {
    let comma = first;
    const mark = `any${this.#objects++}`; // whether a field of this object was there
    for (const part of parts) {
      const required = part.field.spec.presence === undefined;
      const key = `"${part.field.name}":`;
      if (comma === 'no' && !required) {
        this.#require('');
        this.#text += `let ${mark} = false;\n`;
        comma = 'open';
      }
      if (comma === 'open') this.#afterOptional(key, part, mark);
      else if (required) this.#required(comma === 'yes' ? `,${key}` : key, part);
      else this.#optional(`,${key}`, part);
      if (required) comma = 'yes';
    }
  }

  #required(key: string, part: Part): void {
    this.#literal += key + opening(part.field);
    this.#value(part);
  }

  #optional(key: string, part: Part): void {
    this.#require('');
    const literal = key + opening(part.field);
    this.#text += `if (${isAtCode(literal)}) { ${passCode(literal)} captures.found |= ${1 << part.slot};\n`;
    this.#value(part);
    this.#require('');
    this.#text += '}\n';
  }

  /** A field whose comma depends on whether there was one before it in its object. */
  #afterOptional(key: string, part: Part, mark: string): void {
    this.#require('');
    const literal = key + opening(part.field);
    const withComma = `,${literal}`;
    const test = `${mark} ? ${isAtCode(withComma)} : ${isAtCode(literal)}`;
    const pass = `if (${mark}) at++; ${passCode(literal)} ${mark} = true;`;
    if (part.field.spec.presence === undefined) {
      this.#text += `if (!(${test})) return -1; ${pass}\n`;
      this.#value(part);
      return;
    }
    this.#text += `if (${test}) { ${pass} captures.found |= ${1 << part.slot};\n`;
    this.#value(part);
    this.#require('');
    this.#text += '}\n';
  }

  #require(text: string): void {
    const literal = this.#literal + text;
    this.#literal = '';
    if (literal !== '') this.#text += `if (!(${isAtCode(literal)})) return -1; ${passCode(literal)}\n`;
  }

  /** Takes a value, of which `opening` has been passed or is in the literal. */
  #value({ field, slot, parts }: Part): void {
    const { spec } = field;
    if (parts !== undefined) {
      this.#fields(parts, 'no');
      this.#literal += '}';
      return;
    }
    this.#require('');
    switch (spec.type) {
      case 'string':
        this.#text += `if (view.getUint8(entries[entry]) !== 0x22 && (entry = captures.closing(entry, ${slot})) < 0) return -1;
          closings[${slot}] = entry; at = entries[entry]; captures.lastText = ${slot};\n`;
        this.#literal = '"';
        break;
      case 'integer':
        this.#text += `if ((at = captures.integer(at, ${slot}, ${spec.min}, ${spec.max})) < 0) return -1;\n`;
        break;
      case 'number':
        this.#text += `if ((at = captures.number(at, ${slot})) < 0) return -1;\n`;
        break;
      case 'boolean':
        this.#oneOf(slot, ['false', 'true']);
        break;
      case 'enum':
        this.#oneOf(
          slot,
          spec.values.map(value => JSON.stringify(value)),
        );
        break;
      default:
        this.#text += `captures.entry = entry;
          if ((at = captures.whole(at, ${slot}, fields[${this.whole.push(field) - 1}])) < 0) return -1;
          entry = captures.entry;\n`;
    }
  }

  #oneOf(slot: number, literals: readonly string[]): void {
    for (const [place, literal] of literals.entries())
      this.#text += `if (${isAtCode(literal)}) { ${passCode(literal)} captures.numbers[${slot}] = ${place}; } else `;
    this.#text += 'return -1;\n';
  }
}

/** How the value of a field begins, whatever it is. */
function opening({ spec, shape }: Field): string {
  return spec.type === 'string' ? '"' : shape === undefined ? '' : '{';
}

/** Goes after a literal that is at `at`. */
function passCode(literal: string): string {
  const specials = literal.match(/["\\]/g)?.length ?? 0;
  return `at += ${Buffer.byteLength(literal)};${specials === 0 ? '' : ` entry += ${2 * specials};`}`;
}

/**
 * Whether a text is at `at`, eight bytes at a time, the last eight perhaps once more. As numbers of 64 bits they are equal when their
 * bits are: eight bytes of UTF-8 without control characters are neither a NaN nor a zero.
 */
export function isAtCode(text: string): string {
  const bytes = Buffer.from(text);
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
