/**
 * Code that makes events: object literals, written from the shapes.
 *
 * Promise: the properties of an event have the order of the schema, whichever lane has decoded it. A literal for each set of
 * fields that may be there takes V8 half of what adding the optional ones to an object takes.
 */

import { defaultOf } from '../check.js';
import type { Field, LogEvent } from '../schema.js';
import type { Captures } from './line-values.js';
import { entries } from './special-bytes.js';

/** Makes an event from what was captured, and from a text that begins at `origin` and reaches over all its strings. */
export type Make<Result extends LogEvent | undefined> = (
  text: string,
  origin: number,
  captures: Captures,
) => Result;

/** A field of a line: where its value was captured, or the parts of it, where it is an object taken apart. */
export interface Part {
  readonly field: Field;
  /** The slot of the value; that of a mark where only an optional object can be absent; -1 of an object that is always there. */
  readonly slot: number;
  readonly parts: readonly Part[] | undefined;
}

/** The code of a `Make`; `checks` come first. */
export function makeCode(type: string, parts: readonly Part[], checks = ''): string {
  return `(text, origin, captures) => {
    const { closings, numbers, values, found, escaped } = captures;
    ${checks}
    ${bodyCode(parts, `type: ${JSON.stringify(type)}`)}
  }`;
}

/** With more optional fields than this, their sets, and with them the literals, would be too many. */
const MOST_OPTIONAL = 5;

function isOptional({ field }: Part): boolean {
  return field.spec.presence === 'optional';
}

/** Statements that return an object of the parts; objects inside come first, so that no literal repeats them. */
function bodyCode(parts: readonly Part[], start: string): string {
  const inner = parts
    .filter(part => part.parts !== undefined)
    .map(
      part =>
        `const ${innerName(part)} = ${isOptional(part) ? `${isThere(part)} && ` : ''}${innerCode(part)};`,
    );
  return `${inner.join('\n')}\n${objectCode(parts, start)}`;
}

function innerCode({ parts = [] }: Part): string {
  const few = parts.every(part => part.parts === undefined && !isOptional(part));
  return few ? literalCode(parts, '') : `(() => { ${bodyCode(parts, '')} })()`;
}

function innerName({ field }: Part): string {
  return `in_${field.name}`;
}

function objectCode(parts: readonly Part[], start: string): string {
  if (parts.filter(isOptional).length <= MOST_OPTIONAL) return `return ${literalCode(parts, start)};`;
  const first = parts.findIndex(isOptional);
  const others = parts.slice(first).map(part => {
    const condition = isOptional(part) ? `if ${isThere(part)} ` : '';
    return `${condition}event.${part.field.name} = ${valueCode(part)};`;
  });
  return `const event = ${literalCode(parts.slice(0, first), start)};\n${others.join('\n')}\nreturn event;`;
}

function literalCode([part, ...others]: readonly Part[], before: string): string {
  if (part === undefined) return `{ ${before} }`;
  const comma = before === '' ? '' : `${before}, `;
  const here = literalCode(others, `${comma}${part.field.name}: ${valueCode(part)}`);
  if (!isOptional(part)) return here;
  return `(${isThere(part)} ? ${here} : ${literalCode(others, before)})`;
}

/** The value of a part, that of a defaulted one also where it is not there. */
function valueCode(part: Part): string {
  if (part.parts !== undefined) return innerName(part);
  const value = takeCode(part);
  if (part.field.spec.presence !== 'defaulted') return value;
  return `${isThere(part)} ? ${value} : ${JSON.stringify(defaultOf(part.field))}`;
}

function takeCode({ field: { spec }, slot }: Part): string {
  switch (spec.type) {
    case 'string':
      return textCode(slot);
    case 'enum':
      return `${JSON.stringify(spec.values)}[numbers[${slot}]]`;
    case 'integer':
    case 'number':
      return `numbers[${slot}]`;
    case 'boolean':
      return `numbers[${slot}] === 1`;
    default:
      return `values[${slot}]`;
  }
}

/** Whether a field is there. */
function isThere({ slot }: { readonly slot: number }): string {
  return `(found & ${1 << slot})`;
}

/** The text of a string. */
function textCode(slot: number): string {
  return `(escaped & ${1 << slot} ? captures.text(text, origin, ${slot})
    : text.substring(entries[closings[${slot}] - 1] + 1 - origin, entries[closings[${slot}] + 1] - origin))`;
}

/**
 * What an expression makes, in which `fields` are at hand; undefined where the process forbids making code from text
 * (`--disallow-code-generation-from-strings`). It must have the type that is asked for: its text comes from a checked schema and
 * from nowhere else.
 */
export function compiled<Result>(expression: string, fields: readonly Field[] = []): Result | undefined {
  try {
    return new Function('entries', 'fields', `return ${expression};`)(entries, fields);
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
