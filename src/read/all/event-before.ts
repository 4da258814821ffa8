/** The event before a place in a log: the last one, or that by which a reader knows that what it has handed out is still there. */
import { decodeOrSkip } from '../../format/decode.js';
import type { LogEvent } from '../../format/schema.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import type { ReadableLog } from '../../volume/readable-log.js';
import { lineBefore } from '../line-before.js';

/** An event and the position after it. */
export interface PlacedEvent {
  readonly event: LogEvent;
  readonly position: number;
}

/** The event of the last complete line that ends at `end` or before it; undefined where there is none, or the line is no event. */
export async function eventBefore(
  log: ReadableLog,
  end: number,
  { events, maxLineBytes }: { readonly events: Vocabulary; readonly maxLineBytes: number | undefined },
): Promise<PlacedEvent | undefined> {
  const line = await lineBefore(log, end, maxLineBytes);
  const event = line && decodeOrSkip(line.bytes, events);
  return event && { event, position: line.offset + line.bytes.length + 1 };
}
