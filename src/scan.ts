/**
 * Scanning a log: from the open file to batches of events, the stage that replays and tails share.
 *
 *     bytes -> complete lines with offsets -> decode -> filter -> batch
 *
 * Promises: only complete lines are decoded; a malformed one is an error with path, line and offset, or goes to the
 * callback, never unsaid. At the end of the file `next` answers undefined and may be called again once it has grown.
 */
import { decodeEvent } from './codec.js';
import { EventLogError, MalformedLineError, systemError } from './errors.js';
import type { RunEvent } from './events.js';
import { openForReading, type ReadableLog } from './file.js';
import { EventFilter, type ReadOptions } from './filter.js';
import { endOfLastLine, LF, LineCutter, linesBackward, lineTooLong, MAX_LINE_BYTES } from './lines.js';
import type { RunPlaces } from './places.js';

/** Events in file order; `ends[i]` is the position behind `events[i]`. */
export interface Batch {
  readonly events: RunEvent[];
  readonly ends: number[];
}

/** Reads one log forwards. */
export class LogScanner {
  readonly #log: ReadableLog;
  readonly #path: string;
  readonly #options: ReadOptions;
  readonly #filter: EventFilter;
  readonly #maxLineBytes: number;
  #cutter: LineCutter;
  #line: number | undefined; // lines decoded so far; unknown when reading began further on
  #failure: unknown; // found behind events that are handed out first

  private constructor(log: ReadableLog, path: string, options: ReadOptions, start: number) {
    this.#log = log;
    this.#path = path;
    this.#options = options;
    this.#filter = new EventFilter(options);
    this.#maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.#cutter = new LineCutter(start, {
      path,
      maxLineBytes: this.#maxLineBytes,
    });
    this.#line = start === 0 ? 0 : undefined;
  }

  /** Opens the log and finds the place to start. */
  static async open(places: RunPlaces, options: ReadOptions): Promise<LogScanner> {
    const log = await openForReading(places);
    try {
      const from = options.from ?? 0;
      await checkLineStart(log, from, places.log);
      const start =
        options.last === undefined ? from : await startOfLast(log, places.log, options, options.last);
      return new LogScanner(log, places.log, options, start);
    } catch (error) {
      await log.close();
      throw systemError('the log could not be read', places.log, error);
    }
  }

  /** Bytes of an unterminated line at the end of what was read. */
  get tornBytes(): number {
    return this.#cutter.tornBytes;
  }

  /** The filter lets nothing more through. */
  get exhausted(): boolean {
    return this.#filter.exhausted;
  }

  /** The next events, perhaps none of those read; undefined at the end of the file. */
  async next(): Promise<Batch | undefined> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const read = await this.#log.read(this.#cutter.room, this.#cutter.end);
      if (read === 0) return undefined;
      const block = this.#cutter.take(read);
      return block === undefined ? { events: [], ends: [] } : this.#decode(block.bytes, block.offset);
    } catch (error) {
      throw systemError('the log could not be read', this.#path, error);
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #decode(bytes: Buffer, offset: number): Batch {
    const batch: Batch = { events: [], ends: [] };
    try {
      for (let start = 0, end: number; start < bytes.length && !this.#filter.exhausted; start = end + 1) {
        end = bytes.indexOf(LF, start);
        const event = this.#decodeLine(bytes.subarray(start, end), offset + start);
        if (event === undefined || !this.#filter.take(event)) continue;
        batch.events.push(event);
        batch.ends.push(offset + end + 1);
      }
    } catch (error) {
      if (batch.events.length === 0) throw error;
      this.#failure = error;
    }
    return batch;
  }

  #decodeLine(line: Buffer, offset: number): RunEvent | undefined {
    if (this.#line !== undefined) this.#line++;
    if (line.length > this.#maxLineBytes)
      throw lineTooLong(this.#maxLineBytes, this.#path, offset, this.#line);
    try {
      return decodeEvent(line);
    } catch (cause) {
      if (!(cause instanceof MalformedLineError)) throw cause;
      const facts = {
        path: this.#path,
        line: this.#line,
        offset,
        cause: cause.cause,
      };
      const error = new MalformedLineError(cause.reason, facts);
      if (typeof this.#options.onMalformed !== 'function') throw error;
      this.#options.onMalformed(error);
      return undefined;
    }
  }
}

async function checkLineStart(log: ReadableLog, from: number, path: string): Promise<void> {
  if (from === 0) return;
  if (from > log.size()) {
    throw new EventLogError('ERR_LOG_TRUNCATED', 'the log is shorter than the position to read from', {
      path,
      offset: from,
    });
  }
  const before = Buffer.alloc(1);
  await log.read(before, from - 1);
  if (before[0] !== LF) {
    throw new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', {
      path,
      offset: from,
    });
  }
}

/** Where the last `count` matching events begin. Malformed lines are left to the reading that follows. */
async function startOfLast(
  log: ReadableLog,
  path: string,
  options: ReadOptions,
  count: number,
): Promise<number> {
  const start = options.from ?? 0;
  const read = log.read;
  const end = await endOfLastLine(read, start, log.size());
  if (count === 0) return end;
  const filter = new EventFilter(options);
  const { after, maxLineBytes } = options;
  let found = 0;
  let first = end;
  for await (const { bytes, offset } of linesBackward(read, end, {
    start,
    maxLineBytes,
    path,
  })) {
    const event = decodeOrSkip(bytes);
    if (event === undefined) continue;
    if (after !== undefined && event.id <= after) break;
    if (!filter.matches(event)) continue;
    first = offset;
    if (++found === count) break;
  }
  return first;
}

function decodeOrSkip(line: Buffer): RunEvent | undefined {
  try {
    return decodeEvent(line);
  } catch (error) {
    if (error instanceof MalformedLineError) return undefined;
    throw error;
  }
}
