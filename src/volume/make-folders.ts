/**
 * The folders a log is in: made on demand, and synced.
 *
 * Promise: a new log survives a power cut only when every folder entry above it was synced, so all of them are, before
 * `create` resolves.
 */
import { constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import fse from 'fs-extra';
import { errnoOf, systemError } from '../errors.js';
import { throughDiskGate } from './disk-gate.js';
import { folderMode, noFolder, RUNS, within } from './folder.js';
import { openFile } from './open-file.js';
import { type RunPlaces, varFolder } from './places.js';
import { PLATFORM } from './platform.js';

/** Makes the folders down to the run folder; returns whether the run folder itself was made by this call. */
export async function makeRunFolder(places: RunPlaces, mode = 0o666): Promise<boolean> {
  await makeVarFolder(places.root, mode);
  try {
    await within(places.root, ['var'], folder => folder.make('runs', mode));
    return await within(places.root, RUNS, folder => folder.make(basename(places.folder), mode));
  } catch (error) {
    throw systemError('the run folder could not be made', places.folder, error);
  }
}

/** Makes `<root>/.omne/var`, and the root itself if it is missing. */
export async function makeVarFolder(root: string, mode = 0o666): Promise<void> {
  const folder = varFolder(root);
  try {
    const above = dirname(folder);
    const first = await makeAbove(above, mode);
    // A new entry is durable once its parent is synced; the first new folder may be far above the root.
    if (first !== undefined) await syncFolders(dirname(above), dirname(first));
    await within(root, [], volume => volume.make('var', mode));
  } catch (error) {
    throw systemError('the volume folder could not be made', folder, error);
  }
}

/**
 * Makes a folder and those above it that are missing; links are the user's own business here. Returns the first one made.
 * Node's recursive `mkdir` does the same but never comes back where a folder cannot be made at all, as in /proc.
 */
async function makeAbove(folder: string, mode: number): Promise<string | undefined> {
  if ((await fse.stat(folder).catch(() => undefined))?.isDirectory()) return undefined;
  const first = folder === dirname(folder) ? undefined : await makeAbove(dirname(folder), mode);
  try {
    await fse.mkdir(folder, { mode: folderMode(mode) });
    return first ?? folder;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if ((await fse.stat(folder)).isDirectory()) return first; // somebody else was quicker
    throw noFolder(folder);
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

/** Makes the entries of a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  if (!PLATFORM.foldersSync) return;
  const fd = await openFile(folder, constants.O_RDONLY | PLATFORM.onlyFolder);
  try {
    await throughDiskGate(() => fse.fsync(fd));
  } finally {
    await fse.close(fd);
  }
}
