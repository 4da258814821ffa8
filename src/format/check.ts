/**
 * The strict checker: holds values, and the text they came from, against the schema.
 *
 * Promise: append is as strict as decode. Both go through `takeRecord`, which reads each known field once, copies it,
 * and throws a `SchemaViolation` that names the field. Knows neither files nor lines.
 */
import { takeJson } from './check-json.js';
import type { Field, FieldSpec, Shape } from './schema.js';
import {
  label,
  NoObject,
  NumberViolation,
  nameOf,
  quote,
  SchemaViolation,
  UnknownType,
} from './violation.js';

/**
 * How strictly a record is read: `wire` drops unknown fields and reads `null` as absent where a field is optional;
 * `event` rejects both; `draft` also applies the rules for what may be newly written (`output_path`).
 */
export type Rule = 'wire' | 'event' | 'draft';

/** The fields of a record that was copied. */
export interface Values {
  [name: string]: unknown;
}

/** The shape that `source.type` names; a violation when `source` is not an object or its type is unknown. */
export function shapeFor(shapes: ReadonlyMap<string, Shape>, source: unknown): Shape {
  if (!isRecord(source)) throw new NoObject('', `an event must be an object, not ${nameOf(source)}`);
  const type = Object.hasOwn(source, 'type') ? source['type'] : undefined;
  if (type === undefined) throw missing('type');
  const shape = typeof type === 'string' ? shapes.get(type) : undefined;
  if (shape !== undefined) return shape;
  const problem = `unknown event type ${quote(type)}`;
  throw typeof type === 'string' ? new UnknownType('type', problem) : new SchemaViolation('type', problem);
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
    if (value !== undefined && !(value === null && rule === 'wire' && readsNullAsAbsent(spec))) {
      record[name] = takeValue(field, value, rule, at === '' ? name : `${at}.${name}`);
    } else if (spec.presence === 'defaulted') {
      record[name] = defaultOf(field);
    } else if (spec.presence === undefined) {
      throw missing(at === '' ? name : `${at}.${name}`);
    }
  }
  if (rule !== 'wire') rejectUnknown(shape, source, at);
  return record;
}

/** In a json field `null` is a value. */
function readsNullAsAbsent({ presence, type }: FieldSpec): boolean {
  return presence === 'optional' && type !== 'json';
}

/** Copies a value of a field, checking it. */
export function takeValue({ spec, shape, item }: Field, value: unknown, rule: Rule, at: string): unknown {
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
      return takeInteger(value, spec.min, spec.max, at);
    case 'number':
      if (typeof value !== 'number') throw wrong(at, 'a number', value);
      if (!Number.isFinite(value) || Object.is(value, -0))
        throw new NumberViolation(at, `${label(at)} must be a finite number other than -0`, written(value));
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong(at, 'true or false', value);
      return value;
    case 'object':
      return shape === undefined ? {} : takeRecord(shape, value, rule, at);
    case 'list':
      if (!Array.isArray(value)) throw wrong(at, 'an array', value);
      return item === undefined
        ? []
        : Array.from(value, (each, index) => takeValue(item, each, rule, `${at}[${index}]`));
    case 'json':
      return takeJson(value, at, rule === 'wire' ? undefined : spec.schema);
  }
}

function loneSurrogate(at: string, rule: Rule): string {
  const hint = rule === 'wire' ? '' : ': cut a text with tailText, or pass text.toWellFormed()';
  return `${label(at)} holds a lone surrogate${hint}`;
}

function takeInteger(value: unknown, min: number, max: number, at: string): number {
  if (typeof value !== 'number') throw wrong(at, 'an integer', value);
  if (!Number.isInteger(value) || value < min || value > max || Object.is(value, -0)) {
    const problem = `${label(at)} must be an integer from ${min} to ${max}`;
    throw new NumberViolation(at, problem, written(value));
  }
  return value;
}

function written(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The value of a defaulted field that is absent; a list is one of its own for each event. */
export function defaultOf({ spec }: Field): unknown {
  return spec.type === 'list' ? [] : spec.default;
}

/** Whether a value is the default of its field. */
export function isDefault({ spec }: Field, value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : value === spec.default;
}

function rejectUnknown(shape: Shape, source: Values, at: string): void {
  for (const name of Object.keys(source)) {
    if (!shape.names.has(name) && source[name] !== undefined) {
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
