/**
 * The timers and the clocks of the library, as they are when it is loaded: nothing else in the source takes the global ones.
 *
 * Promise: a test that puts fake ones in their place (Jest, Vitest, Sinon) does not stop an append, nor a time limit: disks and
 * locks know nothing of its time.
 */
import timers from 'node:timers/promises';

const real = { queueMicrotask, nextTick: process.nextTick };
const { now } = Date;
const { hrtime } = process; // not `performance`, which takes a millisecond to load

export const startTimer: typeof setTimeout = setTimeout;
export const stopTimer: typeof clearTimeout = clearTimeout;
export const startInterval: typeof setInterval = setInterval;
export const stopInterval: typeof clearInterval = clearInterval;
export const afterTurn: typeof setImmediate = setImmediate;
/** Resolves after so many milliseconds. */
export const sleep: typeof timers.setTimeout = timers.setTimeout;
/** Resolves once the event loop has come round. */
export const turn: typeof timers.setImmediate = timers.setImmediate;

/** Runs `work` once the promise jobs that are due now have run: no timer, no turn of the event loop. */
export function afterMicrotasks(work: () => void): void {
  real.queueMicrotask(() => real.nextTick(work));
}

/** Runs `work` before anything that waits for the event loop. */
export function afterThis(work: () => void): void {
  real.nextTick(work);
}

/** Milliseconds since the epoch, by the clock that people set. */
export function nowMs(): number {
  return now();
}

/** Milliseconds on a clock that nobody sets. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Runs `work` after so many milliseconds; returns what takes that back. */
export function after(milliseconds: number, work: () => void): () => void {
  const timer = startTimer(work, milliseconds);
  return () => stopTimer(timer);
}
