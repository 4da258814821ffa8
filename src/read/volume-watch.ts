/**
 * Which runs of a volume have something new: looks at the runs' folder and at the logs, by notices and by polling.
 *
 * Promises: no link is followed to a listing. No change is missed, whatever notices are lost; a notice only makes the look
 * come sooner. No log is held open. A run nobody writes to is looked at less and less often, and one that is done with not at
 * all.
 */
import fs from 'node:fs';
import { monotonicMs, nowMs, startTimer, stopTimer, turn } from '../real-time.js';
import { fileOf } from '../volume/open-log.js';
import { placesOf } from '../volume/places.js';
import { FileNotices, FRESH_MS, type Watchable } from './file-notices.js';
import { RunsListing } from './runs-listing.js';

/** What a look at a log shows. */
export interface LogLook {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
  /** Which file it is. */
  readonly file: string;
}

/** Hears what becomes of runs. */
export interface VolumeListener {
  /** The folder of a run is there, with or without a log. */
  found?(runId: string): void;
  /** A log is new, has grown, or is another file. */
  changed(runId: string, look: LogLook): void;
  /** A notice says that a log was written to. True: that is enough, and the log need not be looked at for it. */
  noticed?(runId: string): boolean;
  /** The folder of a run is gone. */
  gone(runId: string): void;
}

/** How a volume is watched. */
export interface VolumeWatchOptions {
  /** The longest time between two looks at the folder, in milliseconds. */
  readonly pollInterval: number;
  /** Whether notices are used; true by default. */
  readonly watch?: boolean | undefined;
  /** Which runs are looked at; all by default. */
  readonly wanted?: ((runId: string) => boolean) | undefined;
}

const LONGEST_REST_MS = 5000;
/** How soon to look for a log whose folder has just appeared, and for the folder of all runs. */
const SOON_MS = 5;
const NO_FOLDER_MS = 25;
/** The looks of a round that are made without letting anything else run. */
const LOOKS_A_TURN = 256;

interface Known extends Watchable {
  /** The path of the log. */
  readonly log: string;
  readonly foundAt: number;
  look: LogLook | undefined;
  /** When to look next, on the clock of `performance.now`. */
  due: number;
}

/** The runs of a volume that are not done with. */
export class VolumeWatch {
  readonly #root: string;
  readonly #pollInterval: number;
  readonly #notices: FileNotices;
  readonly #runs: RunsListing;
  readonly #wanted: (runId: string) => boolean;
  readonly #listener: VolumeListener;
  readonly #known = new Map<string, Known>();
  readonly #done = new Set<string>();
  #due = 0;
  #woken = false;
  #wake: (() => void) | undefined;

  constructor(root: string, options: VolumeWatchOptions, listener: VolumeListener) {
    this.#root = root;
    this.#pollInterval = options.pollInterval;
    this.#notices = new FileNotices(options.watch ?? true);
    this.#runs = new RunsListing(root, this.#notices, () => this.#folderChanged());
    this.#wanted = options.wanted ?? (() => true);
    this.#listener = listener;
  }

  /** When the last listing of the folder began, in milliseconds since the epoch: what was there then has been found. */
  get listedAt(): number {
    return this.#runs.listedAt;
  }

  /** Whether it is time for a look. */
  get due(): boolean {
    return monotonicMs() >= this.#due;
  }

  /** One round: new runs are found, and logs that are due are looked at. */
  async look(): Promise<void> {
    const now = monotonicMs();
    this.#due = now + this.#pollInterval;
    const isThere = await this.#runs.list(runIds => this.#compare(runIds));
    if (!isThere) this.#due = Math.min(this.#due, monotonicMs() + NO_FOLDER_MS);
    let looked = 0;
    for (const [runId, known] of this.#known) {
      if (known.due <= now) {
        this.#lookAt(runId, known);
        if (++looked % LOOKS_A_TURN === 0) await turn();
      }
      this.#due = Math.min(this.#due, known.due);
    }
  }

  /** Resolves when a look is due, a log has changed, or `wake` was called. */
  wait(): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        stopTimer(timer);
        this.#wake = undefined;
        this.#woken = false;
        resolve();
      };
      const timer = startTimer(done, Math.max(0, this.#due - monotonicMs()));
      this.#wake = done;
      if (this.#woken) done();
    });
  }

  /** Ends a wait, this one or the next. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** The run has nothing more to say. */
  done(runId: string): void {
    this.#notices.unwatch(this.#known.get(runId));
    this.#known.delete(runId);
    this.#done.add(runId);
  }

  /** The run is looked at as if it were new. */
  renew(runId: string): void {
    this.#done.delete(runId);
    this.#notices.unwatch(this.#known.get(runId));
    const now = monotonicMs();
    const { log } = placesOf(this.#root, runId);
    this.#known.set(runId, { log, foundAt: now, look: undefined, due: 0, watcher: undefined });
    this.#due = 0;
  }

  /** Watches nothing any more; a look that is under way begins no watching either. */
  close(): void {
    this.#notices.close();
    this.#runs.close();
    for (const known of this.#known.values()) this.#notices.unwatch(known);
    this.wake();
  }

  #folderChanged(): void {
    this.#due = 0;
    this.wake();
  }

  #compare(runIds: readonly string[]): void {
    const names = new Set(runIds.filter(this.#wanted));
    for (const runId of names) {
      if (this.#known.has(runId) || this.#done.has(runId)) continue;
      this.renew(runId);
      this.#listener.found?.(runId);
    }
    for (const runId of [...this.#known.keys(), ...this.#done]) {
      if (names.has(runId)) continue;
      this.done(runId);
      this.#done.delete(runId);
      this.#listener.gone(runId);
    }
  }

  #lookAt(runId: string, known: Known): void {
    if (known.look !== undefined) this.#watch(runId, known); // before the look: what comes after it is noticed
    const stat = lookAtFile(known.log);
    const now = monotonicMs();
    if (stat === undefined) {
      known.due = now + Math.min(this.#pollInterval, Math.max(SOON_MS, (now - known.foundAt) / 8));
      return;
    }
    const idleMs = Math.max(0, nowMs() - stat.mtimeMs);
    known.due = now + Math.max(this.#pollInterval, Math.min(idleMs / 8, LONGEST_REST_MS)) - 1;
    const look = { size: stat.size, changedAt: stat.mtimeMs, file: fileOf(stat) };
    const before = known.look;
    known.look = look;
    if (before === undefined && idleMs < FRESH_MS) known.due = now; // once more, with a watch
    if (before?.size === look.size && before.changedAt === look.changedAt && before.file === look.file)
      return;
    if (before !== undefined && before.file !== look.file) this.#notices.unwatch(known);
    this.#listener.changed(runId, look);
    this.wake();
  }

  #watch(runId: string, known: Known): void {
    const idleMs = nowMs() - (known.look?.changedAt ?? 0);
    this.#notices.watch(known, known.log, idleMs, what => {
      if (this.#known.get(runId) !== known) return;
      if (what === 'change' && this.#listener.noticed?.(runId) === true) this.wake();
      else this.#lookAt(runId, known);
    });
  }
}

/** What cannot be looked at is not there yet, or reading it will say what is wrong. */
function lookAtFile(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
