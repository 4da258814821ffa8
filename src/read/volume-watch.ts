/**
 * Which runs of a volume have something new: looks at the runs' folder and at the logs, by notices and by polling.
 *
 * Promises: no link is followed to a listing. No change is missed, whatever notices are lost; a notice only makes the look
 * come sooner. No log is held open. A run nobody writes to is looked at less and less often, and one that is done with not at
 * all.
 */
import fs, { type FSWatcher, type WatchEventType, watch } from 'node:fs';
import { errnoOf, systemError } from '../errors.js';
import { monotonicMs, nowMs, startTimer, stopTimer, turn } from '../real-time.js';
import { files } from '../volume/file-calls.js';
import { RUNS, within } from '../volume/folder.js';
import { fileOf } from '../volume/open-log.js';
import { placesOf, runsFolder } from '../volume/places.js';
import { isRunId } from '../volume/run-id.js';

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

/** Half of them is kept for logs that were written to within `FRESH_MS`. */
const MOST_WATCHES = 1024;
const FRESH_MS = 60_000;
const LONGEST_REST_MS = 5000;
/** A folder may change twice within what its time stamp can tell apart. */
const STAMP_MS = 2000;
/** How soon to look for a log whose folder has just appeared, and for the folder of all runs. */
const SOON_MS = 5;
const NO_FOLDER_MS = 25;
/** The looks of a round that are made without letting anything else run. */
const LOOKS_A_TURN = 256;

interface Known {
  /** The path of the log. */
  readonly log: string;
  readonly foundAt: number;
  look: LogLook | undefined;
  /** When to look next, on the clock of `performance.now`. */
  due: number;
  watcher: FSWatcher | undefined;
}

/** The runs of a volume that are not done with. */
export class VolumeWatch {
  readonly #root: string;
  readonly #pollInterval: number;
  readonly #notices: boolean;
  readonly #wanted: (runId: string) => boolean;
  readonly #listener: VolumeListener;
  readonly #known = new Map<string, Known>();
  readonly #done = new Set<string>();
  #folder: { readonly file: string; readonly watcher: FSWatcher | undefined } | undefined;
  #stamp = -1;
  #listedAt = 0;
  #watches = 0;
  #due = 0;
  #woken = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(root: string, options: VolumeWatchOptions, listener: VolumeListener) {
    this.#root = root;
    this.#pollInterval = options.pollInterval;
    this.#notices = options.watch ?? true;
    this.#wanted = options.wanted ?? (() => true);
    this.#listener = listener;
  }

  /** When the last listing of the folder began, in milliseconds since the epoch: what was there then has been found. */
  get listedAt(): number {
    return this.#listedAt;
  }

  /** Whether it is time for a look. */
  get due(): boolean {
    return monotonicMs() >= this.#due;
  }

  /** One round: new runs are found, and logs that are due are looked at. */
  async look(): Promise<void> {
    const now = monotonicMs();
    this.#due = now + this.#pollInterval;
    await this.#list();
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
    this.#unwatch(this.#known.get(runId));
    this.#known.delete(runId);
    this.#done.add(runId);
  }

  /** The run is looked at as if it were new. */
  renew(runId: string): void {
    this.#done.delete(runId);
    this.#unwatch(this.#known.get(runId));
    const now = monotonicMs();
    const { log } = placesOf(this.#root, runId);
    this.#known.set(runId, { log, foundAt: now, look: undefined, due: 0, watcher: undefined });
    this.#due = 0;
  }

  /** Watches nothing any more; a look that is under way begins no watching either. */
  close(): void {
    this.#closed = true;
    this.#folder?.watcher?.close();
    for (const known of this.#known.values()) this.#unwatch(known);
    this.wake();
  }

  /** Reads the folder when it may have changed. */
  async #list(): Promise<void> {
    try {
      await within(this.#root, RUNS, folder => this.#listIn(folder.at('.')));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT')
        throw systemError('the runs could not be listed', runsFolder(this.#root), error);
      this.#due = Math.min(this.#due, monotonicMs() + NO_FOLDER_MS);
      this.#listedAt = nowMs();
      this.#compare(new Set());
    }
  }

  async #listIn(folder: string): Promise<void> {
    const began = nowMs();
    const { mtimeMs, dev, ino } = fs.statSync(folder);
    const file = `${dev}:${ino}`;
    if (this.#folder?.file !== file) {
      this.#folder?.watcher?.close();
      this.#folder = { file, watcher: this.#watched(folder, () => this.#folderChanged()) };
      this.#stamp = -1;
    }
    if (mtimeMs !== this.#stamp) {
      this.#compare(
        new Set((await files.readdir(folder)).filter(name => isRunId(name) && this.#wanted(name))),
      );
      this.#stamp = nowMs() - mtimeMs > STAMP_MS ? mtimeMs : -1;
    }
    this.#listedAt = began;
  }

  #folderChanged(): void {
    this.#due = 0;
    this.wake();
  }

  #compare(names: ReadonlySet<string>): void {
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
    if (before !== undefined && before.file !== look.file) this.#unwatch(known);
    this.#listener.changed(runId, look);
    this.wake();
  }

  /** Watches a log, where there are watches left for one that was last written to so long ago. */
  #watch(runId: string, known: Known): void {
    const idleMs = nowMs() - (known.look?.changedAt ?? 0);
    const most = idleMs < FRESH_MS ? MOST_WATCHES : MOST_WATCHES / 2;
    if (known.watcher !== undefined) {
      if (this.#watches > most) this.#unwatch(known);
    } else if (this.#watches < most) {
      known.watcher = this.#watched(known.log, what => {
        if (this.#known.get(runId) !== known) return;
        if (what === 'change' && this.#listener.noticed?.(runId) === true) this.wake();
        else this.#lookAt(runId, known);
      });
      if (known.watcher !== undefined) this.#watches++;
    }
  }

  #unwatch(known: Known | undefined): void {
    if (known?.watcher === undefined) return;
    known.watcher.close();
    known.watcher = undefined;
    this.#watches--;
  }

  /** Notices of a change; undefined where there are none to be had. */
  #watched(path: string, noticed: (what: WatchEventType) => void): FSWatcher | undefined {
    if (!this.#notices || this.#closed) return undefined;
    try {
      const watcher = watch(path, { persistent: false }, noticed);
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return undefined; // the poll alone does it
    }
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
