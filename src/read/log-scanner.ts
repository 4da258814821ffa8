/**
 * Scanning a log: from the open file to batches of events, the stage that replays and tails share.
 *
 *     bytes -> complete lines with offsets -> decode -> filter -> batch
 *
 * Promises: only complete lines are decoded. At the end of the file `next` answers undefined and may be called again once it
 * has grown. Lines that were read and then taken back are an error, whatever is in their place by now.
 */
import { EventLogError } from '../errors.js';
import { BLOCK_BYTES, type LineBlock, LineCutter, MAX_LINE_BYTES } from '../format/lines.js';
import type { Folder } from '../volume/folder.js';
import type { RunPlaces } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import type { Batch } from './batch-source.js';
import { BlockDecoder, type DecodeOptions } from './block-decoder.js';
import type { EventFilter } from './event-filter.js';
import { LastLine } from './last-line.js';
import { LiveEnd } from './live-end.js';
import type { LogSource } from './log-source.js';
import { findStart, type StartOptions } from './start-position.js';

/** How a log is scanned. */
export type ScanOptions = StartOptions & DecodeOptions;

/** Reads one log forwards. */
export class LogScanner<Source extends LogSource = ReadableLog> {
  /** The position reading began at. */
  readonly start: number;
  /** The log being read. */
  readonly log: Source;
  /** The last line read. */
  readonly lastLine: LastLine;
  readonly #cutter: LineCutter;
  readonly #decoder: BlockDecoder;
  #ahead: Promise<number> | undefined;
  #nearEnd = false; // the last read came to the end of the file
  #wasAhead = false; // and was made some time ago
  #liveEnd: LiveEnd | undefined;

  constructor(log: Source, start: number, filter: EventFilter, options: ScanOptions) {
    this.log = log;
    this.start = start;
    this.#cutter = new LineCutter(start, {
      path: log.path,
      maxLineBytes: options.maxLineBytes ?? MAX_LINE_BYTES,
      blockBytes: blockFor(log.size() - start),
    });
    this.lastLine = new LastLine(log, start);
    this.#decoder = new BlockDecoder(log.path, start, filter, options);
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
    return this.#nearEnd && !this.#decoder.busy && !this.#wasAhead;
  }

  /** A terminal event was read after which nothing is handed out. */
  get ended(): boolean {
    return this.#decoder.ended;
  }

  /** Nothing more will be handed out: the filter lets nothing through, or the run has ended. */
  get finished(): boolean {
    return this.#decoder.finished;
  }

  /**
   * The next events, perhaps none of those read; undefined at the end of the file.
   *
   * @throws EventLogError `ERR_LOG_TRUNCATED` when what was read of the file is not there any more.
   */
  async next(): Promise<Batch | undefined> {
    const left = this.#decoder.next();
    if (left !== undefined) return left;
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
    if (readNow === undefined || this.#decoder.busy) return undefined;
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
    this.#decoder.letGo();
  }

  #take(read: number, offset: number, buffer?: Buffer): LineBlock | undefined {
    try {
      return this.#cutter.take(read, buffer);
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      throw this.#decoder.tooLong(offset); // the cutter knows no line numbers
    }
  }

  #begin(block: LineBlock): Batch {
    this.lastLine.take(block);
    return this.#decoder.begin(block);
  }
}

/** A short log needs no large buffer: most of the time of a listing of many would go into making them. */
function blockFor(bytes: number): number {
  return Math.min(BLOCK_BYTES, Math.max(4096, bytes + 1));
}
