/**
 * From a call of `append` to the queue: a draft is copied and checked, and rejected where it may not be queued.
 *
 * Promise: a draft may be changed or reused as soon as the call returns. Nothing is queued over the limit, after a terminal event or
 * after `close`.
 */

import { commits } from '../diagnostics.js';
import { EventLogError } from '../errors.js';
import { type PreparedEvent, prepareDraft } from '../format/encode.js';
import { lineTooLong, MAX_LINE_BYTES } from '../format/lines.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { checkOptions } from '../options.js';
import { monotonicMs } from '../real-time.js';
import { CommitQueue } from './commit-queue.js';
import type { Committer } from './committer.js';
import { closeOpened, type LogOptions, type OpenedLog } from './open-for-appending.js';
import {
  APPEND_OPTIONS,
  type AppendOptions,
  namesOf,
  PendingAppend,
  type Settling,
} from './pending-append.js';
import { type Redact, redactDraft } from './redact.js';

/** Appends to one open log. */
export class Appender {
  readonly #opened: OpenedLog;
  readonly #path: string;
  readonly #runId: string;
  readonly #committer: Committer;
  readonly #queue: CommitQueue<PendingAppend>;
  readonly #vocabulary: Vocabulary;
  readonly #maxLineBytes: number;
  readonly #redact: Redact | undefined;
  #closing: Promise<void> | undefined;

  constructor(opened: OpenedLog, runId: string, options: LogOptions<Vocabulary>) {
    const { file, committer } = opened;
    this.#opened = opened;
    this.#path = file.path;
    this.#runId = runId;
    this.#committer = committer;
    this.#queue = new CommitQueue(batch => committer.commit(batch), { ...options, path: file.path });
    this.#vocabulary = opened.vocabulary;
    this.#maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.#redact = options.redact;
  }

  /** Whether the log, as it was last seen, ends with a terminal event. */
  get ended(): boolean {
    return this.#committer.ended;
  }

  /** Where the log, as it was last seen, ends. */
  get position(): number {
    return this.#committer.position;
  }

  /** The bytes of the appends that wait or are being written. */
  get pendingBytes(): number {
    return this.#queue.pendingBytes;
  }

  /** Appends one draft; resolves with its event. */
  append(draft: unknown, options?: AppendOptions): Promise<PreparedEvent['event'] | undefined> {
    return new Promise((resolve, reject) => {
      const settling = { resolve: ([only]: readonly PreparedEvent[]) => resolve(only?.event), reject };
      this.#enqueue(() => [this.#prepare(draft)], settling, options);
    });
  }

  /** Appends several drafts in one; resolves with their events. */
  appendAll(drafts: Iterable<unknown>, options?: AppendOptions): Promise<PreparedEvent['event'][]> {
    return new Promise((resolve, reject) => {
      const prepare = () => {
        const prepared: PreparedEvent[] = [];
        for (const draft of drafts) prepared.push(this.#prepare(draft, prepared.length));
        return prepared;
      };
      const done = (events: readonly PreparedEvent[]) => resolve(events.map(({ event }) => event));
      this.#enqueue(prepare, { resolve: done, reject }, options);
    });
  }

  /** Waits until all that was appended before is settled; rejects with the failure of a log that has failed for good. */
  async flush(): Promise<void> {
    await this.#queue.settled();
    if (this.#committer.failure !== undefined) throw this.#committer.failure;
  }

  /** Waits for all that was appended before, and closes the log. */
  close(): Promise<void> {
    this.#closing ??= this.#queue.settled().then(() => closeOpened(this.#opened));
    return this.#closing;
  }

  #prepare(given: unknown, index?: number): PreparedEvent {
    const draft =
      this.#redact === undefined ? given : redactDraft(given, this.#redact, this.#vocabulary.schema);
    const at = index === undefined ? '' : `[${index}]`;
    try {
      const prepared = this.#withinLimit(() => prepareDraft(draft, this.#runId, at, this.#vocabulary));
      if (prepared.bytes - 1 > this.#maxLineBytes) throw lineTooLong(this.#maxLineBytes, this.#path);
      return prepared;
    } catch (error) {
      throw EventLogError.about(namesOf(draft), error);
    }
  }

  /** A text may be so long that its JSON has no room in a string at all. */
  #withinLimit(prepare: () => PreparedEvent): PreparedEvent {
    try {
      return prepare();
    } catch (error) {
      throw error instanceof RangeError ? lineTooLong(this.#maxLineBytes, this.#path) : error;
    }
  }

  #enqueue(prepare: () => PreparedEvent[], settling: Settling, options: AppendOptions = {}): void {
    checkOptions(options, APPEND_OPTIONS);
    const { expectedPosition, signal } = options;
    const events = prepare(); // runs the caller's getters and iterators: all that follows is decided after them
    const last = events.some(({ event }) => this.#vocabulary.isTerminal(event));
    const queuedAt = commits.observed ? monotonicMs() : undefined;
    const pending = new PendingAppend(events, last, settling, expectedPosition, queuedAt);
    try {
      this.#checkMayAppend(events);
      if (signal?.aborted) throw signal.reason;
      if (events.length === 0) pending.resolve();
      else this.#queue.push(pending);
      if (signal !== undefined && events.length > 0)
        pending.dropOn(signal, () => this.#queue.withdraw(pending));
    } catch (error) {
      pending.reject(error);
    }
  }

  #checkMayAppend(events: readonly PreparedEvent[]): void {
    const facts = { path: this.#path };
    if (this.#closing !== undefined) throw new EventLogError('ERR_LOG_CLOSED', 'the log is closed', facts);
    if (events.slice(0, -1).some(({ event }) => this.#vocabulary.isTerminal(event))) {
      throw new EventLogError('ERR_RUN_ENDED', 'an event comes after the terminal one', facts);
    }
  }
}
