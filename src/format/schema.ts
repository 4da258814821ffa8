/**
 * Schemas as data: how a vocabulary describes its events, and the same made ready for use.
 *
 * Promise: a schema is plain data, so it can be written to a file and read again. Whoever makes shapes of one has checked it before:
 * `definition.ts` does for what programs define, `vocabulary-text.ts` for what files hold.
 */
import type { StandardSchema } from './standard-schema.js';

/** How a field is described. */
export type FieldSpec = (
  | { readonly type: 'string'; readonly draft?: 'relative-path' }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'number' | 'boolean' }
  | { readonly type: 'object'; readonly of: RecordSpec }
  | { readonly type: 'list'; readonly of: FieldSpec }
  | { readonly type: 'json'; readonly schema?: StandardSchema }
) &
  Presence;

/**
 * Left out for a required field. `optional` fields may be absent and read `null` as absent, unless they hold json; `defaulted` fields are always there in
 * memory, and left out on the wire where they have their default.
 */
export interface Presence {
  readonly presence?: 'optional' | 'defaulted';
  readonly default?: DefaultValue;
}

/** What a default may be: of a list only the empty one. */
export type DefaultValue = string | number | boolean | readonly never[];

/** How an object is described: its fields by name, in wire order. */
export interface RecordSpec {
  readonly [name: string]: FieldSpec;
}

/** The fields of each event type after the common ones. */
export interface EventSchema {
  readonly [type: string]: RecordSpec;
}

/** An event of any vocabulary, as far as all of them are alike. */
export interface LogEvent {
  /** The event type. */
  readonly type: string;
  /** A lower-case ULID, greater than that of every event before it in its log. */
  id: string;
  /** When it was appended: RFC 3339, UTC, with milliseconds. */
  ts: string;
  /** `<pipe>-<ulid>` */
  readonly run_id: string;
}

/** A `RecordSpec` made ready for use. */
export interface Shape {
  /** The event type, where the record is an event or a draft; given once, never read from the record again. */
  readonly tag: string | undefined;
  readonly fields: readonly Field[];
  /** All keys the record may have: the fields, and `type` before them where there is a tag. */
  readonly known: readonly Field[];
  readonly names: ReadonlySet<string>;
  /** Some field in it, at any depth, is defaulted: the text of a value is not that of `JSON.stringify`. */
  readonly hasDefaults: boolean;
}

/** One field of a shape, or what an item of a list must be, which has no name. */
export interface Field {
  readonly name: string;
  readonly spec: FieldSpec;
  /** The shape of an object. */
  readonly shape: Shape | undefined;
  /** What the items of a list must be. */
  readonly item: Field | undefined;
}

/** The key by which the types differ. */
export const TAG: Field = { name: 'type', spec: { type: 'string' }, shape: undefined, item: undefined };

/** The fields that every event has after its type. */
export const COMMON: RecordSpec = {
  id: { type: 'string' },
  ts: { type: 'string' },
  run_id: { type: 'string' },
};

/** Prepares a spec once, so that checking walks an array. */
export function shapeOf(spec: RecordSpec, tag?: string): Shape {
  const fields = Object.entries(spec).map(([name, field]) => fieldOf(name, field));
  const known = tag === undefined ? fields : [TAG, ...fields];
  return {
    tag,
    fields,
    known,
    names: new Set(known.map(({ name }) => name)),
    hasDefaults: fields.some(field => field.spec.presence === 'defaulted' || hasDefaults(field)),
  };
}

function fieldOf(name: string, spec: FieldSpec): Field {
  return {
    name,
    spec,
    shape: spec.type === 'object' ? shapeOf(spec.of) : undefined,
    item: spec.type === 'list' ? fieldOf('', spec.of) : undefined,
  };
}

/** Whether a value of the field may hold defaulted fields. */
export function hasDefaults({ shape, item }: Field): boolean {
  return shape?.hasDefaults === true || (item !== undefined && hasDefaults(item));
}

/** The description of a field without the schemas of json in it, which no file has. */
export function withoutJsonSchema(spec: FieldSpec): FieldSpec {
  if (spec.type === 'list') return { ...spec, of: withoutJsonSchema(spec.of) };
  if (spec.type === 'object') return { ...spec, of: withoutJsonSchemas(spec.of) };
  if (spec.type !== 'json') return spec;
  const { schema: _, ...rest } = spec;
  return rest;
}

/** The same of the fields of an object. */
export function withoutJsonSchemas(fields: RecordSpec): RecordSpec {
  return Object.fromEntries(Object.entries(fields).map(([name, spec]) => [name, withoutJsonSchema(spec)]));
}
