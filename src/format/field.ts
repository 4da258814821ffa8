/**
 * The fields of events, as a program defines them.
 *
 * Promise: a field is checked when it is made; a mistake is a `TypeError` there and then.
 */

import { takeValue } from './check.js';
import type {
  DeepReadonly,
  DraftValuesOf,
  FieldPresence,
  FieldsDefinition,
  FieldType,
  JsonValue,
  ReadonlyJsonValue,
  ValuesOf,
} from './field-types.js';
import type { DefaultValue, FieldSpec, RecordSpec } from './schema.js';
import { shapeOf } from './schema.js';
import type { StandardSchema } from './standard-schema.js';
import { SchemaViolation } from './violation.js';

/** What a Standard Schema makes of a value. */
export type OutputOf<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output'];

/** The bounds of an integer, both of them allowed. */
export interface IntegerBounds {
  /** The least; -(2^53 - 1) by default. */
  min?: number | undefined;
  /** The greatest; 2^53 - 1 by default. */
  max?: number | undefined;
}

/** The kinds of fields there are. */
export interface FieldMakers {
  /** A text without lone surrogates. */
  string(): FieldType<string, 'required', string>;
  /** An integer, which is exact; any safe one by default. */
  integer(bounds?: IntegerBounds): FieldType<number, 'required', number>;
  /** A finite number; not -0, which JSON writes as 0. */
  number(): FieldType<number, 'required', number>;
  /** `true` or `false`. */
  boolean(): FieldType<boolean, 'required', boolean>;
  /** One of some words. */
  enum<const Words extends readonly [string, ...string[]]>(
    ...words: Words
  ): FieldType<Words[number], 'required', Words[number]>;
  /** An object of fields. */
  object<const F extends FieldsDefinition>(fields: F): FieldType<ValuesOf<F>, 'required', DraftValuesOf<F>>;
  /** An array of values, all of the kind of a field. */
  list<Value, Draft>(
    items: FieldType<Value, 'required', Draft>,
  ): FieldType<Value[], 'required', readonly Draft[]>;
  /** Any JSON, nested 64 levels deep at most. */
  json(): FieldType<JsonValue, 'required', ReadonlyJsonValue>;
  /**
   * JSON that a Standard Schema (of zod, valibot, arktype, ...) accepts, on append; lines are read without it. A schema that would
   * change a value, or answers asynchronously, refuses it.
   */
  json<const S extends StandardSchema>(
    schema: S,
  ): FieldType<OutputOf<S>, 'required', DeepReadonly<OutputOf<S>>>;
}

const specs = new WeakMap<object, FieldSpec>();

/** The spec of a field that was made here; undefined for any other value. */
function specOf(field: unknown): FieldSpec | undefined {
  return typeof field === 'object' && field !== null ? specs.get(field) : undefined;
}

function fieldOf<Value, Draft>(spec: FieldSpec): FieldType<Value, 'required', Draft> {
  return fieldWith<Value, 'required', Draft>(spec);
}

function fieldWith<Value, P extends FieldPresence, Draft>(spec: FieldSpec): FieldType<Value, P, Draft> {
  const made: FieldType<Value, P, Draft> = Object.freeze({
    optional: () => {
      mustBeRequired(spec);
      return fieldWith<Value, 'optional', Draft>({ ...spec, presence: 'optional' });
    },
    default: (value: Value & DefaultValue) => {
      mustBeRequired(spec);
      checkDefault(spec, value);
      return fieldWith<Value, 'defaulted', Draft>({ ...spec, presence: 'defaulted', default: value });
    },
  });
  specs.set(made, Object.freeze(spec));
  return made;
}

function mustBeRequired(spec: FieldSpec): void {
  if (spec.presence !== undefined) throw new TypeError(`the field is ${spec.presence} already`);
}

/** A `TypeError` for a default that the field cannot hold. */
export function checkDefault(spec: FieldSpec, value: unknown): asserts value is DefaultValue {
  if (spec.type === 'object' || spec.type === 'json')
    throw new TypeError(`a field of kind ${spec.type} has no default`);
  if (spec.type === 'list' && !(Array.isArray(value) && value.length === 0))
    throw new TypeError('the default of a list can only be []');
  const field = shapeOf({ default: spec }).fields[0];
  try {
    if (field !== undefined) takeValue(field, value, 'draft', 'default');
  } catch (error) {
    throw error instanceof SchemaViolation ? new TypeError(error.message) : error;
  }
}

function bound(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || Object.is(value, -0))
    throw new TypeError(`${name} must be a safe integer`);
  return value;
}

/** The specs of fields, by name; a `TypeError` for what is none. */
export function mustBeFields(fields: FieldsDefinition, at: string): RecordSpec {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new TypeError(`${at}: the fields must be an object`);
  return Object.fromEntries(
    Object.entries(fields).map(([name, each]) => [
      name,
      mustBeField(each, `${at}: field ${JSON.stringify(name)}`),
    ]),
  );
}

/** The spec of a field; a `TypeError` for what is none. */
function mustBeField(value: unknown, what: string): FieldSpec {
  const spec = specOf(value);
  if (spec === undefined) throw new TypeError(`${what} must be made by field, such as field.string()`);
  return spec;
}

/** Makes the fields of events; see `defineEvents`. */
export const field: FieldMakers = Object.freeze({
  string: () => fieldOf<string, string>({ type: 'string' }),
  integer: ({ min, max }: IntegerBounds = {}) => {
    const least = bound('min', min, Number.MIN_SAFE_INTEGER);
    const most = bound('max', max, Number.MAX_SAFE_INTEGER);
    if (least > most) throw new TypeError(`min ${least} is greater than max ${most}`);
    return fieldOf<number, number>({ type: 'integer', min: least, max: most });
  },
  number: () => fieldOf<number, number>({ type: 'number' }),
  boolean: () => fieldOf<boolean, boolean>({ type: 'boolean' }),
  enum: <const Words extends readonly [string, ...string[]]>(...words: Words) =>
    fieldOf<Words[number], Words[number]>({ type: 'enum', values: Object.freeze([...words]) }),
  object: <const F extends FieldsDefinition>(fields: F) =>
    fieldOf<ValuesOf<F>, DraftValuesOf<F>>({ type: 'object', of: mustBeFields(fields, 'object') }),
  list: <Value, Draft>(items: FieldType<Value, 'required', Draft>) => {
    const of = mustBeField(items, 'what a list holds');
    if (of.presence !== undefined) throw new TypeError(`what a list holds cannot be ${of.presence}`);
    return fieldOf<Value[], readonly Draft[]>({ type: 'list', of });
  },
  json: <const S extends StandardSchema>(schema?: S) => {
    if (schema !== undefined && typeof schema['~standard']?.validate !== 'function')
      throw new TypeError('the schema of a json field must be a Standard Schema');
    return fieldOf<OutputOf<S>, DeepReadonly<OutputOf<S>>>(
      schema === undefined ? { type: 'json' } : { type: 'json', schema },
    );
  },
});
