/** What the code made for drafts calls for their values, and where it leaves their text. */
import { takeJson } from '../check-json.js';
import type { StandardSchema } from '../standard-schema.js';

/** What a copy leaves: the text of its fields, each led by a comma, and whether that may be more than ASCII. */
export const written: { text: string; wide: boolean } = { text: '', wide: false };

/** Longer texts are left to `JSON.stringify`, which then is quicker than a look at each character. */
const PLAIN_UNITS = 64;

/** The JSON of a text; '' where it is not well-formed. */
export function quoted(text: string): string {
  const { length } = text;
  if (length > PLAIN_UNITS) return quotedAsAny(text);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return quotedAsAny(text);
  }
  return `"${text}"`;
}

function quotedAsAny(text: string): string {
  if (!text.isWellFormed()) return '';
  written.wide = true;
  return JSON.stringify(text);
}

/** What the strict checker takes of a json field; undefined where that is not sure. */
export function copyJson(value: unknown, schema: StandardSchema | undefined): unknown {
  try {
    return takeJson(value, '', schema);
  } catch {
    return undefined;
  }
}

/** Whether a path is beyond doubt a relative one that may be written. */
export function isPlainPath(path: string): boolean {
  return /^[A-Za-z0-9_.-][^\\:\0]*$/.test(path) && !path.includes('..');
}
