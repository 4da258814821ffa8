/**
 * A place in a long log, by halving: ids rise in a log, so a look at a few lines is enough.
 *
 * Promise: the event found by its id is right, whatever the ids do; where ids do not rise it may not be found.
 */
import { decodeOrSkip } from '../format/decode.js';
import { LF } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { isUlid, timeOfUlid } from '../volume/ulid.js';
import type { LogSource } from './log-source.js';

const PROBE_BYTES = 8 * 1024;

/** An event, and where its line starts and ends. */
interface FoundEvent {
  readonly event: LogEvent;
  readonly start: number;
  readonly end: number;
}

/** Where the line of the event with this id ends, looked for between two line starts. */
export async function endOfEvent(
  log: LogSource,
  { start, end }: { readonly start: number; readonly end: number },
  id: string,
  events: Vocabulary | undefined,
): Promise<number | undefined> {
  let low = start; // a line start: no line before it is the one
  let high = end; // no line that starts from here on is the one
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await firstEvent(log, middle, middle === low ? low : middle - 1, end, events);
    if (found === undefined || found.event.id > id) high = middle;
    else if (found.event.id === id) return found.end;
    else low = found.end;
  }
  return undefined;
}

/**
 * The last event that got its id before a time, in milliseconds since the epoch, and the position after it; undefined where there is none,
 * or where an id that is met is no ULID and so says nothing.
 */
export async function lastEventBefore(
  log: LogSource,
  end: number,
  time: number,
  events: Vocabulary,
): Promise<{ readonly event: LogEvent; readonly position: number } | undefined> {
  let low = 0; // a line start: what is before it is earlier
  let high = end; // what starts from here on is not
  let last: LogEvent | undefined;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await firstEvent(log, middle, middle === low ? low : middle - 1, end, events);
    if (found !== undefined && !isUlid(found.event.id)) return undefined;
    if (found === undefined || timeOfUlid(found.event.id) >= time) {
      high = middle;
    } else {
      last = found.event;
      low = found.end;
    }
  }
  return last && { event: last, position: low };
}

/** The first event whose line starts at `from` or after it; `readFrom` is a line start, or the byte before `from`. */
async function firstEvent(
  log: LogSource,
  from: number,
  readFrom: number,
  end: number,
  events: Vocabulary | undefined,
): Promise<FoundEvent | undefined> {
  for (let length = PROBE_BYTES; ; length *= 4) {
    const space = Buffer.allocUnsafe(Math.min(length, end - readFrom));
    const bytes = space.subarray(0, await log.read(space, readFrom));
    let start = readFrom === from ? 0 : bytes.indexOf(LF) + 1;
    if (start > 0 || readFrom === from) {
      for (let lf = bytes.indexOf(LF, start); lf !== -1; lf = bytes.indexOf(LF, start)) {
        const event = decodeOrSkip(bytes.subarray(start, lf), events);
        if (event !== undefined) return { event, start: readFrom + start, end: readFrom + lf + 1 };
        start = lf + 1;
      }
    }
    if (bytes.length < length) return undefined;
  }
}
