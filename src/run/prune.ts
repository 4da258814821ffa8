/**
 * Pruning a volume: old runs go, each as a whole.
 *
 *     candidate -> lock its log -> nobody holds it, it ended, it is old -> rename it away -> unlock -> remove
 *
 * Promises: a run that somebody has open is never pruned, also not in the moment in which it is opened: the decision is made
 * under the lock that every writer takes before it begins. One that has not ended goes only with `orphans`. A run is renamed
 * out of the listing before anything in it is removed, so whatever kills the process, no half run is ever listed; the next prune
 * removes what was left. Nothing outside `.omne` is touched.
 */
import fs, { constants } from 'node:fs';
import { basename } from 'node:path';
import { EventLogError, systemError } from '../errors.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import {
  checkOptions,
  isBoolean,
  isInteger,
  isSignal,
  isText,
  milliseconds,
  type OptionCheck,
  oneOf,
} from '../options.js';
import { nowMs } from '../real-time.js';
import { tryLock, unlock } from '../volume/flock.js';
import { enter, type Folder, RUNS } from '../volume/folder.js';
import { isLive } from '../volume/liveness.js';
import { openInside } from '../volume/open-log.js';
import { absoluteRoot, placesOf, type RunPlaces } from '../volume/places.js';
import { moveAway, removeMovedAway } from '../volume/pruned-runs.js';
import { bytesOfTree } from '../volume/remove-tree.js';
import { runIdsOf } from '../volume/run-folders.js';
import { parseRunId } from '../volume/run-id.js';
import { type FoundRun, outlineOf, type RunOutline } from './list-runs.js';

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

/** A run that should have gone and could not be removed. */
export interface PruneFailure {
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** Why. */
  readonly error: EventLogError;
}

/** What was pruned. */
export interface PruneReport {
  /** The runs that went, oldest first; with `dryRun` those that would go. */
  readonly runs: readonly PrunedRun[];
  /** How many bytes their files had, and what earlier prunes had left. */
  readonly bytes: number;
  /** How many runs stay. */
  readonly kept: number;
  /** The runs that could not be removed; empty where all could. */
  readonly failures: readonly PruneFailure[];
}

const PRUNE_OPTIONS: Readonly<Record<keyof PruneOptions, OptionCheck>> = {
  olderThan: milliseconds(0),
  keep: isInteger,
  pipe: isText,
  status: oneOf('completed', 'aborted'),
  orphans: isBoolean,
  dryRun: isBoolean,
  events: isVocabulary,
  signal: isSignal,
};

/** Removes old runs of a volume; see `EventLog.prune`. */
export async function pruneRuns(root: string, options: PruneOptions): Promise<PruneReport> {
  checkOptions(options, PRUNE_OPTIONS);
  if (options.olderThan === undefined && options.keep === undefined) {
    throw new TypeError('option olderThan or keep must say which runs go');
  }
  const volume = absoluteRoot(root);
  const all = await runIdsOf(volume);
  const runs: PrunedRun[] = [];
  const failures: PruneFailure[] = [];
  let bytes = options.dryRun ? 0 : removeMovedAway(volume);
  for (const runId of candidates(all, options)) {
    options.signal?.throwIfAborted();
    try {
      const pruned = await pruneRun(placesOf(volume, runId), options);
      if (pruned === undefined) continue;
      runs.push(pruned);
      bytes += pruned.bytes;
    } catch (error) {
      if (error instanceof EventLogError && error.code === 'ERR_LOCK_UNSUPPORTED') throw error;
      const { folder } = placesOf(volume, runId);
      failures.push({ runId, error: systemError('the run could not be removed', folder, error) });
    }
  }
  return { runs, bytes, kept: all.length - runs.length, failures };
}

/** The runs that may go as far as their ids show, oldest first. */
function candidates(all: readonly string[], { olderThan = 0, keep = 0, pipe }: PruneOptions): string[] {
  const newest = new Map<string, number>();
  const since = nowMs() - olderThan;
  const found: string[] = [];
  for (const runId of [...all].reverse()) {
    const facts = parseRunId(runId);
    const rank = newest.get(facts.pipe) ?? 0;
    newest.set(facts.pipe, rank + 1);
    const fits = pipe === undefined || facts.pipe === pipe;
    if (fits && rank >= keep && facts.createdAt.getTime() <= since) found.push(runId);
  }
  return found.reverse();
}

/** Prunes one run where it may go; undefined where it stays. */
async function pruneRun(places: RunPlaces, options: PruneOptions): Promise<PrunedRun | undefined> {
  const runs = enter(places.root, RUNS);
  const runId = basename(places.folder);
  try {
    const pruned = await underLock(places, runs, async () => {
      const run = await decide(places, runs, options);
      if (run !== undefined && !options.dryRun) moveAway(places.root, runs, runId);
      return run;
    });
    if (pruned !== undefined && !options.dryRun) removeMovedAway(places.root, runId);
    return pruned;
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
