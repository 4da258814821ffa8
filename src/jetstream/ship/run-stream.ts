/**
 * The stream that holds the runs: made when it is missing, used as it is when it would lose nothing.
 *
 * Promise: a stream that exists is never changed, and one that would drop, renumber or hide events is refused with
 * `ERR_STREAM_UNSUITABLE`.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import { checkOptions, integerFrom, isInteger, type OptionCheck } from '../../options.js';
import { isStreamName } from '../options.js';
import { hasNoResponders, insist, remoteFailed, STREAM_NOT_FOUND } from '../retry.js';
import { DEFAULT_STREAM, SUBJECT_PREFIX } from '../subjects.js';

/** The stream to ship to; all but the name count only when it is made. */
export interface StreamOptions {
  /** `omne-runs` by default. */
  name?: string | undefined;
  /** On how many servers of a cluster each event is kept; 1 by default. */
  replicas?: number | undefined;
  /** How long an event is kept, in milliseconds; 0, the default, is for ever. */
  maxAge?: number | undefined;
  /** How many bytes are kept, the oldest events going first; no limit by default. */
  maxBytes?: number | undefined;
}

/** A stream that was found fit, and the way to it. */
export interface RunStream {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly config: StreamConfig;
}

const ALL_RUNS = `${SUBJECT_PREFIX}>`;
const REQUEST_TIMEOUT_MS = 2000;
const PUBLISH_TIMEOUT_MS = 5000;

/** Finds or makes the stream; `subject` is what it must take, the subjects of all runs by default. */
export async function openStream(
  connection: NatsConnection,
  stream: string | StreamOptions | undefined,
  signal: AbortSignal | undefined,
  subject: string = ALL_RUNS,
): Promise<RunStream> {
  const options = typeof stream === 'string' ? { name: stream } : (stream ?? {});
  const { name = DEFAULT_STREAM } = options;
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
  const find = () => findOrMake(manager, { ...options, name });
  const { config } = await insist(`the stream ${name} could not be set up`, find, signal);
  const why = unsuitable(config, subject);
  if (why !== undefined) {
    throw new EventLogError('ERR_STREAM_UNSUITABLE', `the stream ${name} cannot hold the runs: ${why}`);
  }
  return { connection, client: jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS }), manager, config };
}

async function findOrMake(
  manager: JetStreamManager,
  options: StreamOptions & { name: string },
): Promise<StreamInfo> {
  try {
    return await manager.streams.info(options.name);
  } catch (error) {
    // Nobody answers at all: waiting would not switch JetStream on.
    if (hasNoResponders(error)) throw remoteFailed('the server has no JetStream', error);
    if (!(error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND)) throw error;
  }
  try {
    return await manager.streams.add({
      name: options.name,
      subjects: [ALL_RUNS],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: options.replicas ?? 1,
      max_age: nanos(options.maxAge ?? 0),
      max_bytes: options.maxBytes ?? -1,
      allow_direct: true,
    });
  } catch (error) {
    // Perhaps somebody else was quicker: the server then says that the name, or the subjects, are in use.
    if (!(error instanceof JetStreamApiError)) throw error;
    return await manager.streams.info(options.name).catch(() => Promise.reject(error));
  }
}

/** Why a stream cannot hold runs; undefined when it can. */
export function unsuitable(config: StreamConfig, subject: string = ALL_RUNS): string | undefined {
  if (config.mirror !== undefined) return 'it is the mirror of another stream';
  if (!(config.subjects ?? []).some(pattern => covers(pattern, subject)))
    return `it does not take ${subject}`;
  if (config.retention !== RetentionPolicy.Limits) {
    return `its retention is ${config.retention}, which drops what was read`;
  }
  if (config.storage !== StorageType.File)
    return 'it is kept in memory, which a restart of the server empties';
  if (config.max_msgs_per_subject > 0) return `it keeps only ${config.max_msgs_per_subject} events of a run`;
  if (config.discard === DiscardPolicy.New && (config.max_bytes > 0 || config.max_msgs > 0))
    return 'it takes nothing more when it is full';
  if (config.sealed) return 'it is sealed';
  if (config.no_ack === true) return 'it acknowledges nothing';
  if (config.subject_transform !== undefined) return 'it renames subjects';
  return undefined;
}

/** Whether every subject that `subject` may mean matches the pattern. */
function covers(pattern: string, subject: string): boolean {
  const wanted = subject.split('.');
  const tokens = pattern.split('.');
  for (const [index, token] of tokens.entries()) {
    if (token === '>') return wanted.length > index;
    const other = wanted[index];
    if (other === undefined || other === '>' || (token !== '*' && token !== other)) return false;
  }
  return tokens.length === wanted.length;
}

const STREAM_OPTIONS: Readonly<Record<keyof StreamOptions, OptionCheck>> = {
  name: isStreamName,
  replicas: integerFrom(1),
  maxAge: isInteger,
  maxBytes: integerFrom(1),
};

/** The name of a stream, or how to make one. */
export const isStream: OptionCheck = stream => {
  if (typeof stream === 'string') return isStreamName(stream);
  if (typeof stream !== 'object' || stream === null || Array.isArray(stream)) {
    return 'the name of a stream, or an object';
  }
  checkOptions(stream, STREAM_OPTIONS);
  return undefined;
};
