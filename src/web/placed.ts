/**
 * Events as they are sent: with their place, and without giants.
 *
 * Promise: whatever a log holds, an answer and what the server keeps are bounded.
 */
import type { EventStream, Vocabulary } from '../index.js';
import { shortened } from '../run/shortened.js';
import type { PlacedEvent } from './api.js';

type EventOf<Stream> = Stream extends AsyncIterable<infer Event> ? Event : never;

/** An event of any vocabulary, as a source gives it. */
type SentEvent = EventOf<EventStream<string, Vocabulary>>;

/** An event that may also be folded. */
export interface Placed extends PlacedEvent {
  readonly event: SentEvent;
}

/** After so many characters a page of events ends. */
export const MOST_OF_PAGE = 2_000_000;

/** The event with its place, its long texts cut. */
export function placed(event: SentEvent, position: number): Placed {
  const short = shortened(event);
  return { position, event: { ...short }, ...(short === event ? {} : { shortened: true }) };
}

/** The event with its place, as it is in the log. */
export function asItIs(event: SentEvent, position: number): Placed {
  return { position, event: { ...event } };
}

/** How much of an answer an event is. */
export function sizeOf(event: PlacedEvent): number {
  return JSON.stringify(event).length;
}
