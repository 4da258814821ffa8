/**
 * The folders of a volume, entered without following a link: confinement.
 *
 * Promise: nothing below `.omne` is reached through a link, not even one swapped in meanwhile. On Linux each folder is held
 * open and what is in it is named through that descriptor (/proc/self/fd), which does for `open` and `mkdir` what the
 * system calls `openat` and `mkdirat` do. Elsewhere each folder is checked before it is used.
 */
import fs, { constants, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type EventLogError, errnoOf, unsafePath } from '../errors.js';
import { makeFolder } from './fs-extra.js';
import { openFile, openNow } from './open-file.js';
import type { RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

const { O_RDWR, O_WRONLY } = constants;
const { descriptors, noFollow, nonBlock, onlyFolder } = PLATFORM;
const O_PATH = 0o10000000; // of Linux: entering a folder asks for no right to list it

/**
 * A folder of the volume that is not a link; held open where that is of use. Entering is synchronous: it takes a microsecond or
 * two for what four trips through the thread pool would take, and that for every run of a listing.
 */
export class Folder {
  readonly path: string;
  readonly #fd: number | undefined;

  private constructor(path: string, fd?: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** Opens `.omne`; a link there, or above, is the user's own business. */
  static volume(root: string): Folder {
    const path = join(resolve(root), '.omne');
    try {
      if (descriptors !== undefined) return new Folder(path, fs.openSync(path, O_PATH | onlyFolder));
      if (!fs.statSync(`${path}/.`).isDirectory()) throw unsafePath(path, 'is not a folder'); // Windows leaves the dot out
      return new Folder(path);
    } catch (error) {
      throw noFolder(path, errnoOf(error)) ?? error;
    }
  }

  /** How system calls name what is in this folder, as long as it is held. */
  at(name: string): string {
    return `${this.#fd === undefined ? this.path : `${descriptors}/${this.#fd}`}/${name}`; // '.' must stay: it ends the link
  }

  /** Opens a folder in this one; `ERR_UNSAFE_PATH` when it is a link or no folder. */
  enter(name: string): Folder {
    const path = join(this.path, name);
    if (this.#fd === undefined) {
      this.#check(fs.lstatSync(path), path);
      if (PLATFORM.anyCase) checkCase(path);
      return new Folder(path);
    }
    try {
      return new Folder(path, fs.openSync(this.at(name), O_PATH | onlyFolder | noFollow));
    } catch (error) {
      if (errnoOf(error) !== 'ENOTDIR') throw this.named(error);
      this.#check(fs.lstatSync(this.at(name)), path);
      throw unsafePath(path, 'was swapped while it was opened');
    }
  }

  #check(stat: Stats, path: string): void {
    if (stat.isSymbolicLink()) throw unsafePath(path, 'is a symbolic link');
    if (!stat.isDirectory()) throw unsafePath(path, 'is not a folder');
  }

  /** Opens a file in this one, and fails at a link or FIFO in its place, with the codes of open(2) or `ERR_UNSAFE_PATH`. */
  async open(name: string, flags: number, mode?: number): Promise<number> {
    if (noFollow === 0 && fs.lstatSync(this.at(name), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw unsafePath(join(this.path, name), 'is a symbolic link');
    }
    const path = this.at(name);
    const safely = flags | noFollow | nonBlock;
    return (flags & (O_RDWR | O_WRONLY)) === 0 ? openNow(path, safely) : openFile(path, safely, mode);
  }

  /** Makes a folder in this one; returns whether it was not there before. */
  async make(name: string, mode: number): Promise<boolean> {
    try {
      await makeFolder(this.at(name), folderMode(mode));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      this.enter(name).close();
      return false;
    }
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
  }

  /** The same error, but with the path as the user knows it. */
  named(error: unknown): unknown {
    const alias = `${descriptors}/${this.#fd}/`;
    if (typeof error !== 'object' || error === null) return error;
    for (const name of ['message', 'path'] as const) {
      const text: unknown = Reflect.get(error, name);
      // A function: in a text `$&` of the path would stand for something else.
      if (typeof text === 'string')
        Reflect.set(
          error,
          name,
          text.replaceAll(alias, () => `${this.path}/`),
        );
    }
    return error;
  }
}

/** How the last name of a path is spelled on disk; undefined where it is not there in that case. */
function nameOnDisk(path: string): string | undefined {
  try {
    return basename(fs.realpathSync.native(path));
  } catch {
    // Windows may refuse this for long paths; a look at the whole folder takes longer.
    return fs.readdirSync(dirname(path)).find(name => name === basename(path));
  }
}

/** Where case does not matter, a run id in another case would open the log of another id: that is not there. */
function checkCase(path: string): void {
  if (nameOnDisk(path) === basename(path)) return;
  const error = new Error(`ENOENT: spelled otherwise on disk, open '${path}'`);
  throw Object.assign(error, { code: 'ENOENT', path });
}

/** Enters the folder `names` below `.omne`; whoever asks for it closes it. */
export function enter(root: string, names: readonly string[]): Folder {
  let folder = Folder.volume(root);
  try {
    for (const name of names) {
      const next = folder.enter(name);
      folder.close();
      folder = next;
    }
    return folder;
  } catch (error) {
    folder.close();
    throw error;
  }
}

/** Enters the folder `names` below `.omne`, and holds it while `work` is under way. */
export async function within<Result>(
  root: string,
  names: readonly string[],
  work: (folder: Folder) => Promise<Result>,
): Promise<Result> {
  return holding(enter(root, names), work);
}

/** Holds a folder while `work` is under way. */
async function holding<Result>(folder: Folder, work: (folder: Folder) => Promise<Result>): Promise<Result> {
  try {
    return await work(folder);
  } catch (error) {
    throw folder.named(error);
  } finally {
    folder.close();
  }
}

/**
 * The error for a path that leads through something that is not a folder: it names that. Undefined where the failure says something
 * else; Windows says ENOENT for this too.
 */
export function noFolder(path: string, errno: string | undefined): EventLogError | undefined {
  if (errno !== 'ENOTDIR' && errno !== 'EEXIST' && errno !== 'ENOENT') return undefined;
  for (let part = path; part !== dirname(part); part = dirname(part)) {
    try {
      if (fs.statSync(part).isDirectory()) break;
      return unsafePath(part, 'is not a folder');
    } catch (error) {
      if (errnoOf(error) !== 'ENOTDIR' && errnoOf(error) !== 'ENOENT') break;
    }
  }
  return errno === 'ENOENT' ? undefined : unsafePath(path, 'was swapped while it was opened');
}

/** Enters the folder of a run, from the folder of all runs where that is held already. */
export async function withinRun<Result>(
  places: RunPlaces,
  work: (folder: Folder) => Promise<Result>,
  runs?: Folder,
): Promise<Result> {
  const name = basename(places.folder);
  return runs === undefined ? within(places.root, [...RUNS, name], work) : holding(runs.enter(name), work);
}

/** The way to the runs from `.omne`. */
export const RUNS: readonly string[] = ['var', 'runs'];

/** Whoever may read a file may also enter its folder. */
export function folderMode(mode: number): number {
  return mode | ((mode & 0o444) >> 2);
}
