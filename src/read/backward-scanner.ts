/**
 * Scanning a log from its last event to its first: batches of events, newest first.
 *
 * Promises: it gives what reading forwards with the same options would, the other way round. The log is read from its end, a block
 * at a time, and no further back than is asked for; memory stays within a block and the longest line. Bytes after the last newline
 * are not an event, as for every reader.
 */
import { MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import {
  endOfLastLine,
  type FoundLine,
  linesBackward,
  lineTooLong,
  MAX_LINE_BYTES,
} from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { ReadableLog } from '../volume/readable-log.js';
import type { Batch } from './batch-source.js';
import { type AnyReadOptions, EventFilter } from './event-filter.js';
import type { LogSource } from './log-source.js';
import { checkLineStart, findStart } from './start-position.js';

const BATCH_EVENTS = 256;
/** After so many lines a batch is handed out even if it is empty, so that an abort is noticed. */
const BATCH_LINES = 4096;
const ALL = Number.MAX_SAFE_INTEGER;

/** Reads one log backwards. `ends` of its batches are where the events begin: the position after an event, in the order of reading. */
export class BackwardScanner<Source extends LogSource = ReadableLog> {
  /** Where reading begins: the end of the last whole line. */
  readonly start: number;
  /** The log being read. */
  readonly log: Source;
  readonly #options: AnyReadOptions;
  readonly #filter: EventFilter;
  readonly #lines: AsyncGenerator<FoundLine>;
  /** Where the events to hand out begin, once that had to be looked for. */
  #first: number | undefined;
  #left: number;
  #failure: unknown;

  private constructor(log: Source, from: number, end: number, options: AnyReadOptions) {
    const { events, types, nodeId, maxLineBytes } = options;
    const { limit = Number.POSITIVE_INFINITY, last = Number.POSITIVE_INFINITY } = options;
    this.start = end;
    this.log = log;
    this.#options = options;
    this.#filter = new EventFilter({ events, types, nodeId });
    this.#lines = linesBackward(log.read, end, { start: from, maxLineBytes, path: log.path });
    this.#left = Math.min(limit, last);
  }

  /** Finds the end of a log to read back from; closes it where that fails. */
  static async of<Source extends LogSource>(
    log: Source,
    options: AnyReadOptions,
  ): Promise<BackwardScanner<Source>> {
    try {
      const from = Math.max(options.from ?? 0, log.begin);
      await checkLineStart(log, from);
      return new BackwardScanner(log, from, await endOfLastLine(log.read, from, log.size()), options);
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Bytes of an unterminated line at the end. */
  get tornBytes(): number {
    return this.log.size() - this.start;
  }

  /** Nothing more will be handed out. */
  get finished(): boolean {
    return this.#left <= 0 && this.#failure === undefined;
  }

  /** The next events, perhaps none; undefined when the first one was handed out. Those read before an error come before it. */
  async next(): Promise<Batch | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const batch: Batch = { events: [], ends: [] };
    try {
      for (
        let lines = 0;
        lines < BATCH_LINES && batch.events.length < BATCH_EVENTS && this.#left > 0;
        lines++
      ) {
        const { value: line, done } = await this.#lines.next();
        if (done === true || !(await this.#take(line, batch))) {
          this.#left = 0;
          return batch.events.length > 0 ? batch : undefined;
        }
      }
    } catch (error) {
      if (batch.events.length === 0) throw error;
      this.#failure = error;
    }
    return batch;
  }

  /** Gives back the log. */
  async close(): Promise<void> {
    await this.log.close();
  }

  /** Takes an event into the batch where it is wanted; false where it, and all before it, are before those asked for. */
  async #take({ bytes, offset }: FoundLine, { events, ends }: Batch): Promise<boolean> {
    const { after } = this.#options;
    const event = this.#decode(bytes, offset);
    if (event === undefined) return true;
    if (event.id === after) return false;
    // A lesser id is before the one meant, or ids do not rise here and that one is further on.
    if (after !== undefined && event.id < after) this.#first ??= await this.#findFirst(after);
    if (this.#first !== undefined && offset < this.#first) return false;
    if (!this.#filter.matches(event)) return true;
    events.push(event);
    ends.push(offset);
    this.#left--;
    return true;
  }

  #findFirst(after: string): Promise<number> {
    const { events, from, maxLineBytes } = this.#options;
    return findStart(this.log, this.#filter, { events, from, maxLineBytes, after, last: ALL });
  }

  #decode(bytes: Buffer, offset: number): LogEvent | undefined {
    const { events, onMalformed, maxLineBytes = MAX_LINE_BYTES } = this.#options;
    if (bytes.length > maxLineBytes) throw lineTooLong(maxLineBytes, this.log.path, offset);
    try {
      return decodeLine(bytes, events);
    } catch (error) {
      if (!(error instanceof MalformedLineError)) throw error;
      const facts = { path: this.log.path, offset, kind: error.kind, cause: error.cause };
      const malformed = new MalformedLineError(error.reason, facts);
      if (typeof onMalformed !== 'function') throw malformed;
      onMalformed(malformed);
      return undefined;
    }
  }
}
