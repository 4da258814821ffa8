/**
 * One owner: the process that drives a run, and no other beside it.
 *
 * Promise: an owner holds a kernel lock that goes with its process, however that ended; a process that is stopped keeps it. It is
 * no lock on appending: others open the log and append, such as a command that passes a gate. Nothing here waits.
 */
import fs, { constants } from 'node:fs';
import { basename } from 'node:path';
import { EventLogError } from '../errors.js';
import { OWNER_BYTE, takeByte } from './byte-locks.js';
import { tryLock } from './flock.js';
import { withinRun } from './folder.js';
import { openMarks } from './liveness.js';
import { openNow } from './open-file.js';
import { CAPTURE_FOLDER, type RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/** How an owner is known: by the opening of the log, or by a further descriptor that it has to hold. */
export interface Ownership {
  /** Whether this platform and file system have a lock for it; without one nobody knows of the others. */
  readonly exclusive: boolean;
  readonly fd: number | undefined;
}

/** Makes the process that has the log open, for writing, with this descriptor the owner; `ERR_RUN_OWNED` where there is one. */
export async function takeOwnership(places: RunPlaces, log: number): Promise<Ownership> {
  if (PLATFORM.byteLocks?.apartFromFlock === false)
    return { exclusive: true, fd: await lockCaptures(places) };
  const fd = PLATFORM.locks === 'LockFileEx' ? await openMarks(places) : undefined;
  const taken = takeByte(fd ?? log, OWNER_BYTE);
  if (taken !== false) return { exclusive: taken === true, fd };
  if (fd !== undefined) fs.closeSync(fd);
  throw owned(places);
}

/** Where a lock on a byte of the log would be in the way of flock(2) on the log, the folder of captures is locked instead. */
async function lockCaptures(places: RunPlaces): Promise<number> {
  const fd = await withinRun(places, async folder => {
    await folder.make(CAPTURE_FOLDER, 0o777);
    const captures = folder.enter(CAPTURE_FOLDER);
    try {
      return openNow(captures.at('.'), constants.O_RDONLY | PLATFORM.onlyFolder);
    } finally {
      captures.close();
    }
  });
  try {
    if (tryLock(fd, places.folder)) return fd;
    throw owned(places);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function owned({ folder, log }: RunPlaces): EventLogError {
  const what = `run ${basename(folder)} is driven by another process, or by another log of this one`;
  return new EventLogError('ERR_RUN_OWNED', what, { path: log });
}
