/**
 * Decoding a block of whole lines, as it was read: lines with offsets -> events that pass the filter -> batches.
 *
 * Promises: a malformed line is an error with path, line and offset, or goes to the callback, never unsaid, and never before the
 * events that come before it; so is one that is too long. What comes after a terminal event is not decoded where that ends it.
 */
import { isUtf8 } from 'node:buffer';
import { type EventLogError, MalformedLineError } from '../errors.js';
import { decodeLine, decodeMatched } from '../format/decode.js';
import { omneEvents } from '../format/events.js';
import type { LineMatcher } from '../format/lanes/line-matcher.js';
import { LF, type LineBlock, lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import type { Batch } from './batch-source.js';
import type { AnyReadOptions, EventFilter } from './event-filter.js';

/**
 * The most events of a batch. The fewer events are alive at a time, the less the collector of garbage has to copy, and the less
 * it asks for: with whole blocks, four times as many, a replay on Node 24 took twice the memory.
 */
const BATCH_EVENTS = 256;

/** How the lines of a log are decoded. */
export interface DecodeOptions extends Pick<AnyReadOptions, 'events' | 'maxLineBytes' | 'onMalformed'> {
  /** Nothing after a terminal event is handed out. */
  stopAtTerminal?: boolean | undefined;
}

const NOTHING = Buffer.alloc(0);

/** Decodes the blocks of one log, one after the other. */
export class BlockDecoder {
  readonly #vocabulary: Vocabulary;
  /**
   * That of the vocabulary, which all scanners share. That is safe since a block is decoded without a wait. The one thing that runs in
   * between is `onMalformed`, and a reading that it begins or goes on with decodes nothing before a later microtask;
   * `decodeEvent` has a matcher of its own.
   */
  readonly #matcher: LineMatcher;
  readonly #filter: EventFilter;
  readonly #path: string;
  readonly #maxLineBytes: number;
  readonly #onMalformed: AnyReadOptions['onMalformed'];
  readonly #stopAtTerminal: boolean;
  #line: number | undefined; // lines decoded so far; unknown when reading began further on
  #stopped = false;
  #block: LineBlock | undefined; // what is being decoded, from `#at` on
  #valid = false; // the whole block is UTF-8; where it is not, each line is checked
  #at = 0;

  /** Of the log at a path, whose first block begins at `start`. */
  constructor(path: string, start: number, filter: EventFilter, options: DecodeOptions) {
    const { events = omneEvents, maxLineBytes = MAX_LINE_BYTES, onMalformed } = options;
    this.#vocabulary = events;
    this.#matcher = events.matcher;
    this.#filter = filter;
    this.#path = path;
    this.#maxLineBytes = maxLineBytes;
    this.#onMalformed = onMalformed;
    this.#stopAtTerminal = options.stopAtTerminal ?? false;
    this.#line = start === 0 ? 0 : undefined;
  }

  /** Whether something of the block is left. */
  get busy(): boolean {
    return this.#block !== undefined;
  }

  /** A terminal event was read after which nothing is handed out. */
  get ended(): boolean {
    return this.#stopped;
  }

  /** Nothing more will be handed out: the filter lets nothing through, or the run has ended. */
  get finished(): boolean {
    return this.#stopped || this.#filter.exhausted;
  }

  /** The first events of a block. */
  begin(block: LineBlock): Batch {
    this.#block = block;
    this.#valid = isUtf8(block.bytes);
    return this.#decode(block);
  }

  /** The next events of the block, perhaps none; undefined when nothing of it is left. */
  next(): Batch | undefined {
    return this.#block && this.#decode(this.#block);
  }

  /** Lets go of the bytes decoded last, which the matcher would keep alive. */
  letGo(): void {
    this.#matcher.use(NOTHING);
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
        throw this.tooLong(offset + start);
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
      path: this.#path,
      line: this.#nextLine(),
      offset,
      kind: cause.kind,
      cause: cause.cause,
    };
    const error = new MalformedLineError(cause.reason, facts);
    if (typeof this.#onMalformed !== 'function') throw error;
    this.#onMalformed(error);
  }

  /** That the next line is too long. */
  tooLong(offset: number): EventLogError {
    return lineTooLong(this.#maxLineBytes, this.#path, offset, this.#nextLine());
  }

  #nextLine(): number | undefined {
    return this.#line === undefined ? undefined : this.#line + 1;
  }
}
