/**
 * Taking turns at the lock of a log, so that nobody starves.
 *
 * flock(2) has no queue: a process that polls gets the lock only if it polls at a moment when the lock is free, and a writer that
 * commits back to back frees it for microseconds. Two rules leave room:
 *
 * - A writer that has met others within the last second steps back for a few milliseconds after each commit.
 * - A busy writer leaves the lock alone for 30 ms at least every 1030 ms. Writers that have met do so in the first 60 ms of
 *   each second of the wall clock, all of them at the same time, also those that wait for a turn and had one within the
 *   last second. That serves a peer nobody can see yet, also one that polls only every 25 ms, as the Rust program does.
 *
 * Promise: a peer waits little more than a second for its first turn. A lone writer pays 3 % at most, and one that
 * pauses now and then by itself pays nothing. However long commits take, no writer leaves the lock alone for more than 160 ms,
 * and what it does so counts as waiting for the lock.
 */
import { monotonicMs, nowMs, sleep } from '../real-time.js';
import { LOCK_TIMEOUT_MS, waitForLock } from '../volume/flock.js';

const PERIOD_MS = 1000;
const QUIET_MS = 30;
const MET_QUIET_MS = 60; // two polls of 25 ms fit in, also on a busy machine
const STEP_BACK_MS = 4;
/** What a commit that began just before the quiet time takes of it is made up for, but not more than this. */
const MOST_MADE_UP_MS = 100;

/** The lock to take turns at. */
export interface Lockable {
  readonly path: string;
  tryLock(): boolean;
  unlock(): void;
}

/** Takes and gives back one lock, by the rules above. */
export class Turns {
  readonly #lock: Lockable;
  readonly #timeoutMs: number;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #takenAt = Number.NEGATIVE_INFINITY;
  #holdMs = 0;
  #restedAt = Number.NEGATIVE_INFINITY; // when this writer last came back from leaving the lock alone long enough
  #metAt = Number.NEGATIVE_INFINITY; // when it last met another writer

  constructor(lock: Lockable, timeoutMs: number = LOCK_TIMEOUT_MS) {
    this.#lock = lock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Waits for a turn and takes the lock; `ERR_LOCK_TIMEOUT` when the budget is used up. Undefined where the lock was free at once, so
   * that a lone writer waits for no promise.
   */
  take(): Promise<void> | undefined {
    const pauseMs = Math.min(this.#pauseMs(nowMs()), this.#timeoutMs);
    if (pauseMs > 0 || !this.#lock.tryLock()) return this.#wait(pauseMs);
    this.#taken();
    return undefined;
  }

  /** After a pause, or after a first try in vain. */
  async #wait(pauseMs: number): Promise<void> {
    const askedAt = monotonicMs();
    if (pauseMs > 0) await sleep(pauseMs);
    if (pauseMs === 0 || !this.#lock.tryLock()) {
      this.metPeer();
      const attempt = () => this.#lock.tryLock();
      await waitForLock(attempt, this.#lock.path, this.#timeoutMs, () => this.#waitMs(nowMs()), askedAt);
    }
    this.#taken();
  }

  #taken(): void {
    this.#takenAt = nowMs();
    if (this.#takenAt - this.#releasedAt >= QUIET_MS) this.#restedAt = this.#takenAt;
  }

  /** Gives the lock back. */
  release(): void {
    this.#lock.unlock();
    this.#releasedAt = nowMs();
    this.#holdMs = Math.min(Math.max(0, this.#releasedAt - this.#takenAt), MOST_MADE_UP_MS);
  }

  /** Another writer waits, or has written since the last turn. */
  metPeer(): void {
    this.#metAt = nowMs();
  }

  /** How long to leave the lock alone before asking for it. */
  #pauseMs(now: number): number {
    if (!isRecent(this.#releasedAt, now)) return 0; // it has had no turn for long: waiting further would starve it
    const met = isRecent(this.#metAt, now);
    const sinceRest = now >= this.#restedAt ? now - this.#restedAt : Number.POSITIVE_INFINITY;
    const restIsDue = sinceRest >= PERIOD_MS - 2 * QUIET_MS - this.#holdMs;
    const quietMs = this.#quietMs(now, met ? MET_QUIET_MS : restIsDue ? QUIET_MS : 0);
    if (quietMs > 0) return quietMs;
    if (sinceRest >= PERIOD_MS + QUIET_MS) return QUIET_MS; // a long commit lay across the quiet time
    return met ? Math.random() * STEP_BACK_MS : 0;
  }

  /** How long to leave the lock alone before asking again: a writer that waits has met a peer. */
  #waitMs(now: number): number {
    return isRecent(this.#releasedAt, now) ? this.#quietMs(now, MET_QUIET_MS) : 0;
  }

  /** What is left of the quiet part of this second, which takes `lengthMs`. */
  #quietMs(now: number, lengthMs: number): number {
    const phase = now % PERIOD_MS;
    return phase < lengthMs ? lengthMs - phase + this.#holdMs : 0;
  }
}

/** Within the last second; a clock that went back forgets. */
function isRecent(at: number, now: number): boolean {
  return now >= at && now - at < PERIOD_MS;
}
