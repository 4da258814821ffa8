/**
 * What is wrong with a value or a text, in the words of messages.
 *
 * Promise: a text of the user is quoted and cut short.
 */

/** A value or text that breaks the schema; callers turn it into the public error of their side. */
export class SchemaViolation extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(problem);
    this.field = field;
  }
}

/** An event type that the vocabulary has not. */
export class UnknownType extends SchemaViolation {}

/** A value that is not an event at all, not even a wrong one. */
export class NoObject extends SchemaViolation {}

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

/** A field as messages name it. */
export function label(at: string): string {
  return `field ${quote(at)}`;
}

/** The kind of a value, for a message. */
export function nameOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** A short, safely quoted picture of a value for a message. */
export function quote(value: unknown): string {
  if (typeof value !== 'string') return nameOf(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
