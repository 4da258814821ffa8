/**
 * Change notices (`fs.watch`): of one file, and of many with no more watches than a process can well have; half of those are kept
 * for files that were written to of late.
 *
 * Promise: nobody depends on a notice. Where none are to be had (the limits of inotify, some file systems), the poll of the
 * caller does it alone. A watch keeps no process alive: that is for whoever waits.
 */
import { type FSWatcher, type WatchEventType, watch } from 'node:fs';

/** A file was written to of late when that was no longer ago. */
export const FRESH_MS = 60_000;
const MOST_WATCHES = 1024;

/** Called with what has happened to a file. */
type OnNotice = (what: WatchEventType) => void;

/** Notices of a path; undefined where there are none to be had. */
export function noticesOf(path: string, noticed: OnNotice): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, noticed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** What may be watched. */
export interface Watchable {
  watcher: FSWatcher | undefined;
}

/** The watches of the files of a volume. */
export class FileNotices {
  readonly #used: boolean;
  #watches = 0;
  #closed = false;

  /** Without `used` there are none. */
  constructor(used: boolean) {
    this.#used = used;
  }

  /** Notices of a path, which are not counted; undefined where there are none to be had. */
  of(path: string, noticed: OnNotice): FSWatcher | undefined {
    return this.#used && !this.#closed ? noticesOf(path, noticed) : undefined;
  }

  /** Watches a file, where there are watches left for one that was last written to so long ago; where there are too many, no more. */
  watch(file: Watchable, path: string, idleMs: number, noticed: OnNotice): void {
    const most = idleMs < FRESH_MS ? MOST_WATCHES : MOST_WATCHES / 2;
    if (file.watcher !== undefined) {
      if (this.#watches > most) this.unwatch(file);
    } else if (this.#watches < most) {
      file.watcher = this.of(path, noticed);
      if (file.watcher !== undefined) this.#watches++;
    }
  }

  /** Ends the watch of a file, if there is one. */
  unwatch(file: Watchable | undefined): void {
    if (file?.watcher === undefined) return;
    file.watcher.close();
    file.watcher = undefined;
    this.#watches--;
  }

  /** From now on no watch begins. */
  close(): void {
    this.#closed = true;
  }
}
