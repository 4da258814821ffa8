/** Vocabularies at random, with drafts of their events. */
import fc, { type Arbitrary } from 'fast-check';
import {
  defineEvents,
  type FieldsDefinition,
  type FieldType,
  field,
  type Vocabulary,
} from '../../src/index.js';
import { texts } from './arbitraries.js';

/** A field, and values it takes. */
interface Sample {
  readonly made: FieldType;
  readonly values: Arbitrary<unknown>;
  readonly presence: 'required' | 'optional' | 'defaulted';
}

/** A vocabulary and drafts of it. */
export interface SampleVocabulary {
  readonly events: Vocabulary;
  readonly drafts: Arbitrary<{ readonly type: string }>;
}

const names = fc.oneof(
  fc.constantFrom('node_id', 'a', 'ab', 'abc', 'value', 'kind', 'class', 'default', 'message'),
  fc
    .stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,20}$/)
    .filter(name => !['type', 'id', 'ts', 'run_id'].includes(name) && !(name in Object.prototype)),
);
const typeNames = fc.oneof(
  fc.constantFrom('a', 'ab', 'node.started', 'node.ended', 'node-ended', 'x'.repeat(40)),
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/),
);
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(value => !Object.is(value, -0)),
  fc.integer(),
  fc.constantFrom(0, 0.1, -1.5, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 2 ** 53, 123456789.123456),
);
const json = fc.jsonValue({ maxDepth: 4 }).map(value => JSON.parse(JSON.stringify(value)));

const scalars: Arbitrary<Omit<Sample, 'presence'>> = fc.oneof(
  fc.constant({ made: field.string(), values: texts }),
  fc.constant({ made: field.number(), values: numbers }),
  fc.constant({ made: field.boolean(), values: fc.boolean() }),
  fc.constant({ made: field.json(), values: json }),
  fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()).map(([a, b]) => {
    const [min, max] = [Math.min(a, b), Math.max(a, b)];
    return {
      made: field.integer({ min, max }),
      values: fc.maxSafeInteger().map(n => Math.min(max, Math.max(min, n))),
    };
  }),
  fc
    .uniqueArray(
      texts.map(text => text.slice(0, 20).toWellFormed()),
      { minLength: 1, maxLength: 6 },
    )
    .map(words => ({
      made: field.enum(words[0] ?? '', ...words.slice(1)),
      values: fc.constantFrom(...words),
    })),
);

function kinds(depth: number): Arbitrary<Omit<Sample, 'presence'>> {
  if (depth === 0) return scalars;
  return fc.oneof(
    { weight: 4, arbitrary: scalars },
    {
      weight: 1,
      arbitrary: kinds(depth - 1).map(({ made, values }) => ({
        made: field.list(Object(made)),
        values: fc.array(values, { maxLength: 4 }),
      })),
    },
    {
      weight: 1,
      arbitrary: records(depth - 1, 4).map(({ fields, values }) => ({ made: field.object(fields), values })),
    },
  );
}

/** Defaults, by what a field may have. */
function withPresence(depth: number): Arbitrary<Sample> {
  const optional = kinds(depth).map(({ made, values }) => ({
    made: made.optional(),
    values,
    presence: 'optional' as const,
  }));
  const defaulted = fc.oneof(
    texts.map(value => ({
      made: field.string().default(value),
      values: fc.oneof(texts, fc.constant(value)),
    })),
    fc.integer().map(value => ({ made: field.integer().default(value), values: fc.integer() })),
    fc.boolean().map(value => ({ made: field.boolean().default(value), values: fc.boolean() })),
    fc.constant({ made: field.list(field.string()).default([]), values: fc.array(texts, { maxLength: 2 }) }),
  );
  return fc.oneof(
    { weight: 4, arbitrary: kinds(depth).map(kind => ({ ...kind, presence: 'required' as const })) },
    { weight: 2, arbitrary: optional },
    { weight: 1, arbitrary: defaulted.map(each => ({ ...each, presence: 'defaulted' as const })) },
  );
}

/** Fields of an object, and values of them. */
function records(
  depth: number,
  maxFields: number,
): Arbitrary<{ fields: FieldsDefinition; values: Arbitrary<object> }> {
  const named = fc.tuple(names, withPresence(depth));
  return fc.uniqueArray(named, { maxLength: maxFields, selector: ([name]) => name }).map(list => {
    const required = list.filter(([, { presence }]) => presence === 'required').map(([name]) => name);
    return {
      fields: Object.fromEntries(list.map(([name, { made }]) => [name, made])),
      values: fc.record(Object.fromEntries(list.map(([name, { values }]) => [name, values])), {
        requiredKeys: required,
        noNullPrototype: true,
      }),
    };
  });
}

/** A vocabulary of a few types, some of which have more fields than a lane has room for. */
export const vocabularies: Arbitrary<SampleVocabulary> = fc
  .uniqueArray(fc.tuple(typeNames, fc.oneof({ weight: 6, arbitrary: records(2, 7) }, records(1, 60))), {
    minLength: 1,
    maxLength: 5,
    selector: ([type]) => type,
  })
  .map(list => list.filter(([type]) => !(type in Object.prototype)))
  .filter(list => list.length > 0)
  .map(list => ({
    events: defineEvents(Object.fromEntries(list.map(([type, { fields }]) => [type, fields]))),
    drafts: fc.oneof(...list.map(([type, { values }]) => values.map(draft => ({ ...draft, type })))),
  }));
