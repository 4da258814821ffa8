/**
 * The folders a log is in: made on demand, and synced.
 *
 * Promise: a new log survives a power cut only when every folder entry above it was synced, so all of them are, before
 * `create` resolves.
 */
import fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { errnoOf, rootNotFound, systemError } from '../errors.js';
import { throughDiskGate } from './disk-gate.js';
import { files } from './file-calls.js';
import { enter, type Folder, folderMode, noFolder, RUNS, within } from './folder.js';
import { makeFolder } from './fs-extra.js';
import { isLive } from './liveness.js';
import { openFile } from './open-file.js';
import {
  CAPTURE_FOLDER,
  LOG_NAME,
  MARKS_NAME,
  type RunPlaces,
  VOCABULARY_NAME,
  varFolder,
} from './places.js';
import { PLATFORM } from './platform.js';

/**
 * Makes the folders down to the run folder, and does `work`, which is passed whether this call made the run folder. If it did and the
 * work fails, the folder is removed again, with its empty log: a run that was never begun is not there. That takes no further
 * descriptor, for having none left is a reason to fail.
 */
export async function inRunFolder<Result>(
  places: RunPlaces,
  mode: number | undefined,
  work: (made: boolean) => Promise<Result>,
): Promise<Result> {
  const { runs, run, made } = await makeRunFolder(places, mode);
  try {
    return await work(made);
  } catch (error) {
    if (made) await removeEmpty(places, runs, run);
    throw error;
  } finally {
    run.close();
    runs.close();
  }
}

interface MadeFolder {
  readonly runs: Folder;
  readonly run: Folder;
  readonly made: boolean;
}

async function makeRunFolder(places: RunPlaces, mode = 0o666): Promise<MadeFolder> {
  await makeVarFolder(places.root, mode);
  const name = basename(places.folder);
  try {
    await within(places.root, ['var'], folder => folder.make('runs', mode));
    const runs = enter(places.root, RUNS);
    let made = false;
    try {
      made = await runs.make(name, mode);
      return { runs, run: runs.enter(name), made };
    } catch (error) {
      if (made) fs.rmdirSync(runs.at(name));
      runs.close();
      throw runs.named(error);
    }
  } catch (error) {
    throw systemError('the run folder could not be made', places.folder, error);
  }
}

/** Removes a run folder, and its log if that is empty and no other process has it open; what holds anything else stays. */
async function removeEmpty(places: RunPlaces, runs: Folder, run: Folder): Promise<void> {
  const log = run.at(LOG_NAME);
  try {
    const empty = fs.lstatSync(log, { throwIfNoEntry: false })?.size === 0;
    if (empty && (await isLive(places, runs).catch(() => false)) !== true) fs.unlinkSync(log);
    if (!fs.existsSync(log)) fs.rmSync(run.at(VOCABULARY_NAME), { force: true });
    fs.rmSync(run.at(MARKS_NAME), { force: true });
    if (fs.existsSync(run.at(CAPTURE_FOLDER))) fs.rmdirSync(run.at(CAPTURE_FOLDER));
    fs.rmdirSync(runs.at(basename(places.folder)));
  } catch {
    // What made the work fail is the error to report.
  }
}

/** Makes `<root>/.omne/var`; the root must be there: one that is not is a mistake in its name more often than a new one. */
export async function makeVarFolder(root: string, mode = 0o666): Promise<void> {
  const folder = varFolder(root);
  try {
    if (await makeVolume(dirname(folder), mode)) await syncFolder(dirname(dirname(folder)));
    await within(root, [], volume => volume.make('var', mode));
  } catch (error) {
    throw systemError('the volume folder could not be made', folder, error);
  }
}

/** Makes `.omne`; a link there, or above, is the user's own business. Returns whether it was not there before. */
async function makeVolume(folder: string, mode: number): Promise<boolean> {
  if ((await files.stat(folder).catch(() => undefined))?.isDirectory()) return false;
  try {
    await makeFolder(folder, folderMode(mode));
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST' && (await files.stat(folder)).isDirectory()) return false; // somebody else was quicker
    const inTheWay = noFolder(folder, errno);
    throw inTheWay ?? (errno === 'ENOENT' ? rootNotFound(dirname(folder)) : error);
  }
}

/**
 * Makes the entries of a new log durable: its folder and every folder above it in the volume, whoever made them. A peer
 * that made one of them a moment ago may not have synced it yet.
 */
export async function syncRunFolders(places: RunPlaces): Promise<void> {
  await syncFolders(places.folder, places.root);
}

async function syncFolders(from: string, upTo: string): Promise<void> {
  for (let folder = from; ; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === upTo || folder === dirname(folder)) return;
  }
}

/** Makes the entries of a folder durable, where folders can be synced and this one may be opened for it. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const fd = await openFile(folder, PLATFORM.folderSync);
    try {
      await throughDiskGate(() => files.fsync(fd));
    } finally {
      await files.close(fd);
    }
  } catch (error) {
    if (!CANNOT_SYNC.has(errnoOf(error) ?? ''))
      throw systemError('the folder could not be synced', folder, error);
  }
}

/**
 * The errors that mean a folder cannot be synced at all: those of file systems that cannot do it (of images, FUSE, of networks), and of
 * a folder that may be entered but not listed, or on Windows not written, so that it cannot be opened for a sync.
 */
const CANNOT_SYNC: ReadonlySet<string> = new Set([
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EACCES',
  'EPERM',
  'EISDIR',
]);
