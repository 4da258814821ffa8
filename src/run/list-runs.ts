/**
 * Listing the runs of a volume: one summary for each, from the log alone.
 *
 * Promises: runs come in the order of their ULIDs, which is the order they were allocated in. A damaged, missing or
 * unreadable log is a summary with a `problem`, never an end of the listing; what is no run is passed over. A run that is being made
 * has no problem, whichever of its parts are there. Memory and descriptors stay bounded, however many runs there are.
 */
import { basename } from 'node:path';
import { EventLogError, errnoOf, isOutOfDescriptors, systemError } from '../errors.js';
import { endOfLastLine } from '../format/lines.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { checkOptions, isBoolean, isInteger, isSignal, isText, type OptionCheck, oneOf } from '../options.js';
import { EventFilter } from '../read/event-filter.js';
import { LogScanner } from '../read/log-scanner.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { endsRunAt } from '../read/start-position.js';
import { nowMs } from '../real-time.js';
import { enter, type Folder, RUNS } from '../volume/folder.js';
import { isKnownLive } from '../volume/liveness.js';
import { isFresh, isOrphan, ORPHAN_AFTER_MS } from '../volume/orphan.js';
import { placesOf, type RunPlaces, runsFolder } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import { runFolderOf, runIdsOf } from '../volume/run-folders.js';
import { parseRunId } from '../volume/run-id.js';
import { foldEnds } from './run-ends.js';
import type { RunState } from './run-state.js';
import { RunStateReducer } from './run-state-reducer.js';

/** A run in a listing without counts. Times are the `ts` of events: RFC 3339, UTC, with milliseconds. */
export interface RunOutline {
  /** `<pipe>-<ulid>`, the name of the run's folder. */
  readonly runId: string;
  /** The pipe, from the run id. */
  readonly pipe: string;
  /** `running` as long as the log holds no terminal event, also when the writer died. */
  readonly status: RunState['status'];
  /** Why the run was aborted; absent unless it was. */
  readonly reason?: string;
  /** Not ended, and a writer holds the log open. Always false where nobody can know (no byte locks). */
  readonly live: boolean;
  /** Not ended, surely no writer holds it, and nothing was written for a minute. */
  readonly orphan: boolean;
  /** When the pipe started; absent where the log does not say. */
  readonly startedAt?: string;
  /** When the last event happened; absent where there is none. */
  readonly lastTs?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** The size of the log in bytes; no position to read from: a line that is being written counts. `reader.position` is one. */
  readonly bytes: number;
  /** What is wrong with the log; the other figures are then of what could be read. Absent where nothing is, as of a run that is being made. */
  readonly problem?: string;
}

/** A run in a listing, with what a reading of its whole log counts. */
export interface RunSummary extends RunOutline {
  /** How many nodes the events name. */
  readonly nodeCount: number;
  /** How many of them completed at their latest attempt. */
  readonly completedCount: number;
  /** How many of them failed at their latest attempt. */
  readonly failedCount: number;
  /** How many events the log holds. */
  readonly eventCount: number;
}

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
    ? listed(root, { ...options }, outline)
    : listed(root, { ...options }, summarize);
}

/** What makes a row of a run; undefined where a file, or nothing any more, has the name of a run. */
type Look<Row> = (places: RunPlaces, folder: Folder, options: LookOptions) => Promise<Row | undefined>;
type LookOptions = Pick<RunsOptions, 'abandoned' | 'events' | 'signal'>;

async function* listed<Row extends RunOutline>(
  root: string,
  options: Omit<RunsOptions, 'counts'>,
  look: Look<Row>,
  since: number = Number.NEGATIVE_INFINITY,
): AsyncGenerator<Row, undefined> {
  const { pipe, reverse = false, status, limit = Number.POSITIVE_INFINITY, signal } = options;
  const all = await runIdsOf(root);
  const runIds = all.filter(runId => {
    const facts = parseRunId(runId);
    return (pipe === undefined || facts.pipe === pipe) && facts.createdAt.getTime() >= since;
  });
  if (reverse) runIds.reverse();
  if (runIds.length === 0) return undefined;
  const underway: Promise<Row | undefined>[] = [];
  let next = 0;
  let listed = 0;
  const folder = enterRuns(root); // held, so that each run takes one step from here, not four
  if (folder === undefined) return undefined;
  try {
    while (listed < limit) {
      signal?.throwIfAborted();
      while (underway.length < CONCURRENT_READS && next < runIds.length) {
        const summary = look(placesOf(root, runIds[next++] ?? ''), folder, options);
        summary.catch(() => undefined); // reported when its turn comes
        underway.push(summary);
      }
      if (underway.length === 0) return undefined;
      const summary = await underway.shift();
      signal?.throwIfAborted();
      if (summary === undefined || (status !== undefined && summary.status !== status)) continue;
      listed++;
      yield summary;
    }
  } finally {
    await Promise.allSettled(underway); // leave no file open
    folder.close();
  }
  return undefined;
}

/** A row with all counts. */
async function summarize(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<RunSummary | undefined> {
  const looked = await lookAt(places, folder, options, (log, reducer, events) =>
    foldAll(log, reducer, events, options.signal),
  );
  if (looked === undefined) return undefined;
  const { nodes, eventCount } = looked.state;
  const { bytes, problem, ...facts } = looked.outline;
  const count = (wanted: string) => nodes.filter(node => node.status === wanted).length;
  return {
    ...facts,
    nodeCount: nodes.length,
    completedCount: count('completed'),
    failedCount: count('failed'),
    eventCount,
    bytes,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** A run with all that its events say. */
export interface FoldedRun extends RunOutline {
  readonly state: RunState;
}

/** Folds the runs of a volume that were allocated at `since` or later (milliseconds since the epoch); oldest first. */
export function foldedRuns(
  root: string,
  options: Omit<RunsOptions, 'counts'>,
  since?: number,
): AsyncGenerator<FoldedRun, undefined> {
  return listed(root, options, foldedRow, since);
}

async function foldedRow(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<FoldedRun | undefined> {
  const looked = await lookAt(places, folder, options, (log, reducer, events) =>
    foldAll(log, reducer, events, options.signal),
  );
  return looked === undefined ? undefined : { ...looked.outline, state: looked.state };
}

/** A row without. */
async function outline(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<RunOutline | undefined> {
  return (await outlineOf(places, folder, options))?.outline;
}

/** One run without counts, and when its log changed last, in milliseconds since the epoch. */
export interface FoundRun {
  readonly outline: RunOutline;
  readonly changedAt: number;
}

/** Looks at the two ends of one log; undefined where a file, or nothing any more, has the name of the run. */
export async function outlineOf(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<FoundRun | undefined> {
  return lookAt(places, folder, options, foldEnds);
}

/** The row of one run without counts; undefined where there is no such run. */
export async function outlineRun(root: string, runId: string): Promise<RunOutline | undefined> {
  const folder = enterRuns(root);
  if (folder === undefined) return undefined;
  try {
    return await outline(placesOf(root, runId), folder, {});
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

/** Folds a log as a whole; returns what is wrong with a line of it. */
async function foldAll(
  log: ReadableLog,
  reducer: RunStateReducer,
  events: Vocabulary,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let problem: string | undefined;
  const onMalformed = (error: Error) => {
    problem ??= error.message;
  };
  const scanner = new LogScanner(log, 0, new EventFilter({ events }), { events, onMalformed });
  try {
    for (let batch = await scanner.next(); batch !== undefined; batch = await scanner.next()) {
      signal?.throwIfAborted();
      for (const event of batch.events) reducer.apply(event);
    }
  } finally {
    await scanner.letGo();
  }
  return problem;
}

/**
 * Looks at one run and folds of its log what is wanted; undefined where a file, or nothing any more, has the name of a run, and for a
 * run that was not left where such are wanted.
 */
async function lookAt(
  places: RunPlaces,
  folder: Folder,
  { abandoned = false, events: given }: LookOptions,
  fold: (log: ReadableLog, reducer: RunStateReducer, events: Vocabulary) => Promise<string | undefined>,
): Promise<(FoundRun & { state: RunState }) | undefined> {
  let reducer = new RunStateReducer();
  let problem: string | undefined;
  let bytes = 0;
  let changedAt = 0;
  try {
    const log = await openForReading(places, folder);
    try {
      const events = given ?? (await runVocabulary(places, folder));
      reducer = new RunStateReducer({ events });
      if (abandoned && !(await wasLeft(log, places, folder, events))) return undefined;
      problem = await fold(log, reducer, events);
      const now = problem === undefined ? events : (given ?? (await runVocabulary(places, folder)));
      if (now !== events) {
        reducer = new RunStateReducer({ events: now }); // its writer has added to it meanwhile
        problem = await fold(log, reducer, now);
      }
      if (problem !== undefined && (await runFolderOf(places)) === undefined) return undefined; // deleted while it was looked at
    } finally {
      ({ size: bytes, mtimeMs: changedAt } = log.stat());
      await log.close();
    }
  } catch (error) {
    if (!(error instanceof EventLogError) || isOutOfDescriptors(error)) throw error;
    const stat = await runFolderOf(places);
    if (stat === undefined) return undefined;
    if (changedAt === 0) changedAt = stat.mtimeMs;
    const isBeingMade = error.code === 'ERR_RUN_NOT_FOUND' && isFresh(stat.mtimeMs);
    if (!isBeingMade) problem = error.message;
  }
  const { state } = reducer;
  const { status, reason, startedAt, lastTs, durationMs } = state;
  const held = status === 'running' ? await isKnownLive(places, folder) : false;
  const runId = basename(places.folder);
  const row: RunOutline = {
    runId,
    pipe: parseRunId(runId).pipe,
    status,
    ...(reason === undefined ? {} : { reason }),
    live: held === true,
    orphan: status === 'running' && held === false && nowMs() - changedAt > ORPHAN_AFTER_MS,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(lastTs === undefined ? {} : { lastTs }),
    ...(durationMs === undefined ? {} : { durationMs }),
    bytes,
    ...(problem === undefined ? {} : { problem }),
  };
  return abandoned && !row.orphan ? undefined : { state, outline: row, changedAt };
}

/** Whether the run of a log was left, from the cheapest answer to the dearest; none takes longer for a larger log. */
async function wasLeft(
  log: ReadableLog,
  places: RunPlaces,
  folder: Folder,
  events: Vocabulary | undefined,
): Promise<boolean> {
  const { size, mtimeMs } = log.stat();
  if (!(await isOrphan(places, mtimeMs, ORPHAN_AFTER_MS, folder))) return false;
  return !(await endsRunAt(log, await endOfLastLine(log.read, 0, size), { events }));
}
