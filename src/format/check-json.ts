/**
 * Values of json fields: what `JSON.parse` gives, and nothing else.
 *
 * Promises: what is taken is a copy, and `JSON.parse(JSON.stringify(copy))` equals it: no `undefined`, function, cycle, lone
 * surrogate, -0 or number that is not finite; `__proto__` is a key like any other. Depth is bounded.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StandardIssue, StandardSchema } from './standard-schema.js';
import { label, nameOf, SchemaViolation } from './violation.js';

/** How deep arrays and objects may be nested in a json field. */
const MAX_JSON_DEPTH = 64;

/** Copies a value of a json field, checking it, also by its schema where one is given. */
export function takeJson(value: unknown, at: string, schema?: StandardSchema): unknown {
  const copy = copyOf(value, at, 0);
  if (schema !== undefined) checkBySchema(schema, value, copy, at);
  return copy;
}

function copyOf(value: unknown, at: string, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new SchemaViolation(at, `${label(at)} holds a lone surrogate`);
    return value;
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value;
    throw new SchemaViolation(
      at,
      `${label(at)} holds ${Object.is(value, -0) ? '-0' : value}, which JSON cannot`,
    );
  }
  if (typeof value !== 'object') throw notJson(at, nameOf(value));
  if (depth === MAX_JSON_DEPTH)
    throw new SchemaViolation(at, `${label(at)} is nested deeper than ${MAX_JSON_DEPTH} levels`);
  if (Array.isArray(value))
    return Array.from(value, (item, index) => copyOf(item, `${at}[${index}]`, depth + 1));
  return copyOfObject(value, at, depth);
}

function copyOfObject(value: object, at: string, depth: number): unknown {
  if (!isPlain(value)) throw notJson(at, 'an instance of a class');
  const copy: { [name: string]: unknown } = {};
  for (const [name, item] of Object.entries(value)) {
    if (!name.isWellFormed()) throw new SchemaViolation(at, `${label(at)} has a key with a lone surrogate`);
    const taken = copyOf(item, `${at}.${name}`, depth + 1);
    if (name === '__proto__') {
      Object.defineProperty(copy, name, {
        value: taken,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    } else {
      copy[name] = taken;
    }
  }
  return copy;
}

/** Also of another realm, such as that of a test runner. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notJson(at: string, what: string): SchemaViolation {
  return new SchemaViolation(at, `${label(at)} must hold JSON, not ${what}`);
}

/** Holds a value against a schema of the user, which may only say yes or no: what it would change is refused. */
function checkBySchema(schema: StandardSchema, value: unknown, copy: unknown, at: string): void {
  const result = schema['~standard'].validate(value);
  if ('then' in result) {
    result.then(undefined, () => undefined); // nobody waits for what it says
    throw new SchemaViolation(at, `${label(at)} has a schema that answers asynchronously`);
  }
  if (result.issues !== undefined) {
    throw new SchemaViolation(at, `${label(at)} breaks its schema: ${result.issues.map(inWords).join('; ')}`);
  }
  if (!isDeepStrictEqual(result.value, copy))
    throw new SchemaViolation(at, `${label(at)} has a schema that would change the value`);
}

function inWords({ message, path = [] }: StandardIssue): string {
  const keys = path.map(part => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
}
