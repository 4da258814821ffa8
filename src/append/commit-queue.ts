/**
 * The commit queue: turns many appends into few commits. Knows no file system and no events; the path is only
 * for its error.
 *
 * Promises: entries are committed in the order they came, one commit at a time. While a commit is on its way, entries
 * queue; the next commit takes all of them, up to `maxBatchBytes` (one entry always fits). There is no timer. More than
 * `maxPendingBytes` waiting is refused with `ERR_BACKLOG_FULL`, and nothing of the refused entry is kept.
 */
import { EventLogError } from '../errors.js';
import { afterMicrotasks } from '../real-time.js';

/** How much one commit takes at most: 1 MiB. */
export const MAX_BATCH_BYTES: number = 1024 * 1024;
/** How much may wait: 64 MiB. */
export const MAX_PENDING_BYTES: number = 64 * 1024 * 1024;

/** Something that waits to be committed. */
export interface QueueEntry {
  /** How much it takes; 0 once it was withdrawn. */
  bytes: number;
  /** No entry after this one may share its commit. */
  readonly last?: boolean;
}

/** Bounds of a queue. */
export interface QueueOptions {
  readonly maxBatchBytes?: number | undefined;
  readonly maxPendingBytes?: number | undefined;
  /** What is written to, for the error. */
  readonly path?: string | undefined;
}

/** Commits a batch and returns how its entries are settled: the queue does that once they count as waiting no more. */
export type Commit<Entry> = (batch: Entry[]) => Promise<() => void>;

/** Queues entries and hands them to `commit` in batches; `commit` never rejects. */
export class CommitQueue<Entry extends QueueEntry> {
  readonly #commit: Commit<Entry>;
  readonly #maxBatchBytes: number;
  readonly #maxPendingBytes: number;
  readonly #path: string | undefined;
  #waiting: Entry[] = [];
  #pendingBytes = 0; // waiting or being committed
  #running = false;
  #pushed = 0;
  #settled = 0;
  #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(
    commit: Commit<Entry>,
    { maxBatchBytes = MAX_BATCH_BYTES, maxPendingBytes = MAX_PENDING_BYTES, path }: QueueOptions = {},
  ) {
    this.#commit = commit;
    this.#maxBatchBytes = maxBatchBytes;
    this.#maxPendingBytes = maxPendingBytes;
    this.#path = path;
  }

  /** How much waits, or is being committed. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Lets go of the bytes of an entry that was pushed and will not be written. It keeps its place, empty, so that those after it do. */
  withdraw(entry: Entry): void {
    this.#pendingBytes -= entry.bytes;
    entry.bytes = 0;
  }

  /** Adds an entry after all others. */
  push(entry: Entry): void {
    if (this.#pendingBytes + entry.bytes > this.#maxPendingBytes) throw this.#full(entry.bytes);
    this.#pendingBytes += entry.bytes;
    this.#waiting.push(entry);
    this.#pushed++;
    if (!this.#running) {
      this.#running = true;
      afterMicrotasks(() => void this.#run());
    }
  }

  /** Resolves when all entries pushed before are settled, whatever became of them. */
  settled(): Promise<void> {
    const count = this.#pushed;
    if (count === this.#settled) return Promise.resolve();
    return new Promise(resolve => this.#watchers.push({ count, resolve }));
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      const settle = await this.#commit(batch);
      for (const entry of batch) this.#pendingBytes -= entry.bytes;
      settle();
      this.#settled += batch.length;
      while ((this.#watchers[0]?.count ?? Infinity) <= this.#settled) this.#watchers.shift()?.resolve();
      // Callers that were waiting for this commit append again before the next one starts.
      await new Promise<void>(afterMicrotasks);
    }
    this.#running = false;
  }

  #full(bytes: number): EventLogError {
    const bound = `${this.#maxPendingBytes} bytes that may wait (option maxPendingBytes)`;
    const what =
      this.#pendingBytes === 0
        ? `an append of ${bytes} bytes is larger than the ${bound}`
        : `an append of ${bytes} bytes after ${this.#pendingBytes} that wait exceeds the ${bound}; await earlier appends first`;
    return new EventLogError('ERR_BACKLOG_FULL', what, { path: this.#path });
  }

  #takeBatch(): Entry[] {
    let count = 0;
    let bytes = 0;
    for (const entry of this.#waiting) {
      bytes += entry.bytes;
      if (count > 0 && bytes > this.#maxBatchBytes) break;
      count++;
      if (entry.last) break;
    }
    return this.#waiting.splice(0, count);
  }
}
