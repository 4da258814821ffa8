/**
 * Pruning a volume: old runs go, each as a whole.
 *
 *     candidate -> lock its log -> nobody holds it, it ended, it is old -> rename it away -> unlock
 *     -> ... all of them -> sync the renames -> remove
 *
 * Promises: a run that somebody has open is never pruned, also not in the moment in which it is opened: the decision is made
 * under the lock that every writer takes before it begins. One that has not ended goes only with `orphans`. A run is renamed
 * out of the listing before anything in it is removed, so whatever kills the process or the power, no half run is ever listed; the
 * next prune removes what was left. Nothing outside `.omne` is touched.
 */
import { EventLogError, systemError } from '../errors.js';
import { isVocabulary } from '../format/vocabulary.js';
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
import { absoluteRoot, placesOf } from '../volume/places.js';
import { movedAway, removeMovedAway, syncMoves } from '../volume/pruned-runs.js';
import { runIdsOf } from '../volume/run-folders.js';
import { parseRunId } from '../volume/run-id.js';
import { type PrunedRun, type PruneOptions, takeAway } from './prune-run.js';

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
  const failures: PruneFailure[] = [];
  /** Does something to a run; a failure is noted, and the others go on. */
  const attempt = async <Result>(runId: string, work: () => Result): Promise<Awaited<Result> | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof EventLogError && error.code === 'ERR_LOCK_UNSUPPORTED') throw error;
      const { folder } = placesOf(volume, runId);
      failures.push({ runId, error: systemError('the run could not be removed', folder, error) });
      return undefined;
    }
  };

  const left = options.dryRun ? [] : movedAway(volume); // by earlier prunes
  const going: PrunedRun[] = [];
  for (const runId of candidates(all, options)) {
    if (options.signal?.aborted) break;
    const run = await attempt(runId, () => takeAway(placesOf(volume, runId), options));
    if (run !== undefined) going.push(run);
  }
  const remove = (runId: string) => attempt(runId, () => removeMovedAway(volume, runId));
  if (!options.dryRun && left.length + going.length > 0) await syncMoves(volume);
  let bytes = 0;
  for (const name of left) bytes += (await remove(name)) ?? 0;
  const runs: PrunedRun[] = [];
  for (const run of going) {
    if (!options.dryRun && (await remove(run.runId)) === undefined) continue;
    runs.push(run);
    bytes += run.bytes;
  }
  options.signal?.throwIfAborted();
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
