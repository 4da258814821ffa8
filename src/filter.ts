/**
 * Which events a reader hands out: the options, checked once, as a predicate with memory.
 *
 * Promise: `after` first, then `types` and `nodeId`, then `limit`; all of them combine.
 */
import type { MalformedLineError } from './errors.js';
import { EVENT_TYPES, type EventType, isEventType, isTerminalType, type RunEvent } from './events.js';
import { isCanonicalOf } from './matcher.js';

/** What to read, from where, and what to do about damage. */
export interface ReadOptions {
  /** The byte offset of a line start, e.g. a saved `position`; 0 by default. */
  from?: number;
  /**
   * An event id: start behind that event. Where no event has it, start at the first one with a greater id, as texts compare;
   * so does a decoder always, which cannot look ahead.
   */
  after?: string;
  /** Only events of these types. */
  types?: readonly EventType[];
  /** Only events of this node. */
  nodeId?: string;
  /** At most this many events. */
  limit?: number;
  /** Only the last so many of the matching events, oldest first; found from the end of the log. */
  last?: number;
  /** What a malformed line does: `throw` (the default) ends the reading, a callback is told and the line skipped. */
  onMalformed?: 'throw' | ((error: MalformedLineError) => void);
  /** The longest line accepted, in bytes; 16 MiB by default. */
  maxLineBytes?: number;
  /** Ends the reading: it rejects with the signal's reason. */
  signal?: AbortSignal;
}

const ENDS: ReadonlySet<EventType> = new Set(EVENT_TYPES.filter(isTerminalType));
const NOT_ENDS: ReadonlySet<EventType> = new Set(EVENT_TYPES.filter(type => !isTerminalType(type)));

/** Rejects mistakes in the options with a `TypeError`. */
export function checkReadOptions(options: ReadOptions): void {
  for (const name of ['from', 'limit', 'last', 'maxLineBytes'] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new TypeError(`option ${name} must be an integer from 0 up`);
    }
  }
  for (const name of ['after', 'nodeId'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'string') {
      throw new TypeError(`option ${name} must be a string`);
    }
  }
  if (options.types !== undefined && !(Array.isArray(options.types) && options.types.every(isEventType))) {
    throw new TypeError(`option types must be an array of event types: ${EVENT_TYPES.join(', ')}`);
  }
  const { onMalformed, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError('option signal must be an AbortSignal');
  if (onMalformed !== undefined && onMalformed !== 'throw' && typeof onMalformed !== 'function') {
    throw new TypeError("option onMalformed must be 'throw' or a function");
  }
}

/** Rejects options that must be true or false and are neither. */
export function checkBooleans<Options extends object>(
  options: Options,
  names: readonly (keyof Options & string)[],
): void {
  for (const name of names) {
    if (options[name] !== undefined && typeof options[name] !== 'boolean') {
      throw new TypeError(`option ${name} must be true or false`);
    }
  }
}

/** Decides event by event; see the promise above. */
export class EventFilter {
  readonly #types: ReadonlySet<EventType> | undefined;
  readonly #nodeId: string | undefined;
  readonly #unwanted: ReadonlySet<EventType>;
  readonly #nodeKey: string | undefined;
  #after: string | undefined;
  #left: number;

  constructor({ after, types, nodeId, limit = Number.POSITIVE_INFINITY, last = limit }: ReadOptions) {
    this.#after = after;
    this.#types = types === undefined ? undefined : new Set(types);
    this.#nodeId = nodeId;
    this.#nodeKey = nodeId === undefined ? undefined : `,"node_id":${JSON.stringify(nodeId)}`;
    // A terminal event is always looked at: a tail ends behind it, wanted or not.
    this.#unwanted = new Set(
      EVENT_TYPES.filter(type => types !== undefined && !types.includes(type) && !ENDS.has(type)),
    );
    this.#left = Math.min(limit, last); // a growing log may hold more behind the last ones found
  }

  /** No further event can pass. */
  get exhausted(): boolean {
    return this.#left <= 0;
  }

  /** All that comes stands behind `after`: it was found by other means. */
  metAfter(): void {
    this.#after = undefined;
  }

  /** Whether the event passes; called once for each event in file order. */
  take(event: RunEvent): boolean {
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

  /** Whether a line holds an event that cannot pass, told without decoding it; false when in doubt. */
  passesOver(text: string): boolean {
    if (this.#after !== undefined) return false; // its id matters
    if (this.#nodeKey !== undefined && !text.includes(this.#nodeKey)) return isCanonicalOf(NOT_ENDS, text);
    return this.#unwanted.size > 0 && isCanonicalOf(this.#unwanted, text);
  }

  /** Whether the event is of the wanted types and node. */
  matches(event: RunEvent): boolean {
    if (this.#types !== undefined && !this.#types.has(event.type)) return false;
    return this.#nodeId === undefined || ('node_id' in event && event.node_id === this.#nodeId);
  }
}
