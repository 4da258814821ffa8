/**
 * The rules of a schema: what may go into the code of the lanes, and how much of it.
 *
 * Promise: a broken rule is a `TypeError` that names the place, before anything is made of the schema.
 */
import type { EventSchema, FieldSpec, RecordSpec } from './schema.js';
import { quote } from './violation.js';

const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/;
const TYPE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
/** Fields of every event. */
const RESERVED: readonly string[] = ['type', 'id', 'ts', 'run_id'];

/** How much a vocabulary may hold. */
const LIMITS = { types: 1000, fields: 100, depth: 8, words: 256, wordUnits: 256 } as const;

/** Holds a schema, and the types that end a run, against the rules. */
export function checkSchema(schema: EventSchema, terminal: readonly string[]): void {
  const types = Object.keys(schema);
  if (types.length === 0) throw new TypeError('a vocabulary needs an event type');
  if (types.length > LIMITS.types)
    throw new TypeError(`a vocabulary has ${types.length} event types; it may have ${LIMITS.types}`);
  for (const [type, spec] of Object.entries(schema)) {
    if (!TYPE_NAME.test(type) || type in Object.prototype)
      throw new TypeError(
        `${quote(type)} cannot be an event type: letters, digits, ".", "_" and "-" make one, a letter first`,
      );
    checkRecord(spec, type, 0);
    const taken = RESERVED.find(name => Object.hasOwn(spec, name));
    if (taken !== undefined) throw new TypeError(`${type}: every event has a field ${quote(taken)} already`);
  }
  for (const type of terminal) {
    if (!Object.hasOwn(schema, type)) throw new TypeError(`terminal type ${quote(type)} is not defined`);
  }
}

function checkRecord(spec: RecordSpec, at: string, depth: number): void {
  if (depth > LIMITS.depth) throw new TypeError(`${at} is nested deeper than ${LIMITS.depth} levels`);
  const fields = Object.entries(spec);
  if (fields.length > LIMITS.fields)
    throw new TypeError(`${at} has ${fields.length} fields; it may have ${LIMITS.fields}`);
  for (const [name, field] of fields) {
    if (!FIELD_NAME.test(name) || name in Object.prototype)
      throw new TypeError(
        `${at}: ${quote(name)} cannot be the name of a field: letters, digits and "_" make one, a letter first`,
      );
    checkField(field, `${at}: ${name}`, depth);
  }
}

function checkField(field: FieldSpec, at: string, depth: number): void {
  if (depth > LIMITS.depth) throw new TypeError(`${at} is nested deeper than ${LIMITS.depth} levels`);
  if (field.type === 'object') checkRecord(field.of, at, depth + 1);
  if (field.type === 'list') checkField(field.of, at, depth + 1);
  if (field.type === 'enum') checkWords(field.values, at);
}

function checkWords(words: readonly string[], at: string): void {
  if (words.length === 0) throw new TypeError(`${at}: an enum needs a word`);
  if (words.length > LIMITS.words)
    throw new TypeError(`${at}: an enum of ${words.length} words; it may have ${LIMITS.words}`);
  if (new Set(words).size < words.length) throw new TypeError(`${at}: an enum has a word twice`);
  const wrong = words.find(
    word => typeof word !== 'string' || word.length > LIMITS.wordUnits || !word.isWellFormed(),
  );
  if (wrong !== undefined) throw new TypeError(`${at}: ${quote(wrong)} cannot be a word of an enum`);
}
