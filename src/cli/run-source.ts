/**
 * Where a command finds its runs: in a volume, or on a NATS server.
 *
 * Promise: both answer alike, so that a command is written once; closing gives back a connection.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type {
  EventStream,
  OutlinesOptions,
  ReadOptions,
  RunOutline,
  RunSummary,
  RunsOptions,
  TailOptions,
  Vocabulary,
} from '../index.js';
import { isStreamName } from '../jetstream/options.js';
import { DEFAULT_STREAM } from '../jetstream/subjects.js';
import type { RemoteRunSummary } from '../jetstream.js';
import { EventReader } from '../read/event-reader.js';
import { EventTail } from '../read/event-tail.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { listRuns } from '../run/list-runs.js';
import { isKnownLive } from '../volume/liveness.js';
import { absoluteRoot, placesOf } from '../volume/places.js';
import { UsageError } from './command.js';
import { connectTo, loadJetStream, type NatsValues } from './nats.js';
import { pickRun, whichRoot, whichRun } from './pick-run.js';

type FollowOptions = { readonly signal: AbortSignal } & Pick<
  TailOptions<string, Vocabulary>,
  'events' | 'maxLineBytes' | 'onOrphan' | 'orphanAfter'
>;

/** The runs of a volume or of a stream. */
export interface RunSource extends AsyncDisposable {
  /** The run that is meant by a run id, the beginning of one, or `last`. */
  which(given: string): Promise<string>;
  /** What the events of a run are. */
  vocabulary(runId: string): Promise<Vocabulary>;
  read(runId: string, options: ReadOptions<string, Vocabulary>): EventStream<string, Vocabulary>;
  /** `orphaned` is absent where nobody can know who writes. */
  tail(
    runId: string,
    options: FollowOptions,
  ): EventStream<string, Vocabulary> & { readonly caughtUp: Promise<void>; readonly orphaned?: boolean };
  /** Without counts a volume gives outlines; a stream knows how many events there are in either case. */
  runs(options: RunsOptions | OutlinesOptions): AsyncIterable<RunOutline | RunSummary | RemoteRunSummary>;
  /** What is known of who writes a run that has not ended. */
  writerOf(runId: string): Promise<string>;
}

/** The source that the options name. */
export async function openSource(
  values: NatsValues & { readonly root?: string | undefined },
): Promise<RunSource> {
  const { root, nats, creds, stream } = values;
  if (nats === undefined) {
    if (creds !== undefined || stream !== undefined)
      throw new UsageError('--creds and --stream go with --nats');
    return volumeSource(await whichRoot(root));
  }
  if (root !== undefined) throw new UsageError('either --root or --nats');
  checkStream(stream);
  return remoteSource(await connectTo(nats, creds), stream === undefined ? {} : { stream });
}

/** A mistake in the name of the stream is one in the command line, reported before a server is asked. */
export function checkStream(stream: string | undefined): void {
  const wanted = stream === undefined ? undefined : isStreamName(stream);
  if (wanted !== undefined) throw new UsageError(`--stream must be ${wanted}`);
}

/** The runs of a volume. */
export function volumeSource(root: string): RunSource {
  return {
    which: given => whichRun(root, given),
    vocabulary: runId => runVocabulary(placesOf(root, runId)),
    read: (runId, options) => new EventReader(placesOf(root, runId), options),
    tail: (runId, options) => new EventTail(placesOf(root, runId), options),
    runs: options => listRuns(absoluteRoot(root), options),
    writerOf: async runId => {
      const live = await isKnownLive(placesOf(root, runId));
      if (live === undefined) return 'not ended';
      return live ? 'LIVE: a writer holds it open' : 'but no writer holds it open';
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function remoteSource(connection: NatsConnection, where: { stream?: string }): Promise<RunSource> {
  const { readRemote, tailRemote, remoteRuns } = await loadJetStream();
  const { remoteRunIds } = await import('../jetstream/fetch/remote-runs.js');
  const { remoteVocabulary } = await import('../jetstream/fetch/remote-vocabulary.js');
  return {
    which: given =>
      pickRun(given, `nats://${where.stream ?? DEFAULT_STREAM}`, async () =>
        (await remoteRunIds(connection, where)).reverse(),
      ),
    vocabulary: runId => remoteVocabulary(connection, runId, where),
    read: (runId, options) => readRemote(connection, runId, { ...options, ...where }),
    tail: (runId, { events, signal, maxLineBytes }) =>
      tailRemote(connection, runId, { events, signal, maxLineBytes, ...where }),
    runs: ({ counts: _counts, maxLineBytes: _maxLineBytes, ...options }) =>
      remoteRuns(connection, { ...options, ...where }), // it reads two ends, which the server has bounded
    writerOf: async () => 'as far as it is mirrored',
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
