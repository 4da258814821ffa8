/**
 * Code that makes events: object literals, written from the schema.
 *
 * Promise: the properties of an event have the order of the schema, whichever lane has decoded it. A literal for each set of
 * fields that may be there takes V8 half of what adding the optional ones to an object takes.
 */

import type { FieldSpec, RunEvent } from '../events.js';
import type { Captures } from './line-values.js';
import { entries } from './special-bytes.js';

/** Makes an event from what was captured, and from a text that begins at `origin` and reaches over all its strings. */
export type Make<Result extends RunEvent | undefined> = (
  text: string,
  origin: number,
  captures: Captures,
) => Result;

/** A field as a literal holds it: its name, the slot of its value, and the code of that. */
export interface Part {
  readonly spec: FieldSpec;
  readonly name: string;
  readonly slot: number;
  readonly value: string;
}

/** The code of a `Make`; `checks` come first. */
export function makeCode(type: string, parts: readonly Part[], checks = ''): string {
  return `(text, origin, captures) => {
    const { closings, numbers, found, escaped, integers } = captures;
    ${checks}
    ${eventCode(parts, `type: ${JSON.stringify(type)}`)}
  }`;
}

/** With more optional fields than this, their sets, and with them the literals, would be too many. */
const MOST_OPTIONAL = 5;

function eventCode(parts: readonly Part[], type: string): string {
  const isOptional = ({ spec }: Part) => spec.presence === 'optional';
  if (parts.filter(isOptional).length <= MOST_OPTIONAL) return `return ${literalCode(parts, type)};`;
  const first = parts.findIndex(isOptional);
  const others = parts.slice(first).map(part => {
    const condition = isOptional(part) ? `if ${isThere(part)} ` : '';
    return `${condition}event.${part.name} = ${valueCode(part)};`;
  });
  return `const event = ${literalCode(parts.slice(0, first), type)};\n${others.join('\n')}\nreturn event;`;
}

function literalCode([part, ...others]: readonly Part[], before: string): string {
  if (part === undefined) return `{ ${before} }`;
  const here = literalCode(others, `${before}, ${part.name}: ${valueCode(part)}`);
  if (part.spec.presence !== 'optional') return here;
  return `${isThere(part)} ? ${here} : ${literalCode(others, before)}`;
}

/** The value of a field, that of a defaulted one also where it is not there. */
function valueCode(part: Part): string {
  if (part.spec.presence !== 'defaulted') return part.value;
  return `${isThere(part)} ? ${part.value} : ${part.spec.type === 'list' ? '[]' : "''"}`;
}

/** Whether a field is there. */
export function isThere({ slot }: { readonly slot: number }): string {
  return `(found & ${1 << slot})`;
}

/** The text of a string. */
export function textCode(slot: number): string {
  return `(escaped & ${1 << slot} ? captures.text(text, origin, ${slot})
    : text.substring(entries[closings[${slot}] - 1] + 1 - origin, entries[closings[${slot}] + 1] - origin))`;
}

/**
 * What an expression makes; undefined where the process forbids making code from text (`--disallow-code-generation-from-strings`).
 * It must have the type that is asked for: its text comes from the schema and from nowhere else.
 */
export function compiled<Result>(expression: string): Result | undefined {
  try {
    return new Function('entries', `return ${expression};`)(entries);
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
