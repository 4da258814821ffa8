/**
 * The strict checker: holds values, and the text they came from, against the schema.
 *
 * Promise: append is as strict as decode. Both go through `takeRecord`, which reads each known field once, copies it,
 * and throws a `SchemaViolation` that names the field. Knows neither files nor lines.
 */
import type { FieldSpec, RecordSpec } from './events.js';

/** A value or text that breaks the schema; callers turn it into the public error of their side. */
export class SchemaViolation extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}

/** A number that breaks the schema. The value may have been rounded when the line was parsed: whoever has the line reports it as written. */
export class NumberViolation extends SchemaViolation {
  readonly #problem: string;

  constructor(field: string, problem: string, written: string) {
    super(field, `${problem}, not ${written.length > 80 ? `${written.slice(0, 80)}…` : written}`);
    this.#problem = problem;
  }

  /** The same, with the number as it is written. */
  writtenAs(text: string): NumberViolation {
    return new NumberViolation(this.field, this.#problem, text);
  }
}

/**
 * How strictly a record is read: `wire` drops unknown fields and reads `null` as absent where a field is optional;
 * `event` rejects both; `draft` also applies the rules for what may be newly written (`output_path`).
 */
export type Rule = 'wire' | 'event' | 'draft';

/** A `RecordSpec` made ready for use. */
export interface Shape {
  /** The event type, where the record is an event or a draft; given once, never read from the record again. */
  readonly tag: string | undefined;
  readonly fields: readonly Field[];
  /** All keys the record may have: the fields, and `type` before them where there is a tag. */
  readonly known: readonly Field[];
}

/** One field of a shape. */
export interface Field {
  readonly name: string;
  readonly spec: FieldSpec;
  readonly shape: Shape | undefined;
}

type Values = { [name: string]: unknown };

/** Prepares a spec once, so that checking walks an array. */
export function shapeOf(spec: RecordSpec, tag?: string): Shape {
  checkNames(spec, tag);
  const fields = Object.entries(spec).map(
    ([name, field]): Field => ({
      name,
      spec: field,
      shape: 'of' in field ? shapeOf(field.of) : undefined,
    }),
  );
  const known = tag === undefined ? fields : [TAG, ...fields];
  return { tag, fields, known };
}

/** Names go into the code of the lanes, and each field of a record has a bit in `written-text.ts`; `type` takes one of them. */
function checkNames(spec: RecordSpec, tag: string | undefined): void {
  const names = Object.keys(spec);
  const wrong = names.find(name => !FIELD_NAME.test(name) || (tag !== undefined && name === 'type'));
  if (wrong !== undefined) throw new TypeError(`${quote(wrong)} cannot be the name of a field`);
  if (tag !== undefined && !TYPE_NAME.test(tag)) throw new TypeError(`${quote(tag)} cannot be an event type`);
  if (names.length >= MAX_FIELDS)
    throw new TypeError(`a record has ${names.length} fields; it may have ${MAX_FIELDS - 1}`);
}

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/;
const TYPE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
/** The most fields of one record, `type` among them. */
const MAX_FIELDS = 32;

const TAG: Field = { name: 'type', spec: { type: 'string' }, shape: undefined };
/** The fields that every event has after its type. */
export const COMMON: RecordSpec = {
  id: { type: 'string' },
  ts: { type: 'string' },
  run_id: { type: 'string' },
};

/** The shape that `source.type` names; a violation when `source` is no object or its type is unknown. */
export function shapeFor(shapes: ReadonlyMap<string, Shape>, source: unknown): Shape {
  if (!isRecord(source)) throw new SchemaViolation('', `an event must be an object, not ${nameOf(source)}`);
  const type = Object.hasOwn(source, 'type') ? source['type'] : undefined;
  if (type === undefined) throw missing('type');
  const shape = typeof type === 'string' ? shapes.get(type) : undefined;
  if (shape === undefined) throw new SchemaViolation('type', `unknown event type ${quote(type)}`);
  return shape;
}

/** Copies the known fields of `source` after those of `record`, in wire order, checking each; defaulted ones are filled in. */
export function takeRecord(
  shape: Shape,
  source: unknown,
  rule: Rule,
  at = '',
  record: Values = shape.tag === undefined ? {} : { type: shape.tag },
): Values {
  if (!isRecord(source))
    throw new SchemaViolation(at, `${label(at)} must be an object, not ${nameOf(source)}`);
  for (const field of shape.fields) {
    const { name, spec } = field;
    const value = Object.hasOwn(source, name) ? source[name] : undefined;
    if (value !== undefined && !(value === null && spec.presence === 'optional' && rule === 'wire')) {
      record[name] = takeValue(field, value, rule, at === '' ? name : `${at}.${name}`);
    } else if (spec.presence === 'defaulted') {
      record[name] = spec.type === 'list' ? [] : '';
    } else if (spec.presence === undefined) {
      throw missing(at === '' ? name : `${at}.${name}`);
    }
  }
  if (rule !== 'wire') rejectUnknown(shape, source, at);
  return record;
}

function takeValue({ spec, shape }: Field, value: unknown, rule: Rule, at: string): unknown {
  switch (spec.type) {
    case 'string':
      if (typeof value !== 'string') throw wrong(at, 'a string', value);
      if (!value.isWellFormed()) throw new SchemaViolation(at, loneSurrogate(at, rule));
      if (rule === 'draft' && spec.draft === 'relative-path') checkRelativePath(value, at);
      return value;
    case 'enum':
      if (typeof value !== 'string' || !spec.values.includes(value)) {
        throw new SchemaViolation(
          at,
          `${label(at)} must be one of ${spec.values.join(', ')}, not ${quote(value)}`,
        );
      }
      return value;
    case 'integer':
      if (typeof value !== 'number') throw wrong(at, 'an integer', value);
      if (!Number.isInteger(value) || value < 0 || value > spec.max || Object.is(value, -0)) {
        const problem = `${label(at)} must be an integer from 0 to ${spec.max}`;
        throw new NumberViolation(at, problem, Object.is(value, -0) ? '-0' : String(value));
      }
      return value;
    case 'object':
      return shape === undefined ? {} : takeRecord(shape, value, rule, at);
    case 'list':
      if (!Array.isArray(value)) throw wrong(at, 'an array', value);
      return shape === undefined
        ? []
        : Array.from(value, (item, index) => takeRecord(shape, item, rule, `${at}[${index}]`));
  }
}

function loneSurrogate(at: string, rule: Rule): string {
  const hint = rule === 'wire' ? '' : ': cut a text with tailText, or pass text.toWellFormed()';
  return `${label(at)} holds a lone surrogate${hint}`;
}

function rejectUnknown(shape: Shape, source: Values, at: string): void {
  for (const name of Object.keys(source)) {
    if (!shape.known.some(field => field.name === name) && source[name] !== undefined) {
      throw new SchemaViolation(at === '' ? name : `${at}.${name}`, `unknown field ${quote(name)}`);
    }
  }
}

function checkRelativePath(path: string, at: string): void {
  const problem =
    path === ''
      ? 'must not be empty'
      : path.includes('\\')
        ? 'must use forward slashes'
        : path.startsWith('/') || /^[A-Za-z]:/.test(path)
          ? 'must be relative to the volume root'
          : path.split('/').includes('..')
            ? 'must not hold a ".." segment'
            : path.includes('\0')
              ? 'must not hold a NUL character'
              : undefined;
  if (problem !== undefined) throw new SchemaViolation(at, `${label(at)} ${problem}: ${quote(path)}`);
}

function isRecord(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function missing(at: string): SchemaViolation {
  return new SchemaViolation(at, `missing field ${quote(at)}`);
}

function wrong(at: string, wanted: string, value: unknown): SchemaViolation {
  return new SchemaViolation(at, `${label(at)} must be ${wanted}, not ${nameOf(value)}`);
}

/** A field as messages name it. */
export function label(at: string): string {
  return `field ${quote(at)}`;
}

function nameOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** A short, safely quoted picture of a value for a message. */
export function quote(value: unknown): string {
  if (typeof value !== 'string') return nameOf(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
