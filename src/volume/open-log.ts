/**
 * Opening the log of a run where it must be, and reading from it.
 *
 * Promise: what was opened is a regular file that is at the path of the log, reached through real folders. A link, a
 * FIFO or a folder in its place is `ERR_UNSAFE_PATH`, at once.
 */
import fs, { type Stats } from 'node:fs';
import { EventLogError, errnoOf, rootNotFound, systemError, unsafePath } from '../errors.js';
import { files } from './file-calls.js';
import { type Folder, withinRun } from './folder.js';
import { LOG_NAME, type RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/** Whether the file with this inode still is at the path. */
export function isAt(path: string, { ino, dev }: { ino: number; dev: number }): boolean {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  return found?.ino === ino && found.dev === dev;
}

/** A file, and what was known of it when it was opened. */
export interface OpenedFile {
  readonly fd: number;
  readonly stat: Stats;
}

/** Opens the log and makes sure that it is a regular file in real folders of this volume; `runs` is the folder of all runs. */
export async function openInside(
  places: RunPlaces,
  flags: number,
  mode = 0o666,
  runs?: Folder,
): Promise<OpenedFile> {
  const open = async (folder: Folder) => {
    const fd = await folder.open(LOG_NAME, flags, mode);
    try {
      return { fd, stat: await checkOpened(fd, places) };
    } catch (error) {
      await files.close(fd);
      throw error;
    }
  };
  try {
    return await withinRun(places, open, runs);
  } catch (error) {
    throw asOpenError(error, places);
  }
}

async function checkOpened(fd: number, places: RunPlaces): Promise<Stats> {
  const opened = fs.fstatSync(fd);
  if (!opened.isFile()) throw unsafePath(places.log, 'is not a regular file');
  if (PLATFORM.descriptors !== undefined) return opened;
  // A link swapped in before the open, or after it, shows as another inode than the one held open.
  const found = await withinRun(places, folder => files.lstat(folder.at(LOG_NAME)));
  if (found.ino !== opened.ino || found.dev !== opened.dev)
    throw unsafePath(places.log, 'was swapped while it was opened');
  return opened;
}

function asOpenError(error: unknown, { root, folder, log }: RunPlaces): EventLogError {
  if (error instanceof EventLogError) return error;
  const facts = { path: log, cause: error };
  switch (errnoOf(error)) {
    case 'ENOENT':
      if (!fs.existsSync(root)) return rootNotFound(root);
      return new EventLogError(
        'ERR_RUN_NOT_FOUND',
        fs.existsSync(folder) ? 'no event yet: the run has no log' : 'no such run',
        facts,
      );
    case 'EEXIST':
      return new EventLogError('ERR_RUN_EXISTS', 'the run has a log already', facts);
    case 'ELOOP':
    case 'EMLINK': // what FreeBSD says for O_NOFOLLOW
      return new EventLogError('ERR_UNSAFE_PATH', 'the log is a symbolic link', facts);
    case 'EISDIR':
    case 'ENXIO':
    case 'EOPNOTSUPP':
      return new EventLogError('ERR_UNSAFE_PATH', 'the log is not a regular file', facts);
    default:
      return systemError('the log could not be opened', log, error);
  }
}

/** Fills `buffer` from `position`; fewer bytes only at the end of the file. */
export async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  for (let done = 0; ; ) {
    const got = await readOnce(fd, buffer, done, position + done);
    done += got;
    // A short read nearly always means the end; asking for the size is cheaper than a second read that says so.
    if (got === 0 || done === buffer.length || fs.fstatSync(fd).size <= position + done) return done;
  }
}

// The hot path takes the callbacks of node:fs: promises and FileHandle add one or two to every call.
function readOnce(fd: number, buffer: Buffer, start: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, start, buffer.length - start, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else if (errnoOf(error) === 'EINTR')
        resolve(readOnce(fd, buffer, start, position)); // libuv repeats all but reads
      else reject(error);
    });
  });
}
