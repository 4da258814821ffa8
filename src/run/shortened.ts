/**
 * Events as views show them: without giants. A message of megabytes would fill the memory of a server, a page and a terminal.
 *
 * Promises: a text that is left out in part says so in its middle, and how much; beginnings and ends stay, as errors have what matters
 * there. Ids that differ still do when they are cut. Types stay what they are. The log, and what reads it as data, has everything.
 */
import { count } from '../figures.js';
import type { LogEvent } from '../format/schema.js';

/** A longer text of an event is cut, in UTF-16 units. */
export const MOST_CHARACTERS = 4000;
const FIRST_CHARACTERS = 1000;
/** A longer id, or name in an object, is cut; no file can be called so, and a table is as wide as the longest. */
const MOST_OF_ID = 500;
const FIRST_OF_ID = 150;
/** After so much of an event, its lists and objects end. */
const MOST_OF_EVENT = 65_536;
/** What an item costs besides its text. */
const ITEM = 16;
const MOST_DEPTH = 100;

/** What a fold distinguishes events and nodes by, besides the type. */
const IDENTIFIERS: ReadonlySet<string> = new Set(['id', 'ts', 'run_id', 'node_id']);

/** The event with its long texts cut and its long lists ended; the same object where it has none. */
export function shortened<Event extends LogEvent>(event: Event): Event {
  const room = { left: MOST_OF_EVENT };
  let copy: Event | undefined;
  for (const name of Object.keys(event)) {
    const value: unknown = Reflect.get(event, name);
    if (name === 'type') continue;
    const isId = typeof value === 'string' && IDENTIFIERS.has(name);
    const short = isId ? shortId(value) : shortOf(value, room, 0);
    if (short === value) continue;
    copy ??= { ...event };
    Reflect.set(copy, name, short);
  }
  return copy === undefined ? event : structuredClone(copy); // its texts may be parts of a line, which they keep in memory
}

/** The same, but inputs of the run, which it has once, stay whole: a view may say how much there is of one. */
export function shortenedNodeEvent<Event extends LogEvent>(event: Event): Event {
  const short = shortened(event);
  const isWhole = short === event || event.type !== 'pipe.started' || !('inputs' in event);
  return isWhole ? short : { ...short, inputs: event.inputs };
}

/** A text with its middle left out, where it is long. */
export function shortText(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  return cut(text, FIRST_CHARACTERS, MOST_CHARACTERS - FIRST_CHARACTERS);
}

/** The same of an id: one that is cut has a hash of the whole in it, so two that differ stay two. */
export function shortId(id: string): string {
  if (id.length <= MOST_OF_ID) return id;
  const { createHash } = process.getBuiltinModule('node:crypto'); // loaded for giants only: a quick command needs none
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 16);
  return cut(id, FIRST_OF_ID, FIRST_OF_ID, `, sha256 ${hash}`);
}

function cut(text: string, firstLength: number, lastLength: number, note = ''): string {
  let first = firstLength;
  let last = text.length - lastLength;
  if (isHalf(text, first)) first--;
  if (isHalf(text, last)) last++;
  const leftOut = `${count(last - first, 'character')} left out${note}`;
  return `${text.slice(0, first)}… (${leftOut}) …${text.slice(last)}`;
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
  const all = Object.entries(value);
  const entries: [string, unknown][] = [];
  for (const [name, part] of all) {
    if (room.left <= 0) break;
    const short = shortId(name);
    room.left -= short.length;
    entries.push([short, shortOf(part, room, depth + 1)]);
  }
  const isSame =
    entries.length === all.length &&
    entries.every(([name, part], index) => name === all[index]?.[0] && part === all[index]?.[1]);
  return isSame ? value : Object.fromEntries(entries);
}
