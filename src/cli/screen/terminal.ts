/**
 * What goes to the terminal: the only place that writes to stdout, but for the protocol of `omne-log mcp`.
 *
 * Promise: text that came out of an event or a path passes `printable` first, so it can neither move the cursor, nor
 * change colours, nor reorder the line it is in. Colours follow NO_COLOR, FORCE_COLOR and whether stdout is a terminal.
 */
import { styleText } from 'node:util';

/** C0 controls, DEL and C1 controls, the bidirectional controls, and the two line separators of Unicode. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** A colour or style. */
export type Colour = Parameters<typeof styleText>[0];

/** A text on one line, every control character in it written as an escape (`\n`, `\u001b`); JSON text keeps its meaning. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, character => {
    const hex = character.charCodeAt(0).toString(16).padStart(4, '0');
    return SHORT_ESCAPES.get(character) ?? `\\u${hex}`;
  });
}

/** The same for a text of several lines: line ends and tabs stay what they are. */
export function printableText(text: string): string {
  return text
    .split(/\r?\n/)
    .map(line => line.split('\t').map(printable).join('\t'))
    .join('\n');
}

/** A text in a colour, where `stream` shows colours. */
export function paint(colour: Colour, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(colour, text, { stream });
}

/**
 * Writes a line, or several at once, to stdout; resolves when it took them.
 *
 * Never rejects: when stdout fails, the command line learns it from the stream itself and ends the command.
 */
export function print(lines: string): Promise<void> {
  return write(`${lines}\n`);
}

/** Writes text or bytes as they are; see `print`. */
export function write(chunk: string | Uint8Array): Promise<void> {
  return new Promise(resolve => {
    waiting.add(resolve);
    process.stdout.write(chunk, () => {
      waiting.delete(resolve);
      resolve();
    });
  });
}

const waiting = new Set<() => void>();

/** Lets everybody go on who waits for a stdout that takes nothing more. */
export function giveUpWriting(): void {
  for (const resolve of waiting) resolve();
}

/** JSON for stdout. On a terminal even JSON is escaped: what a JSON string may hold verbatim can still reorder a line. */
export function jsonLine(json: string): string {
  return process.stdout.isTTY ? printable(json) : json;
}

/** Says on stderr that there is nothing to print, to a person: in a pipe nothing is the answer. */
export function sayNothing(text: string): void {
  if (process.stdout.isTTY) console.error(`omne-log: ${text}`);
}

/** Whether stdout is a terminal on which a line can be drawn over again. */
export function canRedraw(): boolean {
  return process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
}

/** How many columns a line may take; no bound where stdout is no terminal. */
export function lineWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
}
