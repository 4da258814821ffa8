/**
 * The timers and the clock that waiting goes by, as they are when the library is loaded.
 *
 * Promise: a test that puts fake ones in their place (Jest, Vitest, Sinon) does not stop an append, nor a time limit: disks and
 * locks know nothing of its time.
 */
const real = { queueMicrotask, setTimeout, clearTimeout };
const { nextTick } = process;
const { performance } = globalThis;
const monotonic = performance.now.bind(performance);

/** Runs `work` once the promise jobs that are due now have run: no timer, no turn of the event loop. */
export function afterMicrotasks(work: () => void): void {
  real.queueMicrotask(() => nextTick(work));
}

/** Milliseconds on a clock that nobody sets. */
export function monotonicMs(): number {
  return monotonic();
}

/** Runs `work` after so many milliseconds; returns what takes that back. */
export function after(milliseconds: number, work: () => void): () => void {
  const timer = real.setTimeout(work, milliseconds);
  return () => real.clearTimeout(timer);
}
