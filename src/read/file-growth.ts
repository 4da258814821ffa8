/**
 * Waiting until a file may have grown.
 *
 * Promise: a wait ends at the first change notice since the last look, and after the poll interval where none comes: notices
 * are hints, which get lost, are not to be had on some file systems, and cost a watch of which there are not many.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { WokenBy } from '../diagnostics.js';
import { after } from '../real-time.js';

/** A longer timer of Node goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Waits for one file. */
export class Growth {
  readonly #pollInterval: number;
  #watcher: FSWatcher | undefined;
  #noticed = false;
  #wake: (() => void) | undefined;

  constructor(path: string, pollInterval: number, useNotices: boolean) {
    this.#pollInterval = Math.min(pollInterval, LONGEST_TIMER_MS);
    if (useNotices) this.#watch(path);
  }

  /** Forgets earlier notices: what they announced is about to be read. */
  look(): void {
    this.#noticed = false;
  }

  /** The file may have grown. */
  notice(): void {
    this.#noticed = true;
    this.#wake?.();
  }

  /** Resolves at the first notice since `look`, or after the poll interval. */
  wait(): Promise<WokenBy> {
    if (this.#noticed) return Promise.resolve('notice');
    return new Promise(resolve => {
      const stop = after(this.#pollInterval, () => this.#wake?.());
      this.#wake = () => {
        stop();
        this.#wake = undefined;
        resolve(this.#noticed ? 'notice' : 'poll');
      };
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#wake?.();
  }

  #watch(path: string): void {
    try {
      // Not persistent: it is the wait, not the watcher, that keeps a process alive.
      this.#watcher = watch(path, { persistent: false }, () => this.notice());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No watch to be had (ENOSPC, EMFILE: the limits of inotify): the poll alone does it.
    }
  }
}
