/**
 * What goes to the terminal: the only place that writes to stdout.
 *
 * Promise: text that came out of an event or a path passes `printable` first, so it can neither move the cursor, nor
 * change colours, nor reorder the line it stands in. Colours follow NO_COLOR, FORCE_COLOR and whether stdout is a terminal.
 */
import { styleText } from 'node:util';

/** C0 controls, DEL and C1 controls, the bidirectional controls, and the two line separators of Unicode. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** A text on one line, every control character in it written as an escape (`\n`, `\u001b`); JSON text keeps its meaning. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, character => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return SHORT_ESCAPES.get(character) ?? `\\u${hex}`;
  });
}

/** A text in a colour, where `stream` shows colours. */
export function paint(
  colour: Parameters<typeof styleText>[0],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return styleText(colour, text, { stream });
}

/**
 * Writes a line, or several at once, to stdout; resolves when it took them.
 *
 * Never rejects: when stdout fails, the command line learns it from the stream itself and ends the command.
 */
export function print(lines: string): Promise<void> {
  return new Promise(resolve => {
    process.stdout.write(`${lines}\n`, () => resolve());
  });
}
