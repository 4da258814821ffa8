/**
 * A vocabulary as text: `vocabulary.json`, which a run of other than the built-in events carries.
 *
 * Promises: it is data, and reading it trusts nothing: what is not exactly as this file writes it, breaks a rule of definitions, or
 * is larger than `MAX_VOCABULARY_BYTES`, is refused with a reason. Schemas of json fields are not in it: there it is any JSON.
 */
import { EventLogError } from '../errors.js';
import { checkDefault } from './field.js';
import { type EventSchema, type FieldSpec, type RecordSpec, withoutJsonSchemas } from './schema.js';
import { quote } from './violation.js';
import { Vocabulary } from './vocabulary.js';

/** How large the text may be. */
export const MAX_VOCABULARY_BYTES: number = 1024 * 1024;
/** The version of the text. */
const VERSION = 1;
/** Deeper than any definition, whose rules say so better. */
const MAX_DEPTH = 40;

/** The text of a vocabulary. */
export function vocabularyText({ schema, terminal }: Vocabulary): string {
  const events = Object.fromEntries(
    Object.entries(schema).map(([type, fields]) => [type, withoutJsonSchemas(fields)]),
  );
  return `${JSON.stringify({ version: VERSION, terminal, events }, undefined, 1)}\n`;
}

/**
 * The vocabulary of a text, which is of the file at `path`.
 *
 * @throws EventLogError `ERR_VOCABULARY_INVALID` with the reason.
 */
export function parseVocabulary(text: string, path?: string): Vocabulary {
  try {
    const value: unknown = JSON.parse(text);
    const { version, terminal, events } = mustHave(value, ['version', 'terminal', 'events'], 'it');
    if (version !== VERSION)
      throw new TypeError(`it is of version ${JSON.stringify(version)}, and not of ${VERSION}`);
    return new Vocabulary(schemaOf(events), textsOf(terminal, 'terminal'));
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof SyntaxError)) throw cause;
    throw invalidVocabulary(cause.message, path, cause);
  }
}

/** The error for a vocabulary that cannot be read. */
function invalidVocabulary(why: string, path?: string, cause?: unknown): EventLogError {
  return new EventLogError('ERR_VOCABULARY_INVALID', `the vocabulary of the run is damaged: ${why}`, {
    path,
    cause,
  });
}

interface Unknowns {
  readonly [name: string]: unknown;
}

function isObject(value: unknown): value is Unknowns {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mustBeObject(value: unknown, at: string): Unknowns {
  if (!isObject(value)) throw new TypeError(`${at} must be an object`);
  return value;
}

/** An object of just these keys; those in `optional` may be missing. */
function mustHave(
  value: unknown,
  keys: readonly string[],
  at: string,
  optional: readonly string[] = [],
): Unknowns {
  const object = mustBeObject(value, at);
  const missing = keys.find(key => !Object.hasOwn(object, key));
  if (missing !== undefined) throw new TypeError(`${at} lacks ${missing}`);
  const unknown = Object.keys(object).find(key => !keys.includes(key) && !optional.includes(key));
  if (unknown !== undefined) throw new TypeError(`${at} has ${quote(unknown)}, which is not known`);
  return object;
}

function textsOf(value: unknown, at: string): string[] {
  if (!Array.isArray(value)) throw new TypeError(`${at} must be an array`);
  return value.map((each: unknown) => {
    if (typeof each !== 'string') throw new TypeError(`${at} must hold texts`);
    return each;
  });
}

function schemaOf(events: unknown): EventSchema {
  const entries = Object.entries(mustBeObject(events, 'events'));
  return Object.fromEntries(entries.map(([type, fields]) => [type, recordOf(fields, type, 0)]));
}

function recordOf(value: unknown, at: string, depth: number): RecordSpec {
  const entries = Object.entries(mustBeObject(value, at));
  return Object.fromEntries(entries.map(([name, spec]) => [name, specOf(spec, `${at}: ${name}`, depth)]));
}

/** The description of a field; whether it may be absent is looked at last. */
function specOf(value: unknown, at: string, depth: number): FieldSpec {
  if (depth > MAX_DEPTH) throw new TypeError(`${at} is nested too deep`);
  const { presence, default: initial, ...kind } = mustBeObject(value, at);
  const spec = kindOf(kind, at, depth);
  if (presence === undefined && initial === undefined) return spec;
  if (presence === 'optional' && initial === undefined) return { ...spec, presence };
  if (presence !== 'defaulted') throw new TypeError(`${at}: presence must be optional or defaulted`);
  checkDefault(spec, initial);
  return { ...spec, presence, default: initial };
}

function kindOf(kind: Unknowns, at: string, depth: number): FieldSpec {
  switch (kind['type']) {
    case 'string': {
      const { draft } = mustHave(kind, ['type'], at, ['draft']);
      if (draft === undefined) return { type: 'string' };
      if (draft !== 'relative-path') throw new TypeError(`${at}: draft must be relative-path`);
      return { type: 'string', draft };
    }
    case 'number':
    case 'boolean':
    case 'json':
      mustHave(kind, ['type'], at);
      return { type: kind['type'] };
    case 'integer': {
      const { min, max } = mustHave(kind, ['type', 'min', 'max'], at);
      const least = mustBeInteger(min, `${at}: min`);
      const most = mustBeInteger(max, `${at}: max`);
      if (least > most) throw new TypeError(`${at}: min is greater than max`);
      return { type: 'integer', min: least, max: most };
    }
    case 'enum':
      return { type: 'enum', values: textsOf(mustHave(kind, ['type', 'values'], at)['values'], at) };
    case 'object':
      return { type: 'object', of: recordOf(mustHave(kind, ['type', 'of'], at)['of'], at, depth + 1) };
    case 'list': {
      const of = specOf(mustHave(kind, ['type', 'of'], at)['of'], `${at}[]`, depth + 1);
      if (of.presence !== undefined) throw new TypeError(`${at}: an item cannot be ${of.presence}`);
      return { type: 'list', of };
    }
    default:
      throw new TypeError(`${at} is of no known kind`);
  }
}

function mustBeInteger(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0))
    throw new TypeError(`${at} must be a safe integer`);
  return value;
}
