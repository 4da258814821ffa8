/**
 * Opening the log of a run where it must be, and reading from it.
 *
 * Promise: what was opened is a regular file that is at the path of the log, reached through real folders. A link, a
 * FIFO or a folder in its place is `ERR_UNSAFE_PATH`, at once.
 */
import fs, { type BigIntStats, constants, type Stats } from 'node:fs';
import { EventLogError, errnoOf, isLockedOut, rootNotFound, systemError, unsafePath } from '../errors.js';
import { monotonicMs, sleep } from '../real-time.js';
import { files } from './file-calls.js';
import { LOCK_TIMEOUT_MS } from './flock.js';
import { type Folder, withinRun } from './folder.js';
import { LOG_NAME, type RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/** The facts of an open file, with all digits of its number. */
export function lookAt(fd: number): Stats | BigIntStats {
  return fs.fstatSync(fd, ALL_DIGITS);
}

/** Whether the file of which this is known is still at the path. */
export function isAt(path: string, opened: Stats | BigIntStats): boolean {
  if (!PLATFORM.keepsDeleted) return isSameFile(fs.lstatSync(path, ALL_DIGITS), opened);
  // On Windows a file that was deleted while it is open keeps its name until it is closed. It has no links then, and cannot be looked at.
  if (Number(opened.nlink) === 0) return false;
  try {
    return isSameFile(fs.lstatSync(path, ALL_DIGITS), opened);
  } catch (error) {
    if (errnoOf(error) === 'EPERM' || errnoOf(error) === 'EBUSY') return false;
    throw error;
  }
}

/** The size of an open file, and whether it is still at the path; `opened` are its facts when it was opened. */
export function sizeAndPlace(
  fd: number,
  path: string,
  opened: Stats | BigIntStats,
): { readonly size: number; readonly inPlace: boolean } {
  if (!PLATFORM.keepsDeleted) {
    // One look does for both: the number of an open file is given to no other one.
    const found = fs.lstatSync(path, ALL_DIGITS);
    if (isSameFile(found, opened)) return { size: Number(found.size), inPlace: true };
  }
  const now = lookAt(fd);
  return { size: Number(now.size), inPlace: isAt(path, now) };
}

const ALL_DIGITS: { readonly bigint: boolean; readonly throwIfNoEntry: false } = {
  bigint: PLATFORM.wideFileIds,
  throwIfNoEntry: false,
};

function isSameFile(
  one: Stats | BigIntStats | undefined,
  other: Stats | BigIntStats,
): one is Stats | BigIntStats {
  return one !== undefined && one.ino === other.ino && device(one.dev) === device(other.dev);
}

/** Which file it is, as a text: for files of one volume. */
export function fileOf({ dev, ino }: Stats): string {
  return PLATFORM.keepsDeleted ? String(ino) : `${dev}:${ino}`; // on Windows the device depends on how it is asked
}

/** Windows gives all of a volume's number or its low 32 bits, depending on how it is asked. */
function device(dev: number | bigint): number | bigint {
  return typeof dev === 'bigint' ? BigInt.asUintN(32, dev) : dev;
}

/** Does `work` with a descriptor of the log that may write anywhere, opened for it, where the one that is open may not. */
export async function withWritable(
  places: RunPlaces,
  opened: number,
  work: (fd: number) => Promise<void>,
): Promise<void> {
  const fd = await withinRun(places, folder => folder.open(LOG_NAME, constants.O_RDWR));
  try {
    if (!isSameFile(lookAt(fd), lookAt(opened)))
      throw unsafePath(places.log, 'is another file than the one open');
    await work(fd);
  } finally {
    await files.close(fd);
  }
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
  const inPlace = await withinRun(places, async folder => isAt(folder.at(LOG_NAME), lookAt(fd)));
  if (!inPlace) throw unsafePath(places.log, 'was swapped while it was opened');
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

/**
 * Fills `buffer` from `position`; fewer bytes only at the end of the file. Where that takes several reads, the file may have been
 * cut and have grown between them: the half of a line that one read found is never followed by what another one found in its place.
 */
export async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  for (let done = 0; ; ) {
    const got = await readOnce(fd, buffer, done, position + done);
    if (got > 0 && done > 0 && !(await isStillThere(fd, buffer.subarray(0, done), position))) {
      done = 0;
      continue;
    }
    done += got;
    // A short read nearly always means the end; asking for the size is cheaper than a second read that says so.
    if (got === 0 || done === buffer.length || fs.fstatSync(fd).size <= position + done) return done;
  }
}

/** Whether the last line of what was read, whole or in part, is still where it was, and so all before it. */
async function isStillThere(fd: number, bytes: Buffer, position: number): Promise<boolean> {
  const start = bytes.subarray(0, -1).lastIndexOf(NEWLINE) + 1;
  const found = Buffer.allocUnsafe(bytes.length - start);
  return (
    (await readFully(fd, found, position + start)) === found.length && found.equals(bytes.subarray(start))
  );
}

const NEWLINE = 0x0a;

// The hot path takes the callbacks of node:fs: promises and FileHandle add one or two to every call.
function readOnce(fd: number, buffer: Buffer, start: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, start, buffer.length - start, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead);
      else if (errnoOf(error) === 'EINTR')
        resolve(readOnce(fd, buffer, start, position)); // libuv repeats all but reads
      else if (isLockedOut(error)) resolve(readOnceUnlocked(fd, buffer, start, position));
      else reject(error);
    });
  });
}

/** Reads once the lock of another program is gone, which on Windows keeps everybody else from reading; waits as long as for a lock. */
async function readOnceUnlocked(
  fd: number,
  buffer: Buffer,
  start: number,
  position: number,
): Promise<number> {
  for (const deadline = monotonicMs() + LOCK_TIMEOUT_MS; ; ) {
    await sleep(LOCKED_OUT_POLL_MS);
    try {
      return fs.readSync(fd, buffer, start, buffer.length - start, position);
    } catch (error) {
      if (!isLockedOut(error) || monotonicMs() >= deadline) throw error;
    }
  }
}

/** Fills `buffer` from `start` on at once, on this thread; the lock of another program is waited for here too, as it is one for a commit at most. */
export function readAtOnce(fd: number, buffer: Buffer, position: number, start = 0): number {
  for (let deadline: number | undefined; ; ) {
    try {
      return fs.readSync(fd, buffer, start, buffer.length - start, position);
    } catch (error) {
      deadline ??= monotonicMs() + LOCK_TIMEOUT_MS;
      if (!isLockedOut(error) || monotonicMs() >= deadline) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCKED_OUT_POLL_MS);
  }
}

const LOCKED_OUT_POLL_MS = 2;
