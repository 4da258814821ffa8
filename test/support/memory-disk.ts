/**
 * By default the temporary folders of all tests are in memory, where there is room for them: a disk that syncs for a test that
 * injects its faults, or asks for none, only costs time. Where all counts they are on the disk.
 */
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { fullStrength } from './rounds.js';

const MEMORY_DISK = '/dev/shm';
/** More than all tests have in temporary folders at once. */
const ROOM_BYTES = 4 * 2 ** 30;

/** Called by Vitest before the tests; what is left of the folders goes when Vitest ends, by Ctrl-C too. */
export function setup(): void {
  if (fullStrength || !hasRoom()) return;
  const folder = mkdtempSync(`${MEMORY_DISK}/omne-tests-`);
  chmodSync(folder, 0o1777); // as that of the system: tests run programs as other users too
  process.env['OMNE_DISK'] = tmpdir(); // for tests that need a disk, see `diskVolume`
  process.env['TMPDIR'] = folder; // the processes of the tests inherit both
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY_DISK)) return false;
  const { bavail, bsize } = statfsSync(MEMORY_DISK);
  return Math.min(bavail * bsize, freemem()) > ROOM_BYTES;
}
