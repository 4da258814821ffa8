/** The types of fields, and of the values and drafts that the compiler makes of them. */
import type { DefaultValue } from './schema.js';

/** Whether a field must be there. */
export type FieldPresence = 'required' | 'optional' | 'defaulted';

/** What a field of an event holds: made by `field`, for `defineEvents`. `Draft` is what `append` takes for it. */
export interface FieldType<Value = unknown, Presence extends FieldPresence = FieldPresence, Draft = unknown> {
  /** For the compiler alone; absent always. */
  readonly '~types'?:
    | { readonly value: Value; readonly presence: Presence; readonly draft: Draft }
    | undefined;
  /**
   * The same field, which may be absent; `null` in a log reads as absent.
   *
   * @throws TypeError when the field is optional or has a default already.
   */
  optional(): FieldType<Value, 'optional', Draft>;
  /**
   * The same field, which has this value where a draft or a line leaves it out; lines leave it out where it has this value.
   *
   * @param value - of a list only `[]`; objects and json fields have no default.
   * @throws TypeError for a value that the field cannot hold.
   */
  default(value: Value & DefaultValue): FieldType<Value, 'defaulted', Draft>;
}

/** The fields of an object or an event, by name, in the order they have in a line. */
export interface FieldsDefinition {
  /** A field. */
  readonly [name: string]: FieldType;
}

/** Any value that JSON has. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue };

/** The same, for a draft. */
export type ReadonlyJsonValue =
  | string
  | number
  | boolean
  | null
  | readonly ReadonlyJsonValue[]
  | { readonly [name: string]: ReadonlyJsonValue };

/** What is only read may be read-only at any depth. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? number extends T['length']
    ? readonly DeepReadonly<Item>[]
    : { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** An intersection as one object. */
export type Flat<T> = { [K in keyof T]: T[K] } & {};
type Types<F extends FieldType> = NonNullable<F['~types']>;
type NamesOf<F extends FieldsDefinition, P extends FieldPresence> = {
  [K in keyof F]: Types<F[K]>['presence'] extends P ? K : never;
}[keyof F];

/** What fields hold in memory: defaulted ones are always there. */
export type ValuesOf<F extends FieldsDefinition> = Flat<
  { -readonly [K in NamesOf<F, 'required' | 'defaulted'>]: Types<F[K]>['value'] } & {
    -readonly [K in NamesOf<F, 'optional'>]?: Types<F[K]>['value'];
  }
>;

/** What a draft has for fields: defaulted ones may be left out too. */
export type DraftValuesOf<F extends FieldsDefinition> = Flat<
  { readonly [K in NamesOf<F, 'required'>]: Types<F[K]>['draft'] } & {
    readonly [K in NamesOf<F, 'optional' | 'defaulted'>]?: Types<F[K]>['draft'] | undefined;
  }
>;
