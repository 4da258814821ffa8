/**
 * Taking turns at the lock of a log, so that nobody starves.
 *
 * flock(2) has no queue: who polls gets the lock only if a poll falls into a moment when it is free, and a writer that
 * commits back to back frees it for microseconds. Two rules leave room:
 *
 * - A writer that has met others within the last second steps back for a few milliseconds after each commit.
 * - A busy writer leaves the lock alone for 30 ms at least every 1030 ms. Writers that have met do so in the first 30 ms of
 *   each second of the wall clock, all of them at the same time. That serves a peer nobody can see yet, also one that
 *   polls only every 25 ms, as the Rust program does.
 *
 * Promise: a peer waits little more than a second for its first turn. A lone writer pays 3 % at most, and one that
 * pauses now and then by itself pays nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitForLock } from './lock.js';

const PERIOD_MS = 1000;
const QUIET_MS = 30;
const STEP_BACK_MS = 4;

/** The lock to take turns at. */
export interface Lockable {
  readonly path: string;
  tryLock(): boolean;
  unlock(): void;
}

/** Takes and gives back one lock, by the rules above. */
export class Turns {
  readonly #lock: Lockable;
  readonly #timeoutMs: number | undefined;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #takenAt = Number.NEGATIVE_INFINITY;
  #holdMs = 0;
  #restedAt = Number.NEGATIVE_INFINITY; // when this writer last came back from leaving the lock alone long enough
  #metAt = Number.NEGATIVE_INFINITY; // when it last met another writer

  constructor(lock: Lockable, timeoutMs?: number) {
    this.#lock = lock;
    this.#timeoutMs = timeoutMs;
  }

  /** Waits for a turn and takes the lock; `ERR_LOCK_TIMEOUT` when the budget is used up. */
  async take(): Promise<void> {
    const pauseMs = this.#pauseMs(Date.now());
    if (pauseMs > 0) await sleep(pauseMs);
    if (!this.#lock.tryLock()) {
      this.metPeer();
      await waitForLock(() => this.#lock.tryLock(), this.#lock.path, this.#timeoutMs);
    }
    this.#takenAt = Date.now();
    if (this.#takenAt - this.#releasedAt >= QUIET_MS) this.#restedAt = this.#takenAt;
  }

  /** Gives the lock back. */
  release(): void {
    this.#lock.unlock();
    this.#releasedAt = Date.now();
    this.#holdMs = Math.max(0, this.#releasedAt - this.#takenAt);
  }

  /** Another writer waits, or has written since the last turn. */
  metPeer(): void {
    this.#metAt = Date.now();
  }

  #pauseMs(now: number): number {
    const within = (at: number) => now - at < PERIOD_MS && now >= at; // a clock that went back forgets
    if (!within(this.#releasedAt)) return 0; // it has had no turn for long: waiting further would starve it
    const met = within(this.#metAt);
    const sinceRest = now >= this.#restedAt ? now - this.#restedAt : Number.POSITIVE_INFINITY;
    const phase = now % PERIOD_MS;
    if (phase < QUIET_MS && (met || sinceRest >= PERIOD_MS - 2 * QUIET_MS - this.#holdMs)) {
      return QUIET_MS - phase + this.#holdMs;
    }
    if (sinceRest >= PERIOD_MS + QUIET_MS) return QUIET_MS; // a long commit lay across the quiet time
    return met ? Math.random() * STEP_BACK_MS : 0;
  }
}
