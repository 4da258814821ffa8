/**
 * Text from a log or an output, made safe to look at: what would not be seen, or would change how the rest reads, is shown
 * as what it is.
 */

/** Controls, and the characters that change the direction of text or take no room. */
const UNSEEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** The same text with each unseen character as a picture or a number. */
export function visible(text: string): string {
  return text.replace(UNSEEN, character => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
  });
}

/** A number of bytes, in a unit of its size. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [size, unit] = [count, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A count and its noun. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A time of an event in milliseconds since the epoch; NaN where there is none, or it cannot be read. */
export function timeOf(ts: string | undefined): number {
  return Date.parse(ts ?? '');
}
