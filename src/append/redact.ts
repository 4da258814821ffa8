/**
 * Redacting a draft: every text of it goes through a function of the caller before anything else sees it.
 *
 * Promise: what was redacted is a copy, and only the copy is checked, quoted in errors, queued and written.
 */

import { EventLogError } from '../errors.js';
import type { EventSchema, FieldSpec } from '../format/schema.js';

/** Where a text is found in a draft. */
export interface RedactPlace {
  /** The type that the draft names. */
  readonly type: string;
  /** The path of the field, e.g. `inputs[2].value`. */
  readonly field: string;
}

/**
 * Returns a text as it may be logged. Called for every text of a draft but its `type`, and in json fields for the names in objects
 * too. What it throws refuses the draft, and so does a change of `node_id`, `pipe` or `output_path`, or of two names into one
 * (`ERR_INVALID_EVENT`).
 */
export type Redact = (text: string, place: RedactPlace) => string;

/** Two nodes whose ids were masked would become one; a file would not be found by its path. */
const IDENTIFIERS: ReadonlySet<string> = new Set(['node_id', 'pipe', 'output_path']);

/** Deeper than any draft may be; the check that follows says so. */
const MAX_DEPTH = 100;

/** A copy of the draft with every text redacted; what is not a draft at all is left to the check that follows. */
export function redactDraft(draft: unknown, redact: Redact, schema: EventSchema = {}): unknown {
  if (!isRecord(draft) || typeof draft['type'] !== 'string') return draft;
  const { type } = draft;
  const fields = Object.hasOwn(schema, type) ? schema[type] : undefined;
  const redacted = (text: string, field: string): string => {
    const result: unknown = redact(text, { type, field });
    if (typeof result !== 'string') throw new TypeError(`option redact must return a string for ${field}`);
    return result;
  };
  const copyOf = (value: unknown, field: string, spec: FieldSpec | undefined, depth: number): unknown => {
    if (typeof value === 'string') return redacted(value, field);
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      const of = spec?.type === 'list' ? spec.of : spec;
      return Array.from(value, (item, index) => copyOf(item, `${field}[${index}]`, of, depth + 1));
    }
    const isJson = spec?.type === 'json';
    const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
      const path = `${field}.${name}`;
      const of =
        spec?.type === 'object' && Object.hasOwn(spec.of, name) ? spec.of[name] : isJson ? spec : undefined;
      return [isJson ? redacted(name, path) : name, copyOf(item, path, of, depth + 1)];
    });
    const copy = Object.fromEntries(entries);
    if (Object.keys(copy).length === entries.length) return copy;
    throw sameNames(field);
  };
  const entries = Object.entries(draft).map(([name, value]): [string, unknown] => {
    if (name === 'type') return [name, type];
    const spec = fields !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined;
    const copy = copyOf(value, name, spec, 0);
    if (IDENTIFIERS.has(name) && copy !== value) throw changedIdentifier(name);
    return [name, copy];
  });
  return Object.fromEntries(entries);
}

function changedIdentifier(field: string): EventLogError {
  const what = `invalid event: redact would change field "${field}", which names a node, a pipe or a file`;
  return new EventLogError('ERR_INVALID_EVENT', what, { field });
}

/** Names the field of the event alone: what leads on from there may hold names that are secret. */
function sameNames(path: string): EventLogError {
  const [field = ''] = path.split(/[.[]/, 1);
  const what = `invalid event: redact would make two names in field "${field}" the same`;
  return new EventLogError('ERR_INVALID_EVENT', what, { field });
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
