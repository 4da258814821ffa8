/**
 * Telling a live run from one that was left behind.
 *
 * Promise: an open `EventLog` holds a shared flock(2) on its run folder; it is gone when the process is, however it died.
 * A probe takes the exclusive lock for a moment and gives it back; opening a log waits that moment out.
 */
import { constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fse from 'fs-extra';
import { tryLock, waitForLock } from './lock.js';

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | (constants.O_NOFOLLOW ?? 0);

/** Marks the run of this folder as live until the descriptor returned is closed. */
export async function holdLive(folder: string, timeoutMs?: number): Promise<number> {
  const fd = await fse.open(folder, FLAGS);
  try {
    await waitForLock(() => tryLock(fd, folder, 'shared'), folder, timeoutMs);
    return fd;
  } catch (error) {
    await fse.close(fd);
    throw error;
  }
}

/** Whether some process holds the run of this folder open for appending. */
export async function isLive(folder: string): Promise<boolean> {
  const fd = await fse.open(folder, FLAGS);
  try {
    // Another probe looks like a writer for some microseconds; a writer stays.
    for (let attempt = 0; attempt < 3; attempt++) {
      if (tryLock(fd, folder)) return false;
      await sleep(1 + Math.random());
    }
    return true;
  } finally {
    await fse.close(fd); // gives the lock back
  }
}
