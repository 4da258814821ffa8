/**
 * Who writes to a run and who drives it, on Windows, where asking who holds a byte lock takes the lock.
 *
 * Each writer locks a byte of its own in an area. A probe shares the whole area for a moment, which is refused while somebody holds a
 * byte of it. Promises: probes are never in each other's way, so none is taken for a writer. Each area is there twice, and a probe
 * asks one after the other: a probe that is stopped keeps no writer from marking itself.
 */
import { type ByteRange, tryLockRange, unlockRange } from './windows-locks.js';

const AREA_BYTES = 2n ** 32n;
const HALVES = [0n, 1n] as const;
const TRIES = 1000;

/** Takes a byte of the area with this number that nobody has; false when none was to be had. */
export function mark(fd: number, area: bigint): boolean {
  for (let tries = 0; tries < TRIES; tries++) {
    const { start } = half(area, tries % 2 === 0 ? 0n : 1n);
    const byte = start + 1n + BigInt(Math.floor(Math.random() * 2 ** 31));
    if (tryLockRange(fd, { start: byte, length: 1n }, 'exclusive')) return true;
  }
  return false;
}

/** Takes the first byte of an area, which only one can have. */
export function markAlone(fd: number, area: bigint): boolean {
  return tryLockRange(fd, first(area), 'exclusive');
}

/** Gives the first byte of an area back. */
export function unmarkAlone(fd: number, area: bigint): void {
  unlockRange(fd, first(area));
}

/** Whether anybody has a byte of the area. */
export function isMarked(fd: number, area: bigint): boolean {
  return HALVES.some(which => {
    const range = half(area, which);
    if (!tryLockRange(fd, range, 'shared')) return true;
    unlockRange(fd, range);
    return false;
  });
}

function half(area: bigint, which: bigint): ByteRange {
  return { start: (2n * area + which + 1n) * AREA_BYTES, length: AREA_BYTES };
}

function first(area: bigint): ByteRange {
  return { start: half(area, 0n).start, length: 1n };
}
