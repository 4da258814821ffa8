/**
 * The schema, compiled: for each event type a function that recognises its canonical line, and one that makes the event.
 *
 * Code made for one type does in straight lines, with constants, what a walk over the schema does in loops; that takes a fifth
 * off the time of decoding. The text of the functions comes from `EVENT_SCHEMA` and nothing else. Where the process forbids
 * making code from text (`--disallow-code-generation-from-strings`) there are no templates: the other lanes do all the work.
 */
import type { Captures } from './captures.js';
import {
  EVENT_SCHEMA,
  EVENT_TYPES,
  type EventType,
  type FieldSpec,
  type RecordSpec,
  type RunEvent,
} from './events.js';

/** How the lines of one event type are recognised, and made into events. */
export interface Template {
  readonly type: EventType;
  readonly hasNodeId: boolean;
  /** Takes the values of a canonical line; false when it is none. */
  readonly match: (view: DataView, start: number, end: number, captures: Captures) => boolean;
  /** Makes the event of the line that was matched last, from its text. */
  readonly make: (line: string, captures: Captures) => RunEvent;
}

/** No line of an event is shorter. */
export const SHORTEST_LINE = 40;

/** The templates of the types whose line may start like this one; it has at least `SHORTEST_LINE` bytes. */
export function templatesFor(view: DataView, start: number): readonly Template[] {
  return BUCKETS[bucketOf(view.getUint8(start + TYPE_AT), view.getUint8(start + TELLING_AT))] ?? NONE;
}

const OPENING = '{"type":"';
const TYPE_AT = OPENING.length;
const TELLING_AT = TYPE_AT + 'pipe.'.length; // what is behind `pipe.` and `node.` tells most types apart
const NONE: readonly Template[] = [];

function bucketOf(first: number, second: number): number {
  return (first * 8 + second) & 0xff;
}

const COMMON: RecordSpec = { id: { type: 'string' }, ts: { type: 'string' }, run_id: { type: 'string' } };

/** The slot of `node_id`, which comes first behind the common fields where an event has it. */
export const NODE_ID_SLOT: number = Object.keys(COMMON).length;
/** Slots are numbers of one type's values in the order of the line; sets of them are bits. */
export const SLOTS = 31;

/** Writes the code of `match`: literals between values are merged, as far as nothing optional lies between. */
class MatchCode {
  #text = '';
  #literal: string;
  #slot = 0;

  constructor(type: EventType, spec: RecordSpec) {
    this.#literal = `${OPENING}${type}"`;
    this.#fields({ ...COMMON, ...spec }, ',');
    this.#require('}');
  }

  toString(): string {
    return `(view, start, end, captures) => { let at = start; ${this.#text} return at === end; }`;
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
      this.#text += valueCode(field, this.#slot++);
    }
  }

  #optional(key: string, field: FieldSpec): void {
    this.#require('');
    const slot = this.#slot++;
    const literal = field.type === 'string' ? `${key}"` : key;
    this.#text += `if (${standsCode(literal)}) { at += ${literal.length}; captures.found |= ${1 << slot}; ${valueCode(field, slot)} }\n`;
  }

  #require(text: string): void {
    const literal = this.#literal + text;
    this.#literal = '';
    if (literal !== '')
      this.#text += `if (!(${standsCode(literal)})) return false; at += ${literal.length};\n`;
  }
}

/** Whether an ASCII text stands at `at`, a word at a time. */
function standsCode(text: string): string {
  const tests = [`at + ${text.length} <= end`];
  for (let offset = 0; offset < text.length; offset += 4) {
    const bytes = Buffer.alloc(4);
    const length = bytes.write(text.slice(offset, offset + 4), 'latin1');
    const mask = length === 4 ? '' : ` & ${2 ** (8 * length) - 1}`;
    tests.push(`(view.getInt32(at + ${offset}, true)${mask}) === ${bytes.readInt32LE()}`);
  }
  return tests.join(' && ');
}

/** Takes a value at `at`. A list is left to the strict lane. */
function valueCode(field: FieldSpec, slot: number): string {
  switch (field.type) {
    case 'string':
      return `if ((at = captures.string(at, ${slot})) < 0) return false;\n`;
    case 'integer':
      return `if ((at = captures.integer(at, ${slot}, ${field.max})) < 0) return false;\n`;
    case 'enum':
      return field.values
        .map((value, place) => {
          const literal = JSON.stringify(value);
          return `if (${standsCode(literal)}) { at += ${literal.length}; captures.numbers[${slot}] = ${place}; } else `;
        })
        .concat('return false;\n')
        .join('');
    default:
      return 'return false;\n';
  }
}

/** Writes the code of `make`: what is always there in an object literal, the rest behind it. */
function makeCode(type: EventType, spec: RecordSpec): string {
  let slot = 0;
  const record = (fields: RecordSpec, first: string): { literal: string; more: string } => {
    let literal = first;
    let more = '';
    for (const [name, field] of Object.entries(fields)) {
      const value = field.type === 'object' ? record(field.of, '').literal : takeCode(field, slot++);
      if (field.presence === undefined && more === '') literal += `${name}: ${value}, `;
      else if (field.presence === undefined) more += `event.${name} = ${value};\n`;
      else {
        const otherwise =
          field.presence === 'optional' ? '' : `else event.${name} = ${field.type === 'list' ? '[]' : "''"};`;
        more += `if (captures.found & ${1 << (slot - 1)}) event.${name} = ${value}; ${otherwise}\n`;
      }
    }
    return { literal: `{ ${literal} }`, more };
  };
  const { literal, more } = record({ ...COMMON, ...spec }, `type: ${JSON.stringify(type)}, `);
  return `(line, captures) => { const event = ${literal};\n${more} return event; }`;
}

function takeCode(field: FieldSpec, slot: number): string {
  switch (field.type) {
    case 'string':
      return `captures.text(line, ${slot})`;
    case 'enum':
      return `values${slot}[captures.numbers[${slot}]]`;
    case 'integer':
      return `captures.numbers[${slot}]`;
    default:
      return '[]';
  }
}

const BUCKETS: Template[][] = [];
for (const type of EVENT_TYPES) {
  const template = compiled(type, EVENT_SCHEMA[type]);
  const bucket = bucketOf(type.charCodeAt(0), type.charCodeAt(TELLING_AT - TYPE_AT));
  if (template !== undefined) (BUCKETS[bucket] ??= []).push(template);
}

/** The values of each enum, where code can find them by slot. */
function valuesCode(spec: RecordSpec): string {
  const leaves = (record: RecordSpec): FieldSpec[] =>
    Object.values(record).flatMap(field => (field.type === 'object' ? leaves(field.of) : [field]));
  return leaves({ ...COMMON, ...spec })
    .map((field, slot) =>
      field.type === 'enum' ? `const values${slot} = ${JSON.stringify(field.values)};\n` : '',
    )
    .join('');
}

function compiled(type: EventType, spec: RecordSpec): Template | undefined {
  const parts = [
    `type: ${JSON.stringify(type)}`,
    `hasNodeId: ${Object.keys(spec)[0] === 'node_id'}`,
    `match: ${new MatchCode(type, spec)}`,
    `make: ${makeCode(type, spec)}`,
  ];
  try {
    return new Function(`${valuesCode(spec)}return { ${parts.join(',\n')} };`)();
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
