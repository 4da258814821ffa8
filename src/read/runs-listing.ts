/**
 * Which runs a volume holds: lists the folder of all runs when it may have changed.
 *
 * Promises: no link is followed to a listing. No change is missed, however soon it comes after a listing.
 */
import fs, { type FSWatcher } from 'node:fs';
import { errnoOf, systemError } from '../errors.js';
import { nowMs } from '../real-time.js';
import { files } from '../volume/file-calls.js';
import { RUNS, within } from '../volume/folder.js';
import { runsFolder } from '../volume/places.js';
import { isRunId } from '../volume/run-id.js';
import type { FileNotices } from './file-notices.js';

/** A folder may change twice within what its time stamp can tell apart. */
const STAMP_MS = 2000;

/** The runs of a volume. */
export class RunsListing {
  readonly #root: string;
  readonly #notices: FileNotices;
  readonly #onNotice: () => void;
  #folder: { readonly file: string; readonly watcher: FSWatcher | undefined } | undefined;
  #stamp = -1;
  #listedAt = 0;

  /** `onNotice` hears that the folder has changed. */
  constructor(root: string, notices: FileNotices, onNotice: () => void) {
    this.#root = root;
    this.#notices = notices;
    this.#onNotice = onNotice;
  }

  /** When the last listing began, in milliseconds since the epoch. */
  get listedAt(): number {
    return this.#listedAt;
  }

  /** Hands over the ids of all runs, when they may have changed; false when the folder is not there, and so there are none. */
  async list(take: (runIds: readonly string[]) => void): Promise<boolean> {
    try {
      await within(this.#root, RUNS, folder => this.#listIn(folder.at('.'), take));
      return true;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT')
        throw systemError('the runs could not be listed', runsFolder(this.#root), error);
      this.#listedAt = nowMs();
      take([]);
      return false;
    }
  }

  async #listIn(folder: string, take: (runIds: readonly string[]) => void): Promise<void> {
    const began = nowMs();
    const { mtimeMs, dev, ino } = fs.statSync(folder);
    const file = `${dev}:${ino}`;
    if (this.#folder?.file !== file) {
      this.#folder?.watcher?.close();
      this.#folder = { file, watcher: this.#notices.of(folder, this.#onNotice) };
      this.#stamp = -1;
    }
    if (mtimeMs !== this.#stamp) {
      take((await files.readdir(folder)).filter(isRunId));
      this.#stamp = nowMs() - mtimeMs > STAMP_MS ? mtimeMs : -1;
    }
    this.#listedAt = began;
  }

  /** Ends the watch of the folder. */
  close(): void {
    this.#folder?.watcher?.close();
  }
}
