/**
 * Listing the runs of a volume: one summary for each, from the log alone.
 *
 *     run ids -> look-at-run, several at once -> rows in order
 *
 * Promises: runs come in the order of their ULIDs, which is the order they were allocated in. A run with damage is a row, never an
 * end of the listing; what is not a run is passed over. Memory and descriptors stay bounded, however many runs there are.
 */
import { errnoOf, systemError } from '../errors.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { checkOptions, isBoolean, isInteger, isSignal, isText, type OptionCheck, oneOf } from '../options.js';
import { enter, type Folder, RUNS } from '../volume/folder.js';
import { placesOf, type RunPlaces, runsFolder } from '../volume/places.js';
import { runIdsOf } from '../volume/run-folders.js';
import { parseRunId } from '../volume/run-id.js';
import { listing } from './listing.js';
import { type FoldedRun, foldedRunOf, type LookOptions, outlineOf } from './look-at-run.js';
import type { RunState } from './run-state.js';
import type { RunOutline, RunSummary } from './run-summary.js';

/** Which runs to list. */
export interface RunsOptions {
  /** Only runs of this pipe; of every pipe by default. */
  pipe?: string | undefined;
  /** Only runs with this status; with any by default. */
  status?: RunState['status'] | undefined;
  /**
   * True: only runs that were left: not ended, no writer holds them, and nothing was written for a minute. The logs of others are
   * not read, but for their last line. By default all runs.
   */
  abandoned?: boolean | undefined;
  /** The vocabulary of the runs; by default that which each run carries. */
  events?: Vocabulary | undefined;
  /** Newest first; false by default: the oldest come first. */
  reverse?: boolean | undefined;
  /** At most so many; all by default. */
  limit?: number | undefined;
  /**
   * Read each log as a whole and count; true by default. For false see `OutlinesOptions`.
   */
  counts?: true | undefined;
  /** The longest line accepted, in bytes; 16 MiB by default. A run with a longer one has a `problem`. */
  maxLineBytes?: number | undefined;
  /** Ends the listing, which rejects with the signal's reason; by default nothing does. */
  signal?: AbortSignal | undefined;
}

/** Which runs to list without counts. */
export interface OutlinesOptions extends Omit<RunsOptions, 'counts'> {
  /**
   * False: only the first and the last event of each log are read, so that a listing takes no longer for larger logs. It has no
   * counts, and knows of no damage between the two. By default it counts.
   */
  counts: false;
}

/** What the options of a listing must be. */
export const RUNS_OPTIONS: Readonly<Record<keyof RunsOptions, OptionCheck>> = {
  pipe: isText,
  status: oneOf('running', 'completed', 'aborted'),
  abandoned: isBoolean,
  events: isVocabulary,
  reverse: isBoolean,
  limit: isInteger,
  counts: isBoolean,
  maxLineBytes: isInteger,
  signal: isSignal,
};

/** How many logs are read at once. */
const CONCURRENT_READS = 4;

/** Summaries of the runs of a volume; a volume without runs has none. */
export function listRuns(root: string, options: RunsOptions): AsyncGenerator<RunSummary, undefined>;
export function listRuns(
  root: string,
  options: RunsOptions | OutlinesOptions,
): AsyncGenerator<RunOutline, undefined>;
export function listRuns(
  root: string,
  options: RunsOptions | OutlinesOptions,
): AsyncGenerator<RunOutline, undefined> {
  checkOptions(options, RUNS_OPTIONS);
  return options.counts === false
    ? rows(root, { ...options }, outline)
    : rows(root, { ...options }, summarize);
}

/** Folds the runs of a volume that were allocated at `since` or later (milliseconds since the epoch); oldest first. */
export function foldedRuns(
  root: string,
  options: Omit<RunsOptions, 'counts'>,
  since?: number,
): AsyncGenerator<FoldedRun, undefined> {
  return rows(root, options, foldedRunOf, since);
}

/** The row of one run without counts; undefined where there is no such run. */
export async function outlineRun(
  root: string,
  runId: string,
  options: Pick<LookOptions, 'maxLineBytes'> = {},
): Promise<RunOutline | undefined> {
  const folder = enterRuns(root);
  if (folder === undefined) return undefined;
  try {
    return await outline(placesOf(root, runId), folder, options);
  } finally {
    folder.close();
  }
}

/** What makes a row of a run; undefined where a file, or nothing any more, has the name of a run. */
type Look<Row> = (places: RunPlaces, folder: Folder, options: LookOptions) => Promise<Row | undefined>;

async function* rows<Row extends RunOutline>(
  root: string,
  options: Omit<RunsOptions, 'counts'>,
  look: Look<Row>,
  since: number = Number.NEGATIVE_INFINITY,
): AsyncGenerator<Row, undefined> {
  const all = await runIdsOf(root);
  const runIds = all.filter(runId => {
    const { pipe, createdAt } = parseRunId(runId);
    return (options.pipe === undefined || options.pipe === pipe) && createdAt.getTime() >= since;
  });
  if (options.reverse) runIds.reverse();
  if (runIds.length === 0) return undefined;
  const folder = enterRuns(root); // held, so that each run takes one step from here, not four
  if (folder === undefined) return undefined;
  try {
    const lookAt = (runId: string) => look(placesOf(root, runId), folder, options);
    return yield* listing(runIds, options, CONCURRENT_READS, lookAt);
  } finally {
    folder.close();
  }
}

/** The folder of all runs; undefined where there is none, or none any more. */
function enterRuns(root: string): Folder | undefined {
  try {
    return enter(root, RUNS);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw systemError('the runs could not be listed', runsFolder(root), error);
  }
}

const outline: Look<RunOutline> = async (places, folder, options) =>
  (await outlineOf(places, folder, options))?.outline;

const summarize: Look<RunSummary> = async (places, folder, options) => {
  const run = await foldedRunOf(places, folder, options);
  if (run === undefined) return undefined;
  const { state, bytes, problem, ...facts } = run;
  const count = (wanted: string) => state.nodes.filter(node => node.status === wanted).length;
  return {
    ...facts,
    nodeCount: state.nodes.length,
    completedCount: count('completed'),
    failedCount: count('failed'),
    eventCount: state.eventCount,
    bytes,
    ...(problem === undefined ? {} : { problem }),
  };
};
