/**
 * Whether a run is live: some process has its log open for appending.
 *
 * Promise: an open `EventLog`, also one that does not lock its commits, shares a byte of its log with all other writers; the
 * lock goes with its process, however it ended. A probe only asks, so it is never taken for a writer.
 */
import fs, { constants } from 'node:fs';
import { errnoOf, isOutOfDescriptors, systemError } from '../errors.js';
import { isByteHeld, LIVE_BYTE, shareByte } from './byte-locks.js';
import { type Folder, withinRun } from './folder.js';
import { openNow } from './open-file.js';
import { LOG_NAME, MARKS_NAME, type RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/**
 * The log has the byte, which saves a descriptor. Where flock(2) would take it for a lock on the log, the folder of the run has it;
 * and on Windows, where a folder has no locks and the Rust program locks the whole log, a file of its own.
 */
const HOLDER =
  PLATFORM.locks === 'LockFileEx'
    ? MARKS_NAME
    : PLATFORM.byteLocks?.apartFromFlock === false
      ? '.'
      : LOG_NAME;
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
  const fd = HOLDER === MARKS_NAME ? await openMarks(places) : await openFolder(places);
  shareByte(fd, LIVE_BYTE);
  return fd;
}

function openFolder(places: RunPlaces): Promise<number> {
  return withinRun(places, async folder => openNow(folder.at(HOLDER), FLAGS));
}

/** Opens the file of marks of a run, and makes it where it is missing. */
export function openMarks(places: RunPlaces): Promise<number> {
  return withinRun(places, folder => folder.open(MARKS_NAME, constants.O_RDWR | constants.O_CREAT));
}

/** Whether some process has the log of this run open for appending; undefined where nobody can know. */
export async function isLive(places: RunPlaces, runs?: Folder): Promise<boolean | undefined> {
  if (PLATFORM.byteLocks === undefined && HOLDER !== MARKS_NAME) return undefined;
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
