/**
 * Telling a live run from one whose writers have gone.
 *
 * Promise: an open `EventLog`, also one that does not lock its commits, shares a byte of its log with all other writers; the
 * lock goes with its process, however it ended. A probe only asks, so it is never taken for a writer.
 */
import fs, { constants } from 'node:fs';
import { errnoOf, isOutOfDescriptors, systemError } from '../errors.js';
import { isByteHeld, LIVE_BYTE, shareByte } from './byte-locks.js';
import { type Folder, withinRun } from './folder.js';
import { openNow } from './open-file.js';
import { LOG_NAME, type RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/**
 * Where flock(2) would take a shared byte of the log for a lock on it, the folder of the run has the byte; elsewhere the log
 * has, which saves a descriptor.
 */
const HOLDER = PLATFORM.byteLocks?.apartFromFlock === false ? '.' : LOG_NAME;
const FLAGS = constants.O_RDONLY | PLATFORM.noFollow | PLATFORM.nonBlock;

/**
 * Marks a run as live as long as its log is open with the descriptor given, and until the one returned, if any, is closed. Where
 * byte locks do not work it does nothing: nobody can know then.
 */
export async function holdLive(places: RunPlaces, log: number): Promise<number | undefined> {
  if (HOLDER === LOG_NAME) {
    shareByte(log, LIVE_BYTE);
    return undefined;
  }
  const fd = await withinRun(places, async folder => openNow(folder.at(HOLDER), FLAGS));
  shareByte(fd, LIVE_BYTE);
  return fd;
}

/** Whether some process has the log of this run open for appending; undefined where nobody can know. */
export async function isLive(places: RunPlaces, runs?: Folder): Promise<boolean | undefined> {
  if (PLATFORM.byteLocks === undefined) return undefined;
  try {
    const fd = await withinRun(places, async folder => openNow(folder.at(HOLDER), FLAGS), runs);
    try {
      return isByteHeld(fd, LIVE_BYTE);
    } finally {
      fs.closeSync(fd); // nothing was written: it cannot have to wait for the disk
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false; // without a log there is no writer
    throw error;
  }
}

/** The same, and undefined too where the run cannot be looked at; that this process is out of descriptors is an error all the same. */
export async function isKnownLive(places: RunPlaces, runs?: Folder): Promise<boolean | undefined> {
  try {
    return await isLive(places, runs);
  } catch (error) {
    if (isOutOfDescriptors(error)) throw systemError('the run could not be looked at', places.folder, error);
    return undefined;
  }
}
