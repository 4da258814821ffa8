/**
 * Which events a reader hands out: the options, checked once, as a predicate with memory.
 *
 * Promise: `after` first, then `types` and `nodeId`, then `limit`; all of them combine.
 */
import type { MalformedLineError } from '../errors.js';
import { type EventType, type OmneEvents, omneEvents } from '../format/events.js';
import type { LineMatcher } from '../format/lanes/line-matcher.js';
import type { LogEvent } from '../format/schema.js';
import { isVocabulary, Vocabulary } from '../format/vocabulary.js';
import {
  either,
  isBoolean,
  isFunction,
  isInteger,
  isSignal,
  isText,
  type OptionCheck,
  oneOf,
} from '../options.js';

/** What to read, from where, and what to do about damage. */
export interface ReadOptions<T extends string = EventType, V extends Vocabulary = OmneEvents> {
  /** The vocabulary of the log; `omneEvents` by default. */
  events?: V | undefined;
  /** The byte offset of a line start, e.g. a saved `position`; 0 by default. */
  from?: number | undefined;
  /**
   * An event id: start after that event. Where no event has it, start at the first one with a greater id, as texts compare;
   * so does a decoder always, which cannot look ahead. By default reading starts at the first event.
   */
  after?: string | undefined;
  /** Only events of these types, which then are the ones the reader is typed to give; of all by default. */
  types?: readonly T[] | undefined;
  /** Only events of this node; of all, and of the pipe itself, by default. */
  nodeId?: string | undefined;
  /** At most this many events; all by default. */
  limit?: number | undefined;
  /** Only the last so many of the matching events, oldest first; found from the end of the log. All by default. */
  last?: number | undefined;
  /**
   * Newest first: the same events, from the last one back, of which `limit` takes the newest. `position` is then where the event
   * handed out last begins, and line numbers of errors are absent. False by default.
   */
  reverse?: boolean | undefined;
  /** What a malformed line does: `throw` (the default) ends the reading, a callback gets the error and the line is skipped. */
  onMalformed?: 'throw' | ((error: MalformedLineError) => void) | undefined;
  /** The longest line accepted, in bytes; 16 MiB by default. */
  maxLineBytes?: number | undefined;
  /** Ends the reading, which rejects with the signal's reason; by default nothing does. */
  signal?: AbortSignal | undefined;
}

const areTypes: OptionCheck = (value, options = {}) => {
  const events: unknown = Reflect.get(options, 'events');
  const { types } = events instanceof Vocabulary ? events : omneEvents;
  return Array.isArray(value) && value.every(type => types.includes(type))
    ? undefined
    : `an array of event types: ${types.join(', ')}`;
};

/** The same, of any vocabulary. */
export type AnyReadOptions = ReadOptions<string, Vocabulary>;

/** What the options of a reader must be. */
export const READ_OPTIONS: Readonly<Record<keyof ReadOptions, OptionCheck>> = {
  events: isVocabulary,
  from: isInteger,
  after: isText,
  types: areTypes,
  nodeId: isText,
  limit: isInteger,
  last: isInteger,
  reverse: isBoolean,
  onMalformed: either(oneOf('throw'), isFunction),
  maxLineBytes: isInteger,
  signal: isSignal,
};

/** Decides event by event; see the promise above. */
export class EventFilter {
  readonly #vocabulary: Vocabulary;
  readonly #types: ReadonlySet<string> | undefined;
  readonly #nodeId: string | undefined;
  readonly #nodeBytes: Uint8Array | undefined;
  #after: string | undefined;
  #left: number;

  constructor(options: AnyReadOptions) {
    const { events = omneEvents, after, types, nodeId } = options;
    const { limit = Number.POSITIVE_INFINITY, last = limit } = options;
    this.#vocabulary = events;
    this.#after = after;
    this.#types = types === undefined ? undefined : new Set<string>(types);
    this.#nodeId = nodeId;
    this.#nodeBytes = nodeId === undefined ? undefined : Buffer.from(JSON.stringify(nodeId).slice(1));
    this.#left = Math.min(limit, last); // a growing log may hold more after the last ones found
  }

  /** No further event can pass. */
  get exhausted(): boolean {
    return this.#left <= 0;
  }

  /** All that comes is after `after`: it was found by other means. */
  metAfter(): void {
    this.#after = undefined;
  }

  /** Whether the event passes; called once for each event in file order. */
  take(event: LogEvent): boolean {
    if (this.#after !== undefined) {
      if (event.id <= this.#after) {
        if (event.id === this.#after) this.#after = undefined;
        return false;
      }
      this.#after = undefined;
    }
    if (this.#left <= 0 || !this.matches(event)) return false;
    this.#left--;
    return true;
  }

  /** Whether the event of a line just matched, of the type given, cannot pass: known without making it; false when in doubt. */
  passesOver(type: string, line: LineMatcher): boolean {
    if (this.#types === undefined && this.#nodeBytes === undefined) return false;
    if (this.#after !== undefined || this.#vocabulary.isTerminalType(type)) return false; // its id matters; a tail ends after it
    if (this.#types !== undefined && !this.#types.has(type)) return true;
    return this.#nodeBytes !== undefined && !line.mayBeOfNode(this.#nodeBytes);
  }

  /** Whether the event is of the wanted types and node. */
  matches(event: LogEvent): boolean {
    if (this.#types !== undefined && !this.#types.has(event.type)) return false;
    return this.#nodeId === undefined || ('node_id' in event && event.node_id === this.#nodeId);
  }
}
