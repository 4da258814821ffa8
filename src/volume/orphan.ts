/**
 * Whether a run was left: surely nobody has its log open, and nothing was written for a while.
 *
 * Promise: where nobody can know who writes, no run is taken for an orphan. It waits a while for
 * writers that hold no lock between their appends, as the Rust program does. Whether the run has ended is for the caller to know.
 */
import { nowMs } from '../real-time.js';
import type { Folder } from './folder.js';
import { isKnownLive } from './liveness.js';
import type { RunPlaces } from './places.js';

/** How long nothing must have been written, in milliseconds. */
export const ORPHAN_AFTER_MS: number = 60_000;

/** Whether something changed so lately, at this time, that more is to be expected: a run is made in several steps. */
export function isFresh(changedAt: number): boolean {
  return nowMs() - changedAt <= ORPHAN_AFTER_MS;
}

/** Whether a run that has not ended, and whose log changed last at this time, was left. */
export async function isOrphan(
  places: RunPlaces,
  changedAt: number,
  idleMs: number = ORPHAN_AFTER_MS,
  runs?: Folder,
): Promise<boolean> {
  if (nowMs() - changedAt <= idleMs) return false;
  return (await isKnownLive(places, runs)) === false;
}
