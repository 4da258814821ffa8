/**
 * Waiting until a file may have grown.
 *
 * Promise: a wait ends at the first change notice since the last look, and after the poll interval where none comes: notices
 * are hints, which get lost, are not to be had on some file systems, and cost a watch of which there are not many. Who waits may
 * look in the very call that brings the notice, before any promise.
 */
import type { FSWatcher } from 'node:fs';
import type { WokenBy } from '../diagnostics.js';
import { after } from '../real-time.js';
import { noticesOf } from './file-notices.js';

/** A longer timer of Node goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What ended a wait. */
export interface Woken<Found> {
  readonly wokenBy: WokenBy;
  /** What was found at a notice. */
  readonly found: Found | undefined;
}

/** Waits for one file. */
export class Growth {
  readonly #pollInterval: number;
  readonly #watcher: FSWatcher | undefined;
  #noticed = false;
  #wake: ((notice?: boolean) => void) | undefined;

  constructor(path: string, pollInterval: number, useNotices: boolean) {
    this.#pollInterval = Math.min(pollInterval, LONGEST_TIMER_MS);
    this.#watcher = useNotices ? noticesOf(path, () => this.#notice()) : undefined;
  }

  /** Forgets earlier notices: what they announced is about to be read. */
  look(): void {
    this.#noticed = false;
  }

  /** Ends the wait. */
  wake(): void {
    this.#noticed = true;
    this.#wake?.();
  }

  /**
   * Resolves at the first notice since the last `look`, or after the poll interval, with what ended the wait. At a notice `find` is asked
   * at once; what it finds, or throws, is what the wait ends with.
   */
  wait<Found = never>(find?: () => Found | undefined): Promise<Woken<Found>> {
    if (this.#noticed) return Promise.resolve({ wokenBy: 'notice', found: undefined });
    return new Promise((resolve, reject) => {
      const end = (wokenBy: WokenBy, find?: () => Found | undefined) => {
        this.#wake = undefined;
        try {
          resolve({ wokenBy, found: find?.() });
        } catch (error) {
          reject(error);
        }
        stop();
      };
      const stop = after(this.#pollInterval, () => end('poll'));
      this.#wake = (notice = false) => end('notice', notice ? find : undefined);
    });
  }

  close(): void {
    this.#watcher?.close();
    this.#wake?.();
  }

  #notice(): void {
    this.#noticed = true;
    this.#wake?.(true);
  }
}
