/**
 * Listing the runs of a stream: one summary for each, from its first segment and its last.
 *
 * Promises: runs come in the order of their ULIDs, as in a listing of a volume. A run whose segments cannot be read is a
 * summary with a `problem`. Requests in flight are bounded; the names of all runs are held, and nothing else of them.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import { decodeOrSkip } from '../../format/decode.js';
import { omneEvents } from '../../format/events.js';
import { LF } from '../../format/lines.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { checkOptions, type OptionCheck } from '../../options.js';
import { RUNS_OPTIONS, type RunsOptions } from '../../run/list-runs.js';
import { listing } from '../../run/listing.js';
import { RunStateReducer } from '../../run/run-state-reducer.js';
import type { RunSummary } from '../../run/run-summary.js';
import { compareRunIds, parseRunId } from '../../volume/run-id.js';
import { checkConnection, isStreamName } from '../options.js';
import type { Segment } from '../segment.js';
import { DEFAULT_STREAM, runOf, SUBJECT_PREFIX } from '../subjects.js';
import { vocabularyOf } from './remote-vocabulary.js';
import { type Remote, remoteError, remoteOf, StoredRun } from './stored-run.js';

/** What is known of a run from its segments without reading them all. `eventCount` is that of the events kept. */
export type RemoteRunSummary = Pick<
  RunSummary,
  | 'runId'
  | 'pipe'
  | 'status'
  | 'reason'
  | 'startedAt'
  | 'lastTs'
  | 'durationMs'
  | 'eventCount'
  | 'bytes'
  | 'problem'
>;

/** Which runs to list, and of which stream. */
export interface RemoteRunsOptions extends Omit<RunsOptions, 'counts' | 'maxLineBytes'> {
  /** The stream that holds the runs; `omne-runs` by default. */
  stream?: string | undefined;
}

const { counts: _counts, maxLineBytes: _maxLineBytes, ...WHICH_RUNS } = RUNS_OPTIONS;

const REMOTE_RUNS_OPTIONS: Readonly<Record<keyof RemoteRunsOptions, OptionCheck>> = {
  ...WHICH_RUNS,
  stream: isStreamName,
};

/** How many runs are asked for at once, two requests each. */
const CONCURRENT_RUNS = 16;

/**
 * Summaries of the runs of a stream, oldest first; see `RemoteRunSummary`.
 *
 * @throws EventLogError while iterating: `ERR_STREAM_NOT_FOUND`, `ERR_REMOTE_FAILED`.
 * @example
 * for await (const run of remoteRuns(connection, { status: 'running' })) console.log(run.runId, run.lastTs);
 */
export function remoteRuns(
  connection: NatsConnection,
  options: RemoteRunsOptions = {},
): AsyncGenerator<RemoteRunSummary, undefined> {
  checkConnection(connection);
  checkOptions(options, REMOTE_RUNS_OPTIONS);
  return summaries(connection, { ...options });
}

async function* summaries(
  connection: NatsConnection,
  options: RemoteRunsOptions,
): AsyncGenerator<RemoteRunSummary, undefined> {
  const { events, pipe, reverse = false, signal } = options;
  const remote = await remoteOf(connection, options.stream ?? DEFAULT_STREAM);
  signal?.throwIfAborted();
  const runIds = (await runIdsOf(remote)).filter(
    runId => pipe === undefined || parseRunId(runId).pipe === pipe,
  );
  if (reverse) runIds.reverse();
  const look = (runId: string) => summarize(new StoredRun(remote, runId), events);
  return yield* listing(runIds, options, CONCURRENT_RUNS, look);
}

/** The ids of all runs of a stream, oldest first. */
export async function remoteRunIds(
  connection: NatsConnection,
  { stream = DEFAULT_STREAM }: { stream?: string },
): Promise<string[]> {
  return runIdsOf(await remoteOf(connection, stream));
}

async function runIdsOf(remote: Remote): Promise<string[]> {
  try {
    const { state } = await remote.manager.streams.info(remote.stream, {
      subjects_filter: `${SUBJECT_PREFIX}>`,
      deleted_details: false,
      offset: 0,
    });
    const runIds = Object.keys(state.subjects ?? {}).map(runOf);
    return runIds.filter(runId => runId !== undefined).sort(compareRunIds);
  } catch (error) {
    throw remoteError(error, remote);
  }
}

/** The summary of one run; undefined where nothing of it is kept any more. */
async function summarize(
  run: StoredRun,
  events: Vocabulary | undefined,
): Promise<RemoteRunSummary | undefined> {
  const { runId } = run;
  let reducer = new RunStateReducer(events === undefined ? {} : { events });
  let problem: string | undefined;
  let ends: readonly [Segment, Segment] | undefined;
  try {
    const [first, last] = await Promise.all([run.next(1), run.last()]);
    if (first === undefined || last === undefined) return undefined;
    ends = [first, last];
    problem = applyEnds(reducer, first, last, events ?? omneEvents);
    if (problem !== undefined && events === undefined) {
      const carried = await vocabularyOf(run); // most runs have none, and need not be asked for it
      reducer = new RunStateReducer({ events: carried });
      problem = applyEnds(reducer, first, last, carried);
    }
  } catch (error) {
    if (!isProblem(error)) throw error;
    problem = error.message;
  }
  const { status, reason, startedAt, lastTs, durationMs } = reducer.state;
  return {
    runId,
    pipe: parseRunId(runId).pipe,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(lastTs === undefined ? {} : { lastTs }),
    ...(durationMs === undefined ? {} : { durationMs }),
    eventCount: ends === undefined ? 0 : ends[1].total - ends[0].total + ends[0].events,
    bytes: ends?.[1].end ?? 0,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Takes in the first line and the last; what is wrong with them, if anything. */
function applyEnds(
  reducer: RunStateReducer,
  first: Segment,
  last: Segment,
  events: Vocabulary,
): string | undefined {
  const firstLine = first.bytes.subarray(0, first.bytes.indexOf(LF));
  const lastLine = last.bytes.subarray(last.bytes.lastIndexOf(LF, -2) + 1, -1);
  const areOne = first.sequence === last.sequence && firstLine.length + 1 === first.bytes.length;
  let problem: string | undefined;
  for (const line of areOne ? [firstLine] : [firstLine, lastLine]) {
    const event = decodeOrSkip(line, events);
    if (event !== undefined) reducer.apply(event);
    else problem ??= `the ${line === firstLine ? 'first' : 'last'} line kept is no event`;
  }
  return problem;
}

const PROBLEMS: readonly string[] = ['ERR_LOG_CORRUPT', 'ERR_STREAM_UNSUITABLE', 'ERR_VOCABULARY_INVALID'];

/** What is wrong with one run, not with the server or the way to it. */
function isProblem(error: unknown): error is EventLogError {
  return error instanceof EventLogError && PROBLEMS.includes(error.code);
}
