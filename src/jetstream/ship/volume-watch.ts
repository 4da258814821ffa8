/**
 * Which runs of a volume have something new: looks at the runs' folder and at the logs, by notices and by polling.
 *
 * Promises: no link is followed to a listing. No change is missed, whatever notices are lost; a notice only makes the look
 * come sooner. No log is held open. A run nobody writes to is looked at less and less often, and one that is done with not at
 * all.
 */
import { type FSWatcher, watch } from 'node:fs';
import fse from 'fs-extra';
import { errnoOf, systemError } from '../../errors.js';
import { RUNS, within } from '../../volume/folder.js';
import { placesOf, runsFolder } from '../../volume/places.js';
import { isRunId } from '../../volume/run-id.js';

/** What a look at a log tells. */
export interface LogLook {
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
  /** Which file it is. */
  readonly file: string;
}

/** Told what becomes of runs. */
export interface RunsListener {
  /** A log is new, has grown, or is another file. */
  changed(runId: string, look: LogLook): void;
  /** The folder of a run is gone. */
  gone(runId: string): void;
}

const CONCURRENT_LOOKS = 16;
const MOST_WATCHES = 1024;
const WATCHED_MS = 60_000;
const LONGEST_REST_MS = 5000;
/** A folder may change twice within what its time stamp can tell apart. */
const STAMP_MS = 2000;

interface Known {
  look: LogLook | undefined;
  /** When to look again, on the clock of `performance.now`. */
  due: number;
  watcher: FSWatcher | undefined;
}

/** The runs of a volume that are not done with. */
export class VolumeWatch {
  readonly #root: string;
  readonly #pollInterval: number;
  readonly #listener: RunsListener;
  readonly #known = new Map<string, Known>();
  readonly #done = new Set<string>();
  #listedAt = -1;
  #watches = 0;
  #closed = false;
  #folderWatcher: FSWatcher | undefined;

  constructor(root: string, pollInterval: number, listener: RunsListener) {
    this.#root = root;
    this.#pollInterval = pollInterval;
    this.#listener = listener;
  }

  /** One round: new runs are found, and logs that are due are looked at. `noticed` is called when the next one should not wait. */
  async look(noticed: () => void): Promise<void> {
    await this.#list(noticed);
    const now = performance.now();
    const due = [...this.#known].filter(([, known]) => known.due <= now).map(([runId]) => runId);
    const next = async () => {
      for (let runId = due.pop(); runId !== undefined; runId = due.pop()) await this.#lookAt(runId);
    };
    await Promise.all(Array.from({ length: CONCURRENT_LOOKS }, next));
  }

  /** The run has nothing more to tell. */
  done(runId: string): void {
    this.#unwatch(this.#known.get(runId));
    this.#known.delete(runId);
    this.#done.add(runId);
  }

  /** The run is looked at again, as if it were new. */
  renew(runId: string): void {
    this.#done.delete(runId);
    this.#unwatch(this.#known.get(runId));
    this.#known.set(runId, { look: undefined, due: 0, watcher: undefined });
  }

  /** Watches nothing any more; a look that is under way begins no watching either. */
  close(): void {
    this.#closed = true;
    this.#folderWatcher?.close();
    for (const known of this.#known.values()) this.#unwatch(known);
  }

  /** Reads the folder when it may have changed. */
  async #list(noticed: () => void): Promise<void> {
    try {
      await within(this.#root, RUNS, folder => this.#listIn(folder.at('.'), noticed));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw systemError('the runs could not be listed', runsFolder(this.#root), error);
    }
  }

  async #listIn(folder: string, noticed: () => void): Promise<void> {
    if (this.#closed) return;
    this.#folderWatcher ??= watched(folder, noticed);
    const { mtimeMs } = await fse.stat(folder);
    if (mtimeMs === this.#listedAt) return;
    const names = new Set((await fse.readdir(folder)).filter(isRunId));
    if (Date.now() - mtimeMs > STAMP_MS) this.#listedAt = mtimeMs;
    for (const runId of names) {
      if (!this.#known.has(runId) && !this.#done.has(runId)) this.renew(runId);
    }
    for (const runId of [...this.#known.keys(), ...this.#done]) if (!names.has(runId)) this.#forget(runId);
  }

  #forget(runId: string): void {
    this.done(runId);
    this.#done.delete(runId);
    this.#listener.gone(runId);
  }

  async #lookAt(runId: string): Promise<void> {
    const { log } = placesOf(this.#root, runId);
    // What cannot be looked at is not there yet, or reading it will say what is wrong.
    const stat = await fse.lstat(log).catch(() => undefined);
    const known = this.#known.get(runId);
    if (known === undefined || this.#closed) return;
    const idleMs = stat === undefined ? 0 : Math.max(0, Date.now() - stat.mtimeMs);
    known.due = performance.now() + Math.max(this.#pollInterval, Math.min(idleMs / 8, LONGEST_REST_MS)) - 1;
    if (stat === undefined) return;
    if (idleMs < WATCHED_MS) this.#watch(runId, known, log);
    else this.#unwatch(known);
    const look = { size: stat.size, changedAt: stat.mtimeMs, file: `${stat.dev}:${stat.ino}` };
    const before = known.look;
    known.look = look;
    if (before?.size !== look.size || before.changedAt !== look.changedAt || before.file !== look.file) {
      this.#listener.changed(runId, look);
    }
  }

  #watch(runId: string, known: Known, log: string): void {
    if (this.#closed || known.watcher !== undefined || this.#watches >= MOST_WATCHES) return;
    known.watcher = watched(log, () => void this.#lookAt(runId));
    if (known.watcher !== undefined) this.#watches++;
  }

  #unwatch(known: Known | undefined): void {
    if (known?.watcher === undefined) return;
    known.watcher.close();
    known.watcher = undefined;
    this.#watches--;
  }
}

/** Notices of a change; undefined where there are none to be had. */
function watched(path: string, noticed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, noticed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined; // the poll alone does it
  }
}
