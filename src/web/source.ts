/**
 * Where the server of the live page finds runs: in a volume, or on a NATS server.
 *
 * Promise: both answer alike, so that the rest of the server knows neither files nor subjects. Output files are not mirrored: a
 * NATS source has none.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError } from '../errors.js';
import {
  EventLog,
  type EventStream,
  type MalformedLineError,
  type ReadOptions,
  type Vocabulary,
} from '../index.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { outlineRun } from '../run/list-runs.js';
import { NodeOutput } from '../run/output/node-output.js';
import { absoluteRoot, placesOf } from '../volume/places.js';
import type { RunRow, SourceFacts } from './api.js';
import { pollRuns, type RowListener, watchRuns } from './source-rows.js';

/** How a run is followed. */
export interface FollowOptions {
  /** What its events are. */
  readonly events: Vocabulary;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called with each malformed line, which is passed over. */
  readonly onMalformed: (error: MalformedLineError) => void;
}

/** What the server reads from; see `volumeRuns` and `mirroredRuns`. */
export interface RunServerSource {
  /** What it is, for people. */
  readonly facts: SourceFacts;
  /** What the events of a run are: the vocabulary that it carries. */
  vocabulary(runId: string): Promise<Vocabulary>;
  /** Events of a run, from disk or a copy. */
  read(runId: string, options: ReadOptions<string, Vocabulary>): EventStream<string, Vocabulary>;
  /** The same, and then what is appended, until the run ends. */
  tail(
    runId: string,
    options: FollowOptions,
  ): EventStream<string, Vocabulary> & { readonly caughtUp: Promise<void> };
  /** Reports all runs, and then what becomes of them, until the signal is aborted; rejects when they cannot be listed. */
  watch(listener: RowListener, signal: AbortSignal): Promise<void>;
  /** The row of a run as it is now; undefined where that takes a reading of the run. */
  row(runId: string): Promise<RunRow | undefined>;
  /** Opens the output of a node. */
  output(runId: string, nodeId: string): Promise<NodeOutput>;
}

/**
 * The runs of a volume, for `createRunServer`.
 *
 * @param options - `maxLineBytes`: the longest line accepted, in bytes; 16 MiB by default.
 * @example
 * const server = await createRunServer(volumeRuns('.'));
 */
export function volumeRuns(
  root: string,
  { maxLineBytes }: { maxLineBytes?: number | undefined } = {},
): RunServerSource {
  const folder = absoluteRoot(root);
  return {
    facts: { kind: 'volume', name: folder, outputs: true },
    vocabulary: async runId => runVocabulary(placesOf(folder, runId)),
    read: (runId, options) => EventLog.read(folder, runId, { ...options, maxLineBytes }),
    tail: (runId, options) => EventLog.tail(folder, runId, { ...options, maxLineBytes, appearTimeout: 0 }),
    watch: (listener, signal) => watchRuns(folder, listener, signal),
    row: runId => outlineRun(folder, runId, { maxLineBytes }),
    output: (runId, nodeId) => NodeOutput.open(folder, runId, nodeId),
  };
}

/**
 * The copies of runs on a NATS server, for `createRunServer`.
 *
 * @param connection - of `@nats-io/transport-node`; it stays yours, and open.
 * @param options - `stream`: the stream that holds the runs; `omne-runs` by default. `maxLineBytes` as for `volumeRuns`.
 * @example
 * const server = await createRunServer(await mirroredRuns(connection));
 */
export async function mirroredRuns(
  connection: NatsConnection,
  {
    stream = 'omne-runs',
    maxLineBytes,
  }: { stream?: string | undefined; maxLineBytes?: number | undefined } = {},
): Promise<RunServerSource> {
  const { readRemote, tailRemote, remoteRuns } = await import('../jetstream.js');
  const { remoteVocabulary } = await import('../jetstream/fetch/remote-vocabulary.js');
  return {
    facts: { kind: 'nats', name: stream, outputs: false },
    vocabulary: runId => remoteVocabulary(connection, runId, { stream }),
    read: (runId, options) => readRemote(connection, runId, { ...options, maxLineBytes, stream }),
    tail: (runId, options) =>
      tailRemote(connection, runId, { ...options, maxLineBytes, stream, appearTimeout: 0 }),
    watch: (listener, signal) => pollRuns(() => remoteRuns(connection, { stream, signal }), listener, signal),
    row: async () => undefined,
    output: async (runId, nodeId) => {
      const what = `output files are not mirrored: that of node ${JSON.stringify(nodeId)} of ${runId} is on the machine that ran it`;
      throw new EventLogError('ERR_CAPTURE_NOT_FOUND', what);
    },
  };
}
