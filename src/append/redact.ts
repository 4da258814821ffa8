/**
 * Redacting a draft: every text of it goes through a function of the caller before anything else sees it.
 *
 * Promise: what was redacted is a copy, and only the copy is checked, quoted in errors, queued and written.
 */

/** Where a text is found in a draft. */
export interface RedactPlace {
  /** The type that the draft names. */
  readonly type: string;
  /** The path of the field, e.g. `inputs[2].value`. */
  readonly field: string;
}

/** Returns a text as it may be logged. Called for every text of a draft but its `type`; what it throws refuses the draft. */
export type Redact = (text: string, place: RedactPlace) => string;

/** Deeper than any draft may be; the check that follows says so. */
const MAX_DEPTH = 100;

/** A copy of the draft with every text redacted; what is no draft at all is left to the check that follows. */
export function redactDraft(draft: unknown, redact: Redact): unknown {
  if (!isRecord(draft) || typeof draft['type'] !== 'string') return draft;
  const { type } = draft;
  const redacted = (text: string, field: string): string => {
    const result: unknown = redact(text, { type, field });
    if (typeof result !== 'string') throw new TypeError(`option redact must return a string for ${field}`);
    return result;
  };
  const copyOf = (value: unknown, field: string, depth: number): unknown => {
    if (typeof value === 'string') return redacted(value, field);
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      return Array.from(value, (item, index) => copyOf(item, `${field}[${index}]`, depth + 1));
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, copyOf(item, `${field}.${name}`, depth + 1)]),
    );
  };
  return Object.fromEntries(
    Object.entries(draft).map(([name, value]) => [name, name === 'type' ? type : copyOf(value, name, 0)]),
  );
}

function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
