/**
 * Reading one of many runs: a bit at a time, with the log open only as long as there is something to read, or few others are.
 *
 * Promises: `position` is after the last event handed out. A log that is opened again is the same file, and what was handed out
 * last is still in it; otherwise that is an error.
 */
import { EventLogError, MalformedLineError } from '../../errors.js';
import type { LogEvent } from '../../format/schema.js';
import { fileOf } from '../../volume/open-log.js';
import { placesOf, type RunPlaces } from '../../volume/places.js';
import { openForReading, type ReadableLog } from '../../volume/readable-log.js';
import type { Batch } from '../batch-source.js';
import { lastEventBefore } from '../find-event.js';
import { LogScanner } from '../log-scanner.js';
import { runVocabulary } from '../run-vocabulary.js';
import { markOf, type RunPlace } from './cursor.js';
import { eventBefore, type PlacedEvent } from './event-before.js';
import { type Wanted, WantedEvents } from './wanted-events.js';

/** In a shorter log it takes no longer to read what is not wanted than to look for its end. */
const LONG_LOG_BYTES = 1024 * 1024;

/** A run on its way through a reading of all. */
export class RunReading {
  readonly runId: string;
  /** Where it is in the order of all: the id of its next event, or as long as that is not known, one that is not above it. */
  key: string;
  /** It had its first turn. */
  begun = false;
  /** The log may have grown since it was last read to its end. */
  grown = false;
  /** Whether it takes part in the order at this moment. */
  queued = false;
  /** It is being read at this moment. */
  loading = false;
  /** Nothing of it is wanted any more: it has failed, or is gone. */
  over = false;
  /** The id of the terminal event, once that was read. */
  endedBy: string | undefined;
  /** When that was handed out, in milliseconds since the epoch. */
  endedAt = 0;
  /** When the log was last written to, in milliseconds since the epoch. */
  changedAt = 0;
  /** How long the log was when it was last looked at, in bytes. */
  size = 0;
  /** Which file was at its path when it was last looked at. */
  seenFile = '';
  readonly #places: RunPlaces;
  readonly #wanted: WantedEvents;
  #learned = false;
  /** Where a line was malformed, and the vocabulary of the run was read again for it. */
  #checkedAt = -1;
  #place: RunPlace;
  #scanFrom: number;
  #file: string | undefined;
  #scanner: LogScanner | undefined;
  #events: PlacedEvent[] = [];
  #next = 0;

  constructor(root: string, runId: string, place: RunPlace | undefined, wanted: Wanted) {
    this.runId = runId;
    this.key = runId.slice(-26); // its ULID: the events of a run come after its allocation
    this.#places = placesOf(root, runId);
    this.#wanted = new WantedEvents(wanted);
    this.#place = place ?? { position: 0, mark: '' };
    this.#scanFrom = this.#place.position;
  }

  /** How far it was handed out. */
  get place(): RunPlace {
    return this.#place;
  }

  /** Whether there is an event to hand out without reading. */
  get loaded(): boolean {
    return this.#next < this.#events.length;
  }

  /** Hands out the next event. */
  take(): PlacedEvent | undefined {
    const placed = this.#events[this.#next];
    if (placed === undefined) return undefined;
    this.#next++;
    this.#place = { position: placed.position, mark: markOf(placed.event.id) };
    this.key = this.#events[this.#next]?.event.id ?? placed.event.id;
    return placed;
  }

  /** Learns the vocabulary of the run; false where the reader wants runs of one that this is not of. */
  async learn(): Promise<boolean> {
    if (this.#learned) return true;
    this.#learned = this.#wanted.learn(await runVocabulary(this.#places));
    return this.#learned;
  }

  /**
   * Reads on until there is something to hand out, or the end of the log, or of the run. At the end of the log that stays open,
   * so that what grows there is found with one read; whoever has too many closes some.
   */
  async load(): Promise<void> {
    if (this.#file !== this.seenFile) await this.close(); // opening says what has become of it
    this.#scanner ??= await this.#open();
    while (!this.loaded && !this.#scanner.finished) {
      if (this.#scanner.atEnd && !this.grown) return; // all that there was has been handed out
      this.grown = false; // what grows from here on counts again
      const batch = await this.#nextBatch(this.#scanner);
      if (batch === undefined) return;
      this.#events = [];
      this.#next = 0;
      for (const [index, event] of batch.events.entries()) {
        if (this.isTerminal(event)) this.endedBy = event.id;
        const position = batch.ends[index];
        if (position !== undefined && this.#wanted.has(event)) this.#events.push({ event, position });
      }
    }
    const [first] = this.#events;
    if (this.loaded && first !== undefined) this.key = first.event.id;
    else await this.close();
  }

  /**
   * The next batch. A line of a type that the run has only got since is read with the vocabulary that has it; of a log that was cut
   * opening it again says what has become of it.
   */
  async #nextBatch(scanner: LogScanner): Promise<Batch | undefined> {
    try {
      return await scanner.next();
    } catch (error) {
      if (error instanceof EventLogError && error.code === 'ERR_LOG_TRUNCATED') return this.#nextOfOpened();
      const offset = error instanceof MalformedLineError ? error.offset : undefined;
      if (this.#wanted.isOfReader || offset === undefined || offset === this.#checkedAt) throw error;
      this.#checkedAt = offset;
      const own = await runVocabulary(this.#places);
      if (own === this.#wanted.events) return scanner.next();
      this.#wanted.use(own);
      return this.#nextOfOpened(offset);
    }
  }

  /** The next batch of the log opened again, from where it was read to, or from another place. */
  async #nextOfOpened(from?: number): Promise<Batch | undefined> {
    await this.close();
    this.#scanFrom = from ?? this.#scanFrom;
    this.#scanner = await this.#open();
    return this.#scanner.next();
  }

  /** Called for a malformed line: at first it may be one of a newer vocabulary. */
  #onMalformed = (error: MalformedLineError): void => {
    const { isOfReader, onMalformed } = this.#wanted;
    const known = isOfReader || error.offset === this.#checkedAt;
    if (!known || typeof onMalformed !== 'function') throw error;
    onMalformed(error);
  };

  /** Whether its log is held open. */
  get isOpen(): boolean {
    return this.#scanner !== undefined;
  }

  /** The event that ends the log at this moment, and where it ends; undefined where there is none. */
  lastEvent(): Promise<PlacedEvent | undefined> {
    return this.#looking(log => eventBefore(log, log.size(), this.#wanted));
  }

  /** The last event of a long log that happened before all that is wanted, as its ids show; undefined where none is known. */
  async lastUnwanted(): Promise<PlacedEvent | undefined> {
    const { earliest, events } = this.#wanted;
    if (earliest === undefined || this.size < LONG_LOG_BYTES) return undefined;
    return this.#looking(log => lastEventBefore(log, log.size(), earliest, events));
  }

  async #looking<Found>(look: (log: ReadableLog) => Promise<Found>): Promise<Found> {
    const log = await openForReading(this.#places);
    try {
      return await look(log);
    } finally {
      await log.close();
    }
  }

  /** Where nothing was wanted before: goes on from there. */
  skipTo({ position, event }: PlacedEvent): void {
    this.#place = { position, mark: markOf(event.id) };
    this.#scanFrom = position;
  }

  /** Whether all that the log holds happened before what is wanted, as the time of its file shows. */
  get isOld(): boolean {
    const { earliest } = this.#wanted;
    return earliest !== undefined && this.changedAt < earliest;
  }

  /** Gives back what is held. */
  async close(): Promise<void> {
    const scanner = this.#scanner;
    this.#scanner = undefined;
    if (scanner === undefined) return;
    this.#scanFrom = this.loaded ? this.#place.position : scanner.position;
    await scanner.close();
  }

  /** Whether an event ends the run. */
  isTerminal(event: LogEvent): boolean {
    return this.#wanted.events.isTerminal(event);
  }

  async #open(): Promise<LogScanner> {
    const { events, filter, maxLineBytes } = this.#wanted;
    const options = {
      events,
      from: this.#scanFrom,
      maxLineBytes,
      onMalformed: this.#onMalformed,
      stopAtTerminal: true,
    };
    const scanner = await LogScanner.open(this.#places, filter, options).catch((error: unknown) => {
      const moved = error instanceof EventLogError && error.code === 'ERR_INVALID_POSITION';
      throw moved ? this.#replaced(error) : error;
    });
    try {
      const file = fileOf(scanner.log.opened);
      const same = this.#file === undefined || this.#file === file;
      if (!same || !(await this.#holdsLast(scanner.log))) throw this.#replaced();
      this.#file = file;
      return scanner;
    } catch (error) {
      await scanner.close();
      throw error;
    }
  }

  #replaced(cause?: unknown): EventLogError {
    const what = 'this is not the log that was read before, or its end was cut';
    return new EventLogError('ERR_LOG_REPLACED', what, { path: this.#places.log, cause });
  }

  /** Whether what was handed out last is still where it was. */
  async #holdsLast(log: ReadableLog): Promise<boolean> {
    const { position, mark } = this.#place;
    if (position === 0) return true;
    const last = await eventBefore(log, position, this.#wanted);
    return last?.position === position && markOf(last.event.id) === mark;
  }
}
