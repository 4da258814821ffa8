/**
 * The commit: one batch of appends, from the lock to the disk.
 *
 *     lock -> look at the end -> admit -> stamp -> write -> sync -> unlock -> resolve
 *
 * Promises: events are in the file in the order of the calls, ids strictly rising. An append resolves only when its lines are
 * durable; what a full disk and a failed sync leave is promised in `log-writer.ts`.
 */
import { CommitTimer, commits, recoveries } from '../diagnostics.js';
import { EventLogError, systemError } from '../errors.js';
import { omneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { type Append, admit } from './admission.js';
import { BatchOutcome } from './batch-outcome.js';
import { Turns } from './lock-turns.js';
import type { LogFile } from './log-file.js';
import { LogWriter } from './log-writer.js';
import { inspectEnd, type Recovery } from './recovery.js';
import { type StampedBatch, Stamper } from './stamper.js';

/** Options of the writer. */
export interface CommitterOptions {
  /** The vocabulary of the log; the built-in one by default. */
  readonly events?: Vocabulary | undefined;
  readonly lock: boolean;
  readonly lockTimeoutMs?: number | undefined;
  readonly maxLineBytes?: number | undefined;
}

/** Writes batches of appends to one log. */
export class Committer {
  readonly #file: LogFile;
  readonly #writer: LogWriter;
  readonly #turns: Turns | undefined;
  readonly #vocabulary: Vocabulary;
  readonly #maxLineBytes: number | undefined;
  readonly #stamper: Stamper;
  #ended = false;

  constructor(file: LogFile, options: CommitterOptions) {
    this.#file = file;
    this.#writer = new LogWriter(file);
    this.#stamper = new Stamper(file.path);
    this.#vocabulary = options.events ?? omneEvents;
    this.#maxLineBytes = options.maxLineBytes;
    if (options.lock) this.#turns = new Turns(file, options.lockTimeoutMs);
  }

  /** Why the log takes no more, once it has failed. */
  get failure(): EventLogError | undefined {
    return this.#writer.failure;
  }

  /** Whether the log, as this writer last saw it, ends with a terminal event. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Where the log, as this writer last saw it, ends; the bytes up to there are durable. */
  get position(): number {
    return this.#writer.end;
  }

  /** Looks at the log for the first time and repairs a torn tail. */
  start(): Promise<Recovery | undefined> {
    return this.#inTurn(() => undefined);
  }

  /** Commits a batch; never rejects. What it returns settles each of the appends. */
  async commit(batch: readonly Append[]): Promise<() => void> {
    const timer = commits.observed ? new CommitTimer() : undefined;
    const outcome = new BatchOutcome(batch);
    let error: unknown;
    try {
      if (this.failure !== undefined) throw this.failure;
      await this.#inTurn(() => this.#write(batch, outcome, timer));
    } catch (thrown) {
      error = systemError('the events could not be committed', this.#file.path, thrown); // e.g. a read that failed
    }
    timer?.done();
    const end = this.position;
    return () => {
      outcome.settle(end, error);
      timer?.publish(this.#file.path, batch, error);
    };
  }

  /** Does `work` under the lock, once it was seen what others appended. Waits for nothing that is there at once. */
  async #inTurn(work: () => Promise<void> | undefined): Promise<Recovery | undefined> {
    const turn = this.#turns?.take();
    if (turn !== undefined) await turn;
    let recovery: Recovery | undefined;
    try {
      const size = this.#writer.sizeInPlace();
      if (size !== this.position) recovery = await this.#takeIn(size);
      await work();
    } finally {
      this.#turns?.release();
      if (recovery !== undefined && recoveries.observed) recoveries.publish(this.#file.path, recovery);
    }
    return recovery;
  }

  /** Takes in what others appended since the last look. */
  async #takeIn(size: number): Promise<Recovery | undefined> {
    const read = (buffer: Buffer, position: number) => this.#file.read(buffer, position);
    const { end, last } = await inspectEnd(read, size, {
      events: this.#vocabulary,
      start: Math.max(this.position, 0),
      path: this.#file.path,
      maxLineBytes: this.#maxLineBytes,
    });
    if (this.position >= 0) this.#turns?.metPeer();
    if (last !== undefined) {
      this.#stamper.raiseTo(last.id);
      this.#ended = this.#vocabulary.isTerminal(last);
    }
    return this.#writer.moveTo(end, size);
  }

  /** Writes what of a batch may be written at the end of the log. */
  #write(
    batch: readonly Append[],
    outcome: BatchOutcome,
    timer: CommitTimer | undefined,
  ): Promise<void> | undefined {
    const { path } = this.#file;
    if (this.#ended) throw new EventLogError('ERR_RUN_ENDED', 'the run has ended', { path });
    const admission = admit(batch, this.position, path);
    const { admitted } = admission;
    outcome.admitted(admission);
    if (admitted.length === 0) return undefined;
    const { bytes, ends } = this.#stamp(admitted);
    outcome.stamped(ends);
    timer?.writing();
    return this.#writer.write(bytes, written => {
      outcome.durable(written);
      if (written === bytes.length) this.#ended = admitted.at(-1)?.last ?? false;
    });
  }

  #stamp(batch: readonly Append[]): StampedBatch {
    try {
      return this.#stamper.stamp(batch);
    } catch (error) {
      throw error instanceof EventLogError ? this.#writer.fail(error) : error;
    }
  }
}
