/**
 * Scanning a log: from the open file to batches of events, the stage that replays and tails share.
 *
 *     bytes -> complete lines with offsets -> decode -> filter -> batch
 *
 * Promises: only complete lines are decoded; a malformed one is an error with path, line and offset, or goes to the
 * callback, never unsaid, and never before the events that come before it. At the end of the file `next` answers
 * undefined and may be called again once it has grown. Lines that were read and then taken back are an error, whatever
 * is in their place by now.
 */
import { isUtf8 } from 'node:buffer';
import { EventLogError, MalformedLineError } from '../errors.js';
import { decodeLine, decodeMatched } from '../format/decode.js';
import { omneEvents } from '../format/events.js';
import type { LineMatcher } from '../format/lanes/line-matcher.js';
import { BLOCK_BYTES, LF, type LineBlock, LineCutter, lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import type { Folder } from '../volume/folder.js';
import type { RunPlaces } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import type { Batch } from './batch-source.js';
import type { AnyReadOptions, EventFilter } from './event-filter.js';
import { LastLine } from './last-line.js';
import { LiveEnd } from './live-end.js';
import type { LogSource } from './log-source.js';
import { findStart, type StartOptions } from './start-position.js';

/**
 * The most events of a batch. The fewer events are alive at a time, the less the collector of garbage has to copy, and the less
 * it asks for: with whole blocks, four times as many, a replay on Node 24 took twice the memory.
 */
const BATCH_EVENTS = 256;

/** How a log is scanned. */
export interface ScanOptions extends StartOptions {
  /** Nothing after a terminal event is handed out. */
  stopAtTerminal?: boolean | undefined;
}

const NOTHING = Buffer.alloc(0);

/** Reads one log forwards. */
export class LogScanner<Source extends LogSource = ReadableLog> {
  /** The position reading began at. */
  readonly start: number;
  /** The log being read. */
  readonly log: Source;
  /** The last line read. */
  readonly lastLine: LastLine;
  readonly #vocabulary: Vocabulary;
  /**
   * That of the vocabulary, which all scanners share. That is safe since a block is decoded without a wait. The one thing that runs in
   * between is `onMalformed`, and a reading that it begins or goes on with decodes nothing before a later microtask;
   * `decodeEvent` has a matcher of its own.
   */
  readonly #matcher: LineMatcher;
  readonly #filter: EventFilter;
  readonly #cutter: LineCutter;
  readonly #maxLineBytes: number;
  readonly #onMalformed: AnyReadOptions['onMalformed'];
  readonly #stopAtTerminal: boolean;
  #line: number | undefined; // lines decoded so far; unknown when reading began further on
  #stopped = false;
  #block: LineBlock | undefined; // what is being decoded, from `#at` on
  #valid = false; // the whole block is UTF-8; where it is not, each line is checked
  #at = 0;
  #ahead: Promise<number> | undefined;
  #nearEnd = false; // the last read came to the end of the file
  #wasAhead = false; // and was made some time ago
  #liveEnd: LiveEnd | undefined;

  constructor(log: Source, start: number, filter: EventFilter, options: ScanOptions) {
    const { events = omneEvents, maxLineBytes = MAX_LINE_BYTES, onMalformed } = options;
    this.#vocabulary = events;
    this.#matcher = events.matcher;
    this.log = log;
    this.start = start;
    this.#filter = filter;
    this.#cutter = new LineCutter(start, {
      path: log.path,
      maxLineBytes,
      blockBytes: blockFor(log.size() - start),
    });
    this.lastLine = new LastLine(log, start);
    this.#maxLineBytes = maxLineBytes;
    this.#onMalformed = onMalformed;
    this.#stopAtTerminal = options.stopAtTerminal ?? false;
    this.#line = start === 0 ? 0 : undefined;
  }

  /** Opens the log, from the folder of all runs where that is held already, and finds the place to start. */
  static async open(
    places: RunPlaces,
    filter: EventFilter,
    options: ScanOptions,
    runs?: Folder,
  ): Promise<LogScanner> {
    const log = await openForReading(places, runs);
    try {
      return new LogScanner(log, await findStart(log, filter, options), filter, options);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Bytes of an unterminated line at the end of what was read. */
  get tornBytes(): number {
    return this.#cutter.tornBytes;
  }

  /** Where the next line starts. */
  get position(): number {
    return this.#cutter.offset;
  }

  /** The last read came to the end of the file, and all of it was handed out: another reads what was written since. */
  get atEnd(): boolean {
    return this.#nearEnd && this.#block === undefined && !this.#wasAhead;
  }

  /** A terminal event was read after which nothing is handed out. */
  get ended(): boolean {
    return this.#stopped;
  }

  /** Nothing more will be handed out: the filter lets nothing through, or the run has ended. */
  get finished(): boolean {
    return this.#stopped || this.#filter.exhausted;
  }

  /**
   * The next events, perhaps none of those read; undefined at the end of the file.
   *
   * @throws EventLogError `ERR_LOG_TRUNCATED` when what was read of the file is not there any more.
   */
  async next(): Promise<Batch | undefined> {
    if (this.#block !== undefined) return this.#decode(this.#block);
    for (;;) {
      if (this.#nearEnd && this.log.readNow !== undefined) {
        const batch = this.nextNow();
        if (batch !== undefined || this.#nearEnd) return batch;
      }
      const { room, offset } = this.#cutter;
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const read = await (ahead ?? this.log.read(room, offset));
      this.lastLine.check(); // after the reading: what is there now was there then
      this.#nearEnd = read < room.length;
      this.#wasAhead = ahead !== undefined;
      const block = this.#take(read, offset);
      if (block !== undefined) {
        if (!this.#nearEnd) this.#readAhead();
        return this.#begin(block);
      }
      if (this.atEnd) return undefined; // what was read ahead may be out of date by now
    }
  }

  /**
   * The same without a wait, once `next` has come to the end: what a small read on this thread finds. Undefined where that is nothing, and
   * where it is too much.
   */
  nextNow(): Batch | undefined {
    const { readNow } = this.log;
    if (readNow === undefined || this.#block !== undefined) return undefined;
    this.#liveEnd ??= new LiveEnd();
    const { room } = this.#liveEnd;
    const { offset } = this.#cutter;
    const read = this.#liveEnd.read(this.lastLine, readNow);
    this.#nearEnd = read < room.length;
    this.#wasAhead = false;
    const block = this.#take(read, offset, room);
    return block && this.#begin(block);
  }

  /** Lets the disk work while the block is decoded. */
  #readAhead(): void {
    const { room, offset } = this.#cutter;
    this.#ahead = this.log.read(room, offset);
    this.#ahead.catch(() => undefined); // reported by the next `next`
  }

  /** Closes the log, once a reading ahead has come back. */
  async close(): Promise<void> {
    await this.letGo();
    await this.log.close();
  }

  /** Resolves once nothing more is read from the log, which stays open. */
  async letGo(): Promise<void> {
    await this.#ahead?.catch(() => undefined);
    this.#matcher.use(NOTHING); // which holds on to no buffer then
  }

  #take(read: number, offset: number, buffer?: Buffer): LineBlock | undefined {
    try {
      return this.#cutter.take(read, buffer);
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      throw this.#tooLong(offset); // the cutter knows no line numbers
    }
  }

  #begin(block: LineBlock): Batch {
    this.lastLine.take(block);
    this.#block = block;
    this.#valid = isUtf8(block.bytes);
    return this.#decode(block);
  }

  /** Decodes what is left of the block: as far as a batch goes, or as the next malformed line when there are events before it. */
  #decode({ bytes, offset }: LineBlock): Batch {
    const batch: Batch = { events: [], ends: [] };
    const matcher = this.#matcher;
    const vocabulary = this.#vocabulary;
    if (!matcher.uses(bytes)) matcher.use(bytes);
    while (this.#at < bytes.length && !this.finished) {
      if (batch.events.length === BATCH_EVENTS) return batch;
      const start = this.#at;
      const canonicalEnd = this.#valid ? matcher.match(start) : -1;
      const end = canonicalEnd < 0 ? bytes.indexOf(LF, start) : canonicalEnd;
      if (end - start > this.#maxLineBytes) {
        if (batch.events.length > 0) return batch;
        throw this.#tooLong(offset + start);
      }
      try {
        const event = this.#valid
          ? this.#decodeMatched()
          : decodeLine(bytes.subarray(start, end), vocabulary);
        if (event !== undefined) {
          this.#stopped = this.#stopAtTerminal && vocabulary.isTerminal(event);
          if (this.#filter.take(event)) {
            batch.events.push(event);
            batch.ends.push(offset + end + 1);
          }
        }
      } catch (error) {
        if (batch.events.length > 0) return batch; // the events before it first
        this.#malformed(error, offset + start);
      }
      this.#at = end + 1;
      if (this.#line !== undefined) this.#line++;
    }
    this.#block = undefined;
    this.#at = 0;
    return batch;
  }

  /** The event of the line matched last; undefined when it cannot pass the filter. */
  #decodeMatched(): LogEvent | undefined {
    const matcher = this.#matcher;
    const { type } = matcher;
    if (type !== undefined && this.#filter.passesOver(type, matcher)) return undefined;
    return decodeMatched(matcher, this.#vocabulary);
  }

  #malformed(cause: unknown, offset: number): void {
    if (!(cause instanceof MalformedLineError)) throw cause;
    const facts = {
      path: this.log.path,
      line: this.#nextLine(),
      offset,
      kind: cause.kind,
      cause: cause.cause,
    };
    const error = new MalformedLineError(cause.reason, facts);
    if (typeof this.#onMalformed !== 'function') throw error;
    this.#onMalformed(error);
  }

  #tooLong(offset: number): EventLogError {
    return lineTooLong(this.#maxLineBytes, this.log.path, offset, this.#nextLine());
  }

  #nextLine(): number | undefined {
    return this.#line === undefined ? undefined : this.#line + 1;
  }
}

/** A short log needs no large buffer: most of the time of a listing of many would go into making them. */
function blockFor(bytes: number): number {
  return Math.min(BLOCK_BYTES, Math.max(4096, bytes + 1));
}
