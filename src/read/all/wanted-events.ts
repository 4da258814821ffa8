/**
 * What is wanted of a run among many: which of its events, and the vocabulary they are read by.
 *
 * Promise: that is the vocabulary of the reader, where it gives one, and otherwise the one that the run carries.
 */
import { type EventType, omneEvents } from '../../format/events.js';
import type { LogEvent } from '../../format/schema.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { conflictBetween } from '../../format/vocabulary-change.js';
import { type AnyReadOptions, EventFilter } from '../event-filter.js';

/** What is wanted of each run. */
export interface Wanted extends Pick<AnyReadOptions, 'events' | 'types' | 'onMalformed' | 'maxLineBytes'> {
  /** Only events that happened from then on, in milliseconds since the epoch. */
  readonly since: number | undefined;
}

/** So much may the clock of a file system differ from that of the writers, and the time of an id from that of its event. */
const CLOCKS_MS = 60_000;

/** What is wanted of one run. */
export class WantedEvents {
  readonly #wanted: Wanted;
  #vocabulary: Vocabulary;
  #filter: EventFilter;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#vocabulary = wanted.events ?? omneEvents;
    this.#filter = this.#newFilter();
  }

  /** Whether the vocabulary is that of the reader, whatever the run carries. */
  get isOfReader(): boolean {
    return this.#wanted.events !== undefined;
  }

  /** The vocabulary that its events are read by. */
  get events(): Vocabulary {
    return this.#vocabulary;
  }

  /** Lets through what is wanted by its type, and what ends a run. */
  get filter(): EventFilter {
    return this.#filter;
  }

  get maxLineBytes(): number | undefined {
    return this.#wanted.maxLineBytes;
  }

  get onMalformed(): Wanted['onMalformed'] {
    return this.#wanted.onMalformed;
  }

  /** Takes the vocabulary that the run carries; false where the reader wants runs of one that this is not of. */
  learn(own: Vocabulary): boolean {
    const { events } = this.#wanted;
    if (events === undefined) this.use(own);
    // What the reader's has more than the run's only never occurs in it.
    return events === undefined || events === own || conflictBetween(own, events) === undefined;
  }

  /** Reads by this vocabulary from now on. */
  use(vocabulary: Vocabulary): void {
    this.#vocabulary = vocabulary;
    this.#filter = this.#newFilter();
  }

  /** Whether an event that the filter let through is wanted. */
  has(event: LogEvent): boolean {
    const { types, since } = this.#wanted;
    if (types !== undefined && !types.includes(event.type)) return false;
    return since === undefined || !(Date.parse(event.ts) < since);
  }

  /**
   * What a file or an id shows to be of before this time, in milliseconds since the epoch, happened before what is wanted; absent where
   * events of any time are.
   */
  get earliest(): number | undefined {
    const { since } = this.#wanted;
    return since === undefined ? undefined : since - CLOCKS_MS;
  }

  #newFilter(): EventFilter {
    return new EventFilter({ events: this.#vocabulary, types: this.#typesToSee() });
  }

  /** The types wanted, and those that end a run. */
  #typesToSee(): Wanted['types'] {
    const { types } = this.#wanted;
    if (types === undefined) return undefined;
    const { types: all } = this.#vocabulary;
    const isSeen = (type: string): type is EventType =>
      types.some(wanted => wanted === type) || this.#vocabulary.isTerminalType(type);
    return all.filter(isSeen);
  }
}
