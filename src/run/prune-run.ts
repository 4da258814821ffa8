/**
 * Pruning one run: whether it may go, decided and carried out under the lock that every writer takes before it begins.
 *
 *     lock its log -> nobody holds it, it ended, it is old -> rename it away -> unlock
 */
import fs, { constants } from 'node:fs';
import { EventLogError } from '../errors.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { nowMs } from '../real-time.js';
import { tryLock, unlock } from '../volume/flock.js';
import { enter, type Folder, RUNS } from '../volume/folder.js';
import { isLive } from '../volume/liveness.js';
import { openInside } from '../volume/open-log.js';
import type { RunPlaces } from '../volume/places.js';
import { moveAway } from '../volume/pruned-runs.js';
import { bytesOfTree } from '../volume/remove-tree.js';
import { type FoundRun, outlineOf } from './look-at-run.js';
import type { RunOutline } from './run-summary.js';

/** Which runs go. At least one of `olderThan` and `keep` must be given. */
export interface PruneOptions {
  /** Only runs to which nothing was written for so long, in milliseconds; runs of any age by default. */
  olderThan?: number | undefined;
  /** The newest so many runs of each pipe stay; none has to by default. */
  keep?: number | undefined;
  /** Only runs of this pipe; of every pipe by default. */
  pipe?: string | undefined;
  /** Only runs that ended so; however they ended by default. */
  status?: 'completed' | 'aborted' | undefined;
  /** Also runs that have not ended, where nobody has them open and nothing was written for a minute; false by default. */
  orphans?: boolean | undefined;
  /** Change nothing, and report what would go; false by default. */
  dryRun?: boolean | undefined;
  /** The vocabulary of the runs; `omneEvents` by default. */
  events?: Vocabulary | undefined;
  /** Ends the pruning between two runs, and rejects with the signal's reason; by default nothing does. */
  signal?: AbortSignal | undefined;
}

/** A run that went, or would go. */
export interface PrunedRun {
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** How it ended; `running` for one that has not. */
  readonly status: RunOutline['status'];
  /** When its last event happened; absent where it has none. */
  readonly lastTs?: string;
  /** How many bytes its files had. */
  readonly bytes: number;
}

/** Takes one run out of the listing where it may go; undefined where it stays. */
export async function takeAway(places: RunPlaces, options: PruneOptions): Promise<PrunedRun | undefined> {
  const runs = enter(places.root, RUNS);
  try {
    return await underLock(places, runs, async () => {
      const run = await decide(places, runs, options);
      if (run !== undefined && !options.dryRun) moveAway(places.root, runs, run.runId);
      return run;
    });
  } finally {
    runs.close();
  }
}

/** The run as it is reported, where it may go. */
async function decide(
  places: RunPlaces,
  runs: Folder,
  options: PruneOptions,
): Promise<PrunedRun | undefined> {
  if (!(await isUnused(places, runs, options))) return undefined;
  const found = await outlineOf(places, runs, { events: options.events });
  if (found === undefined || !fits(found, options)) return undefined;
  const { runId, status, lastTs } = found.outline;
  const bytes = bytesOfTree(runs, runId);
  return { runId, status, ...(lastTs === undefined ? {} : { lastTs }), bytes };
}

/** Does `work` under the lock of the log, if there is one; undefined where somebody writes at this moment. */
async function underLock<Result>(
  places: RunPlaces,
  runs: Folder,
  work: () => Promise<Result | undefined>,
): Promise<Result | undefined> {
  const fd = await openLog(places, runs);
  if (fd === undefined) return work();
  try {
    if (!tryLock(fd, places.log)) return undefined;
    try {
      return await work();
    } finally {
      unlock(fd);
    }
  } finally {
    fs.closeSync(fd); // nothing was written: it cannot have to wait for the disk
  }
}

/** The log, opened for its lock; undefined for a run that has none. */
async function openLog(places: RunPlaces, runs: Folder): Promise<number | undefined> {
  try {
    return (await openInside(places, constants.O_RDONLY, undefined, runs)).fd;
  } catch (error) {
    if (error instanceof EventLogError && error.code === 'ERR_RUN_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Whether nobody has the run open. */
async function isUnused(places: RunPlaces, runs: Folder, { orphans }: PruneOptions): Promise<boolean> {
  const live = await isLive(places, runs);
  if (live === undefined && orphans) {
    const what = 'nobody can know here who has a run open, so none that has not ended is pruned';
    throw new EventLogError('ERR_LOCK_UNSUPPORTED', what, { path: places.log });
  }
  return live !== true;
}

function fits(
  { outline, changedAt }: FoundRun,
  { olderThan = 0, orphans = false, status }: PruneOptions,
): boolean {
  const now = nowMs();
  // A clock that was ahead once does not keep a run for ever: then the file system's word counts.
  const said = Date.parse(outline.lastTs ?? '');
  const last = said <= now ? Math.max(said, changedAt) : changedAt;
  if (now - last < olderThan) return false;
  if (outline.status === 'running') return orphans && outline.orphan && status === undefined;
  return status === undefined || outline.status === status;
}
