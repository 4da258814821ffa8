/**
 * Captured text as an agent can read it: without what moves a terminal's cursor, and without what nobody sees.
 *
 * Promise: the result is one line of visible text. A line that was drawn over (`\r`) is as it was left. Characters that hide text from
 * people or turn its direction (tags, bidirectional controls, zero-width spaces) are gone, so a hidden instruction is not passed on.
 */
import { withoutSequences } from '../run/output/output-search.js';

/** Controls (tabs stay), invisible characters, line separators, and bidirectional controls; ZWJ and ZWNJ belong to scripts and emoji. */
const HIDDEN =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e0fff}]/gu;

/** One line of output as it was left on the terminal. */
export function plainLine(line: string): string {
  const shown = withoutSequences(line).replace(/\r+$/, '');
  return shown.slice(shown.lastIndexOf('\r') + 1).replace(HIDDEN, '');
}

/** A text of an event on one line, at most so many characters of it. */
export function oneLine(text: string, most = 300): string {
  // No more is looked at than can matter, since an event may hold megabytes.
  const plain = withoutSequences(text.slice(0, most * 4)).replace(/\s*[\r\n]+\s*/g, ' ⏎ ');
  return cut(plain.replace(HIDDEN, '').trim(), most);
}

/** The beginning of a text; what is left out is said by an ellipsis. No character is cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = /[\ud800-\udbff]/.test(text[most - 2] ?? '') ? most - 2 : most - 1;
  return `${text.slice(0, end)}…`;
}
