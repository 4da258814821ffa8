/**
 * The part of Standard Schema (https://standardschema.dev, version 1) that json fields use, as types: zod, valibot, arktype and others
 * make such schemas.
 */

/** A schema of any library that follows the standard. */
export interface StandardSchema<Output = unknown> {
  /** What the standard asks for. */
  readonly '~standard': {
    /** 1 */
    readonly version: 1;
    /** The library that made the schema. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** For the compiler alone. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** The value as the schema gives it, or why it is none. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  /** What is wrong, for people. */
  readonly message: string;
  /** Where in the value; absent where it is the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
