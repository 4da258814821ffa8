/**
 * Allocating run ids: strictly rising in one volume, across processes, whatever the clock does.
 *
 * Promise: the last ULID handed out is in `.omne/var/.ulid-last`, read and rewritten under the lock; the Rust
 * program does the same with the same file. A damaged or missing file never blocks a run: the highest ULID among the
 * runs takes its place.
 */
import fs, { constants } from 'node:fs';
import { basename } from 'node:path';
import { errnoOf, systemError, unsafePath } from '../errors.js';
import { nowMs } from '../real-time.js';
import { throughDiskGate } from './disk-gate.js';
import { files } from './file-calls.js';
import { tryLock, waitForLock } from './flock.js';
import { type Folder, within } from './folder.js';
import { makeVarFolder } from './make-folders.js';
import { ulidLastPath } from './places.js';
import { runIdsOf } from './run-folders.js';
import { checkPipe, parseRunId, runIdOf } from './run-id.js';
import { isUlid, UlidSequence } from './ulid.js';

const { O_CREAT, O_RDWR } = constants;

/** Options of an allocation: those of a log that matter here. */
export interface AllocateOptions {
  /** Permission bits of new files, narrowed by the umask. */
  readonly mode?: number | undefined;
  /** Whether to take the lock; by default it is taken. */
  readonly lock?: boolean | undefined;
  /** How long to wait for the lock, in milliseconds. */
  readonly lockTimeout?: number | undefined;
}

/** Hands out the next run id of a pipe. Only the id: no folder is made for the run. */
export async function allocateRunId(
  root: string,
  pipe: string,
  options: AllocateOptions = {},
): Promise<string> {
  checkPipe(pipe);
  const path = ulidLastPath(root);
  await makeVarFolder(root, options.mode);
  return inTurn(path, async () => {
    try {
      return runIdOf(pipe, await within(root, ['var'], folder => nextUnderLock(folder, path, root, options)));
    } catch (error) {
      throw systemError('the run id could not be allocated', path, error);
    }
  });
}

const lastTurns = new Map<string, Promise<unknown>>();

/** One allocation at a time in this process: they would only poll for the lock against each other. */
function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const turn = (lastTurns.get(path) ?? Promise.resolve()).then(work);
  const settled: Promise<void> = turn
    .catch(() => undefined) // reported to the caller that asked for it
    .then(() => {
      if (lastTurns.get(path) === settled) lastTurns.delete(path);
    });
  lastTurns.set(path, settled);
  return turn;
}

async function nextUnderLock(
  folder: Folder,
  path: string,
  root: string,
  { mode, lock = true, lockTimeout }: AllocateOptions,
): Promise<string> {
  const fd = await openPlainFile(folder, path, mode);
  try {
    if (lock) await waitForLock(() => tryLock(fd, path), path, lockTimeout);
    return await nextUlid(fd, root);
  } finally {
    await files.close(fd); // gives the lock back
  }
}

async function openPlainFile(folder: Folder, path: string, mode = 0o666): Promise<number> {
  let fd: number;
  try {
    fd = await folder.open(basename(path), O_RDWR | O_CREAT, mode);
  } catch (error) {
    if (['ELOOP', 'EISDIR', 'ENXIO'].includes(errnoOf(error) ?? ''))
      throw unsafePath(path, 'is not a regular file');
    throw error;
  }
  if (fs.fstatSync(fd).isFile()) return fd;
  await files.close(fd);
  throw unsafePath(path, 'is not a regular file');
}

async function nextUlid(fd: number, root: string): Promise<string> {
  const { buffer, bytesRead } = await files.read(fd, Buffer.alloc(64), 0, 64, 0);
  const stored = buffer.toString('latin1', 0, bytesRead).trim().toLowerCase();
  const next =
    (isUlid(stored) ? nextAbove(stored) : undefined) ?? nextAbove(await highestUlid(root)) ?? nextAbove('');
  if (next === undefined) throw new RangeError('no ULID is left');
  await throughDiskGate(async () => {
    await files.write(fd, Buffer.from(next.toUpperCase()), 0, next.length, 0);
    await files.ftruncate(fd, next.length);
    await files.fdatasync(fd);
  });
  return next;
}

/** A ULID above `id`, which may be empty; undefined where there is none: then the file held damage, not history. */
function nextAbove(id: string): string | undefined {
  const ids = new UlidSequence();
  ids.raiseTo(id);
  try {
    return ids.next(nowMs());
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

async function highestUlid(root: string): Promise<string> {
  const newest = (await runIdsOf(root).catch(() => [])).at(-1); // what is wrong with the folder is for `create` to report
  return newest === undefined ? '' : parseRunId(newest).ulid;
}
