/**
 * Messages of a run -> batches of events: what `LogScanner` is for a file.
 *
 * Promises: a message that holds no event is an error with its place, or goes to the callback, never unsaid, and never before
 * the events that stand before it. Every message must follow the one before it: each names it, and where it names
 * another one events are missing.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { EventLogError, MalformedLineError } from '../../errors.js';
import { decodeEvent } from '../../format/decode.js';
import { isTerminal, type RunEvent } from '../../format/events.js';
import { lineTooLong, MAX_LINE_BYTES } from '../../format/lines.js';
import type { EventFilter, ReadOptions } from '../../read/event-filter.js';
import type { Batch } from '../../read/event-stream.js';
import { positionOf, startOf } from '../message.js';
import { linkOf } from './message-link.js';
import type { StoredRun } from './stored-run.js';

const LOST = 'the remote copy no longer holds what was read of it';

/** Where a scan begins and what ends it. */
export interface MessageScanOptions extends Pick<ReadOptions, 'maxLineBytes' | 'onMalformed'> {
  /** The position to read from: what ends before it is passed over. */
  readonly position: number;
  /** The last sequence to hand out. */
  readonly lastSequence?: number;
  /** Nothing after a terminal event is handed out. */
  readonly stopAtTerminal: boolean;
}

/** Decodes the messages of one run, as they come. */
export class MessageScanner {
  readonly #run: StoredRun;
  readonly #filter: EventFilter;
  readonly #options: MessageScanOptions;
  #messages: readonly JsMsg[] = [];
  #at = 0;
  #position: number;
  #passUpTo: number; // what ends up to here is passed over
  #anchored = true; // something ended just there
  #rewound = false;
  #before: JsMsg | undefined; // the message in front
  #stopped = false;

  constructor(run: StoredRun, filter: EventFilter, options: MessageScanOptions) {
    this.#run = run;
    this.#filter = filter;
    this.#options = options;
    this.#position = options.position;
    this.#passUpTo = options.position;
  }

  /** Where the next line starts. */
  get position(): number {
    return this.#position;
  }

  /** Nothing more will be handed out. */
  get finished(): boolean {
    return this.#stopped || this.#filter.exhausted;
  }

  /** All messages were looked at: `take` may be given the next ones. */
  get empty(): boolean {
    return this.#at === this.#messages.length;
  }

  /** Takes what comes next in the stream. */
  take(messages: readonly JsMsg[]): void {
    this.#messages = messages;
    this.#at = 0;
  }

  /** The messages taken next begin again: those that were looked at are passed over. */
  rewind(): void {
    this.#passUpTo = Math.max(this.#passUpTo, this.#position);
    this.#rewound = true;
    this.#anchored = false;
    this.#before = undefined;
  }

  /** The events of the messages taken, or as far as the next malformed one where there are events before it. */
  next(): Batch {
    const batch: Batch = { events: [], ends: [] };
    for (let message = this.#messages[this.#at]; message !== undefined; message = this.#messages[this.#at]) {
      if (this.finished) break;
      const { lastSequence = Number.POSITIVE_INFINITY } = this.#options;
      try {
        if (message.seq > lastSequence) throw this.#run.incomplete(this.#position); // that one should have come
        this.#look(message, batch);
      } catch (error) {
        if (batch.events.length > 0) return batch; // those first; this message is looked at again
        this.#malformed(error);
      }
      this.#position = positionOf(message.headers) ?? this.#position;
      this.#before = message;
      this.#at++;
      if (message.seq === lastSequence) this.#stopped = true;
    }
    return batch;
  }

  #look(message: JsMsg, batch: Batch): void {
    this.#checkOrder(message);
    const end = positionOf(message.headers);
    if (end === undefined) throw new MalformedLineError('the message has no position');
    if (end <= this.#passUpTo) {
      this.#anchored = end === this.#passUpTo;
      return;
    }
    // What begins just there goes on as well, where all before it is no longer kept.
    if (this.#rewound && startOf(message) === this.#passUpTo) this.#anchored = true;
    if (!this.#anchored) throw this.#rewound ? this.#corrupt(LOST) : this.#noLineStart();
    if (end <= this.#position) throw this.#corrupt('a message repeats what stands in front of it');
    const event = this.#decode(message);
    if (this.#options.stopAtTerminal && isTerminal(event)) this.#stopped = true;
    if (!this.#filter.take(event)) return;
    batch.events.push(event);
    batch.ends.push(end);
  }

  #decode({ data }: JsMsg): RunEvent {
    const { maxLineBytes = MAX_LINE_BYTES } = this.#options;
    if (data.length > maxLineBytes) throw lineTooLong(maxLineBytes, this.#run.path, this.#position);
    return decodeEvent(data);
  }

  #checkOrder(message: JsMsg): void {
    const link = this.#before === undefined ? 'unsaid' : linkOf(message, this.#before);
    if (link === 'broken') throw this.#run.incomplete(this.#position);
    if (link === 'anew') this.rewind(); // all was dropped in the meantime, for its age or by hand
  }

  #noLineStart(): EventLogError {
    const facts = { path: this.#run.path, offset: this.#passUpTo };
    return new EventLogError('ERR_INVALID_POSITION', 'no line starts at the position to read from', facts);
  }

  #corrupt(what: string): EventLogError {
    return new EventLogError('ERR_LOG_CORRUPT', what, { path: this.#run.path, offset: this.#position });
  }

  #malformed(cause: unknown): void {
    if (!(cause instanceof MalformedLineError)) throw cause;
    const facts = { path: this.#run.path, offset: this.#position, cause: cause.cause };
    const error = new MalformedLineError(cause.reason, facts);
    const { onMalformed } = this.#options;
    if (typeof onMalformed !== 'function') throw error;
    onMalformed(error);
  }
}
