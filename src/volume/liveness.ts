/**
 * Telling a live run from one that was left after.
 *
 * Promise: an open `EventLog` holds a shared flock(2) on its run folder; it is gone when the process is, however it died.
 * A probe takes the exclusive lock for a moment and gives it back; opening a log waits that moment out.
 */
import { constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fse from 'fs-extra';
import { LOCK_TIMEOUT_MS, tryLock, unlock, waitForLock } from './flock.js';
import { withinRun } from './folder.js';
import { openFile } from './open-file.js';
import type { RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

const PROBE_PATIENCE_MS = 1000;
const FLAGS = constants.O_RDONLY | PLATFORM.onlyFolder | PLATFORM.noFollow;

/** Marks the run of this folder as live until the descriptor returned is closed. */
export async function holdLive(places: RunPlaces, timeoutMs: number = LOCK_TIMEOUT_MS): Promise<number> {
  const { folder } = places;
  const fd = await withinRun(places, held => openFile(held.at('.'), FLAGS));
  try {
    await waitForLock(() => tryLock(fd, folder, 'shared'), folder, Math.max(timeoutMs, PROBE_PATIENCE_MS));
    return fd;
  } catch (error) {
    await fse.close(fd);
    throw error;
  }
}

/** Whether some process holds the run of this folder open for appending. */
export async function isLive(folder: string): Promise<boolean> {
  const fd = await openFile(folder, FLAGS);
  try {
    // Another probe looks like a writer for some microseconds; a writer stays.
    for (let attempt = 0; attempt < 5; attempt++) {
      if (tryLock(fd, folder)) {
        unlock(fd); // in the same breath: closing takes a trip through the thread pool
        return false;
      }
      await sleep(1 + Math.random());
    }
    return true;
  } finally {
    await fse.close(fd);
  }
}
