/**
 * What the compiler checks of the drafts handed to `append` and `appendAll`, and what it says they become.
 *
 * Promise: a draft that lacks a field, or has one too many at any depth, does not compile, and the error names the field.
 */
import type { OmneEvents } from './events.js';
import type { DefinitionOf, DraftIn, EventIn, EventsDefinition, Vocabulary } from './vocabulary.js';

/** What a draft looks like while fields are missing. */
export type PartialDraft<V extends Vocabulary = OmneEvents> = PartialDraftIn<DefinitionOf<V>>;
type PartialDraftIn<D extends EventsDefinition> = {
  [K in keyof D & string]: { readonly type: K } & Partial<DraftIn<D, K>>;
}[keyof D & string];

/** Named in the error of the compiler where a draft lacks fields. */
export interface MissingField<Name> {
  /** The name of the field, or of several. */
  readonly 'missing field': Name;
}

/** What `appendAll` gives for its drafts: the tuple of their events for a tuple, an array for any other iterable. */
export type EventsOfDrafts<L, V extends Vocabulary = OmneEvents> = L extends readonly unknown[]
  ? { -readonly [K in keyof L]: EventOfDraft<L[K], V> }
  : L extends Iterable<infer D>
    ? EventOfDraft<D, V>[]
    : never;

type EventOfDraft<D, V extends Vocabulary> = D extends { readonly type: infer T extends string }
  ? EventIn<DefinitionOf<V>, T>
  : never;

/** A draft that lacks no field, and of which none, at any depth, is unknown to the type it names; anything else does not compile. */
export type ExactDraft<D extends { readonly type: string }, V extends Vocabulary = OmneEvents> = D extends {
  readonly type: string;
}
  ? Exact<D, DraftIn<DefinitionOf<V>, D['type']>>
  : never;
type Exact<D, S> = [MissingOf<D, S>] extends [never]
  ? S & NothingBeyond<D, S>
  : MissingField<MissingOf<D, S>>;
type MissingOf<D, S> = Exclude<
  { [K in keyof S]-?: Record<never, never> extends Pick<S, K> ? never : K }[keyof S],
  keyof D
>;
type NothingBeyond<D, S> = D extends readonly (infer Item)[]
  ? S extends readonly (infer Known)[]
    ? readonly NothingBeyond<Item, Known>[]
    : unknown
  : D extends object
    ? IsUnion<S> extends true
      ? unknown // of a json field: its schema decides
      : { [K in keyof D]: K extends keyof S ? NothingBeyond<D[K], Exclude<S[K], undefined>> : never }
    : unknown;
type IsUnion<T, All = T> = [T] extends [never]
  ? false
  : T extends T
    ? [All] extends [T]
      ? false
      : true
    : never;
