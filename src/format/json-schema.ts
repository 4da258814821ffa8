/**
 * The vocabulary as a JSON Schema (draft 2020-12), for programs in other languages: `event.schema.json` of the package.
 *
 * Promise: it is made from the schema table alone, and takes the values that decoding takes: unknown fields, and `null` for
 * an optional field. What only the text shows (a key given twice, an integer written `1.0`, half a surrogate pair) no
 * JSON Schema sees.
 */
import { defaultOf } from './check.js';
import { omneEvents } from './events.js';
import type { Field, Shape } from './schema.js';
import type { Vocabulary } from './vocabulary.js';

/** A JSON Schema, or a part of one. */
export interface JsonSchemaObject {
  /** The value of a keyword of JSON Schema. */
  readonly [keyword: string]: unknown;
}

/**
 * The JSON Schema of one event of a vocabulary; of the built-in one by default.
 *
 * @example
 * writeFileSync('event.schema.json', JSON.stringify(jsonSchema(), null, 2));
 */
export function jsonSchema(vocabulary: Vocabulary = omneEvents): JsonSchemaObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'RunEvent',
    description: 'One event of a run: one line of its event log.',
    oneOf: Array.from(vocabulary.shapes.values(), schemaOfRecord),
  };
}

function schemaOfRecord({ tag, fields }: Shape): JsonSchemaObject {
  const properties = fields.map(field => [field.name, schemaOfField(field)]);
  const required = fields.filter(({ spec }) => spec.presence === undefined).map(({ name }) => name);
  if (tag === undefined) return { type: 'object', properties: Object.fromEntries(properties), required };
  return {
    title: tag,
    type: 'object',
    properties: { type: { const: tag }, ...Object.fromEntries(properties) },
    required: ['type', ...required],
  };
}

function schemaOfField(field: Field): JsonSchemaObject {
  const { presence } = field.spec;
  const schema = schemaOfValue(field);
  if (presence === 'optional') return { anyOf: [schema, { type: 'null' }] };
  if (presence === 'defaulted') return { ...schema, default: defaultOf(field) };
  return schema;
}

function schemaOfValue({ spec, shape, item }: Field): JsonSchemaObject {
  switch (spec.type) {
    case 'string':
      return spec.draft === 'relative-path'
        ? { type: 'string', description: 'Relative to the volume root, with forward slashes.' }
        : { type: 'string' };
    case 'enum':
      return { enum: spec.values };
    case 'integer':
      return { type: 'integer', minimum: spec.min, maximum: spec.max };
    case 'number':
    case 'boolean':
      return { type: spec.type };
    case 'object':
      return shape === undefined ? {} : schemaOfRecord(shape);
    case 'list':
      return { type: 'array', items: item === undefined ? {} : schemaOfValue(item) };
    case 'json':
      return {}; // any value
  }
}
