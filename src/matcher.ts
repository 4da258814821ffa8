/**
 * The fast lane of decoding: canonical lines, recognised and taken apart by one regular expression for each event type.
 *
 * The expressions are built from the schema. One of them validates a line and captures its fields in a single pass of
 * native code, which is quicker than `JSON.parse` alone, and `JSON.parse` would still have to be checked. What an
 * expression does not match is no error: it goes to the strict lane (`codec.ts`), which decides.
 *
 * Promise: what this lane accepts, the strict lane accepts with the same result. So the expressions take nothing but the
 * canonical form: keys in schema order, no white space, no control characters, integers in digits, and only the escapes
 * that need no further look (a `\u` escape could be half a surrogate pair). A property test holds the lanes together.
 */
import { EVENT_SCHEMA, type FieldSpec, type RecordSpec, type RunEvent } from './events.js';

/** Longer lines go to the strict lane: a long match would need a deep backtracking stack, and gains nothing. */
const MAX_LENGTH = 16_384;

const PLAIN = '"([^"\\\\\\x00-\\x1f]*)"';
const ESCAPED = '"([^"\\\\\\x00-\\x1f]*(?:\\\\["\\\\/bfnrt][^"\\\\\\x00-\\x1f]*)*)"';

/** How one type is matched; `fields` stand in the order of the captures. */
interface Pattern {
  readonly type: string;
  readonly plain: RegExp;
  readonly escaped: RegExp;
  readonly fields: readonly Capture[];
}

/** A field and the number of the capture that holds it, or those of its own fields. */
interface Capture {
  readonly name: string;
  readonly spec: FieldSpec;
  readonly index: number;
  readonly inner: readonly Capture[];
}

/** The event of a canonical line; undefined when the line is not, or may not be, canonical. `text` is well-formed. */
export function matchCanonical(text: string): RunEvent | undefined {
  const pattern = PATTERNS.get(keyOf(text));
  if (pattern === undefined || text.length > MAX_LENGTH) return undefined;
  const escapes = text.includes('\\');
  const match = (escapes ? pattern.escaped : pattern.plain).exec(text);
  if (match === null) return undefined;
  const event: Values = { type: pattern.type, id: match[1], ts: match[2], run_id: match[3] };
  if (escapes) for (const name of COMMON) event[name] = unescaped(String(event[name]));
  return fill(event, pattern.fields, match, escapes) ? (event as RunEvent) : undefined;
}

type Values = { [name: string]: unknown };
const COMMON = ['id', 'ts', 'run_id'] as const;

/** Sets the fields of a record from the captures; false when a number is out of its range. */
function fill(record: Values, fields: readonly Capture[], match: RegExpExecArray, escapes: boolean): boolean {
  for (const { name, spec, index, inner } of fields) {
    const value = match[index];
    if (spec.type === 'object') {
      const object: Values = {};
      if (!fill(object, inner, match, escapes)) return false;
      record[name] = object;
    } else if (value === undefined) {
      if (spec.presence === 'defaulted') record[name] = spec.type === 'list' ? [] : '';
    } else if (spec.type === 'integer') {
      const number = Number(value);
      if (number > spec.max) return false;
      record[name] = number;
    } else {
      record[name] = escapes ? unescaped(value) : value;
    }
  }
  return true;
}

function unescaped(text: string): string {
  return text.includes('\\') ? JSON.parse(`"${text}"`) : text;
}

// Two characters tell the types apart: the first, and the one behind the dot of `pipe.` and `node.`.
function keyOf(text: string): number {
  return text.charCodeAt(TYPE_AT) * 256 + text.charCodeAt(TYPE_AT + 5);
}
const TYPE_AT = '{"type":"'.length;

const PATTERNS: ReadonlyMap<number, Pattern> = new Map(
  Object.entries(EVENT_SCHEMA)
    .map(([type, spec]): Pattern => patternOf(type, spec))
    .map(pattern => [keyOf(`{"type":"${pattern.type}"`), pattern]),
);

function patternOf(type: string, spec: RecordSpec): Pattern {
  const fields = capturesOf(spec, COMMON.length + 1);
  return { type, plain: expressionOf(type, spec, PLAIN), escaped: expressionOf(type, spec, ESCAPED), fields };
}

function capturesOf(spec: RecordSpec, first: number): Capture[] {
  let index = first;
  return Object.entries(spec).map(([name, field]) => {
    const inner = field.type === 'object' ? capturesOf(field.of, index) : [];
    const capture = { name, spec: field, index, inner };
    index += Math.max(1, inner.length);
    return capture;
  });
}

function expressionOf(type: string, spec: RecordSpec, text: string): RegExp {
  const common = COMMON.map(name => `,"${name}":${text}`);
  return new RegExp(`^\\{"type":"${type.replace('.', '\\.')}"${common.join('')}${fieldsOf(spec, text)}\\}$`);
}

function fieldsOf(spec: RecordSpec, text: string): string {
  return Object.entries(spec)
    .map(([name, field]) => {
      const value = `,"${name}":${valuePattern(field, text)}`;
      return field.presence === undefined ? value : `(?:${value})?`;
    })
    .join('');
}

/** One capture for each value. A list never matches: a line that has one goes to the strict lane. */
function valuePattern(field: FieldSpec, text: string): string {
  switch (field.type) {
    case 'string':
      return text;
    case 'enum':
      return `"(${field.values.join('|')})"`;
    case 'integer':
      return '(0|[1-9][0-9]{0,15})';
    case 'object':
      return `\\{${fieldsOf(field.of, text).slice(1)}\\}`;
    case 'list':
      return '([])';
  }
}
