/**
 * How a vocabulary may change under a run that is there already.
 *
 * Promise: what only adds types, or fields that may be absent, keeps every old line readable, with the same meaning. Nothing else is
 * taken for such a change.
 */
import { isDeepStrictEqual } from 'node:util';
import { type RecordSpec, withoutJsonSchema } from './schema.js';
import { quote } from './violation.js';
import type { Vocabulary } from './vocabulary.js';

/** Why `next` is more than an addition to `before`; undefined where it adds only, or nothing. */
export function conflictBetween(before: Vocabulary, next: Vocabulary): string | undefined {
  for (const [type, spec] of Object.entries(before.schema)) {
    const wanted = next.schema[type];
    if (wanted === undefined) return `it has no event type ${quote(type)}`;
    if (before.isTerminalType(type) !== next.isTerminalType(type))
      return `${type} ends a run in one of the two only`;
    const conflict = conflictInFields(spec, wanted, type);
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}

function conflictInFields(before: RecordSpec, next: RecordSpec, type: string): string | undefined {
  for (const [name, field] of Object.entries(before)) {
    const wanted = next[name];
    if (wanted === undefined) return `${type} has no field ${quote(name)}`;
    if (!isDeepStrictEqual(withoutJsonSchema(wanted), withoutJsonSchema(field)))
      return `${type}: field ${quote(name)} is another one`;
  }
  const added = Object.entries(next).find(
    ([name, { presence }]) => !(name in before) && presence === undefined,
  );
  return added && `${type}: field ${quote(added[0])} is new and must be there`;
}
