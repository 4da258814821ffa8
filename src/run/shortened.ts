/**
 * Events as views show them: without giants. A message of megabytes would fill the memory of a server, a page and a terminal.
 *
 * Promise: a text that is left out in part says so in its middle, and how much; beginnings and ends stay, as errors have what matters
 * there. Types stay what they are. The log, and what reads it as data, has everything.
 */
import { count } from '../figures.js';
import type { LogEvent } from '../format/schema.js';

/** A longer text of an event is cut, in UTF-16 units. */
export const MOST_CHARACTERS = 4000;
const FIRST_CHARACTERS = 1000;
/** After so much of an event, its lists end. */
const MOST_OF_EVENT = 65_536;
/** What an item costs besides its text. */
const ITEM = 16;
const MOST_DEPTH = 100;

/** What a fold tells events and nodes apart by. */
const IDENTIFIERS: ReadonlySet<string> = new Set(['type', 'id', 'ts', 'run_id', 'node_id']);

/** The event with its long texts cut and its long lists ended; the same object where it has none. */
export function shortened<Event extends LogEvent>(event: Event): Event {
  const room = { left: MOST_OF_EVENT };
  let copy: Event | undefined;
  for (const name of Object.keys(event)) {
    const value: unknown = Reflect.get(event, name);
    if (IDENTIFIERS.has(name)) continue;
    const short = shortOf(value, room, 0);
    if (short === value) continue;
    copy ??= { ...event };
    Reflect.set(copy, name, short);
  }
  return copy === undefined ? event : structuredClone(copy); // its texts may be parts of a line, which they keep in memory
}

/** The same of what there may be any number of in a run; its start stays whole, so that a view may say how much there is of an input. */
export function shortenedNodeEvent<Event extends LogEvent>(event: Event): Event {
  return event.type === 'pipe.started' ? event : shortened(event);
}

/** A text with its middle left out, where it is long. */
export function shortText(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  let first = FIRST_CHARACTERS;
  let last = text.length - (MOST_CHARACTERS - FIRST_CHARACTERS);
  if (isHalf(text, first)) first--;
  if (isHalf(text, last)) last++;
  return `${text.slice(0, first)}… (${count(last - first, 'character')} left out) …${text.slice(last)}`;
}

/** Whether a character would be cut in two. */
function isHalf(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));
}

/** A value with its long parts cut; the same where there are none. */
function shortOf(value: unknown, room: { left: number }, depth: number): unknown {
  room.left -= ITEM;
  if (typeof value === 'string') {
    const short = shortText(value);
    room.left -= short.length;
    return short;
  }
  if (typeof value !== 'object' || value === null || depth > MOST_DEPTH) return value;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      if (room.left <= 0) break;
      items.push(shortOf(item, room, depth + 1));
    }
    const isSame = items.length === value.length && items.every((item, index) => item === value[index]);
    return isSame ? value : items;
  }
  const entries = Object.entries(value).map(([name, part]): [string, unknown] => {
    room.left -= name.length;
    return [name, shortOf(part, room, depth + 1)];
  });
  return entries.every(([name, part]) => part === Reflect.get(value, name))
    ? value
    : Object.fromEntries(entries);
}
