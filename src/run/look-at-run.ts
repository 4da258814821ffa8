/**
 * One run of a listing, from its log: its two ends, or all of it.
 *
 * Promises: a damaged, missing or unreadable log is a row with a `problem`. A run that is being made has none, whichever of its parts are
 * there. What is not a run gives no row.
 */
import { basename } from 'node:path';
import { EventLogError, isOutOfDescriptors } from '../errors.js';
import { endOfLastLine } from '../format/lines.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { EventFilter } from '../read/event-filter.js';
import { LogScanner } from '../read/log-scanner.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { endsRunAt } from '../read/start-position.js';
import type { Folder } from '../volume/folder.js';
import { isKnownLive } from '../volume/liveness.js';
import { isFresh, isOrphan, ORPHAN_AFTER_MS } from '../volume/orphan.js';
import type { RunPlaces } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import { runFolderOf } from '../volume/run-folders.js';
import { parseRunId } from '../volume/run-id.js';
import { foldEnds } from './run-ends.js';
import type { RunState } from './run-state.js';
import { RunStateReducer } from './run-state-reducer.js';
import type { RunOutline } from './run-summary.js';

/** How a run is looked at. */
export interface LookOptions {
  /** Only where it was left: not ended, no writer holds it, and nothing was written for a minute. */
  readonly abandoned?: boolean | undefined;
  /** The vocabulary of the run; by default that which it carries. */
  readonly events?: Vocabulary | undefined;
  /** The longest line accepted, in bytes. */
  readonly maxLineBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One run without counts, and when its log changed last, in milliseconds since the epoch. */
export interface FoundRun {
  readonly outline: RunOutline;
  readonly changedAt: number;
}

/** A run with all that its events say. */
export interface FoldedRun extends RunOutline {
  readonly state: RunState;
}

/** Looks at the two ends of one log; undefined where a file, or nothing any more, has the name of the run. */
export async function outlineOf(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<FoundRun | undefined> {
  return lookAt(places, folder, options, (log, reducer, events) =>
    foldEnds(log, reducer, events, options.maxLineBytes),
  );
}

/** Folds the whole log of one run; undefined where a file, or nothing any more, has the name of the run. */
export async function foldedRunOf(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
): Promise<FoldedRun | undefined> {
  const looked = await lookAt(places, folder, options, (log, reducer, events) =>
    foldAll(log, reducer, events, options),
  );
  return looked === undefined ? undefined : { ...looked.outline, state: looked.state };
}

/** Folds a log as a whole; returns what is wrong with a line of it. */
async function foldAll(
  log: ReadableLog,
  reducer: RunStateReducer,
  events: Vocabulary,
  { signal, maxLineBytes }: LookOptions,
): Promise<string | undefined> {
  let problem: string | undefined;
  const onMalformed = (error: Error) => {
    problem ??= error.message;
  };
  const scanner = new LogScanner(log, 0, new EventFilter({ events }), { events, onMalformed, maxLineBytes });
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

/** What the log of a run gave, as far as it could be read. */
interface Reading {
  readonly state: RunState;
  readonly problem: string | undefined;
  readonly bytes: number;
  readonly changedAt: number;
}

type Fold = (log: ReadableLog, reducer: RunStateReducer, events: Vocabulary) => Promise<string | undefined>;

/** Looks at one run and folds of its log what is wanted; undefined where it is none, or none that is wanted. */
async function lookAt(
  places: RunPlaces,
  folder: Folder,
  options: LookOptions,
  fold: Fold,
): Promise<(FoundRun & { state: RunState }) | undefined> {
  const reading = await readLog(places, folder, options, fold);
  if (reading === undefined) return undefined;
  const { state, problem, bytes, changedAt } = reading;
  const { status, reason, startedAt, lastTs, durationMs } = state;
  const held = status === 'running' ? await isKnownLive(places, folder) : false;
  const runId = basename(places.folder);
  const outline: RunOutline = {
    runId,
    pipe: parseRunId(runId).pipe,
    status,
    ...(reason === undefined ? {} : { reason }),
    live: held === true,
    orphan: status === 'running' && held === false && !isFresh(changedAt),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(lastTs === undefined ? {} : { lastTs }),
    ...(durationMs === undefined ? {} : { durationMs }),
    bytes,
    ...(problem === undefined ? {} : { problem }),
  };
  return options.abandoned && !outline.orphan ? undefined : { state, outline, changedAt };
}

/** Undefined where a file, or nothing any more, has the name of the run, and for one that was not left where such are wanted. */
async function readLog(
  places: RunPlaces,
  folder: Folder,
  { abandoned = false, events: given, maxLineBytes }: LookOptions,
  fold: Fold,
): Promise<Reading | undefined> {
  let reducer = new RunStateReducer();
  let problem: string | undefined;
  let bytes = 0;
  let changedAt = 0;
  try {
    const log = await openForReading(places, folder);
    try {
      const events = given ?? (await runVocabulary(places, folder));
      reducer = new RunStateReducer({ events });
      if (abandoned && !(await wasLeft(log, places, folder, { events, maxLineBytes }))) return undefined;
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
  return { state: reducer.state, problem, bytes, changedAt };
}

/** Whether the run of a log was left, from the cheapest answer to the dearest; none takes longer for a larger log. */
async function wasLeft(
  log: ReadableLog,
  places: RunPlaces,
  folder: Folder,
  options: Pick<LookOptions, 'events' | 'maxLineBytes'>,
): Promise<boolean> {
  const { size, mtimeMs } = log.stat();
  if (!(await isOrphan(places, mtimeMs, ORPHAN_AFTER_MS, folder))) return false;
  return !(await endsRunAt(log, await endOfLastLine(log.read, 0, size), options));
}
