/**
 * A stream on a NATS server, asked message by message: the segments of one run by sequence, and what can go wrong.
 *
 * Promise: what the server or the client says becomes an `EventLogError` with the original as `cause`; no message of ours
 * holds more of a connection than the name of the stream and the subject.
 */
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type NextMsgRequest,
  type SeqMsgRequest,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError, messageOf } from '../../errors.js';
import { type Segment, segmentOf } from '../segment.js';
import { subjectOf, vocabularySubjectOf } from '../subjects.js';

/** A stream, and how to ask for it. */
export interface Remote {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
}

/** How long the server may take to answer a request, when nobody is in a greater hurry. */
export const ANSWER_TIMEOUT_MS = 5000;

/** Makes a `Remote`; nothing is asked of the server yet. */
export async function remoteOf(
  connection: NatsConnection,
  stream: string,
  answerTimeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<Remote> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: answerTimeoutMs });
  return { connection, manager, stream };
}

type MessageQuery = Parameters<JetStreamManager['streams']['getMessage']>[1];

/** The segments of one run that a stream holds. */
export class StoredRun {
  readonly remote: Remote;
  readonly runId: string;
  readonly subject: string;
  /** What errors name in the place of a path: `nats://<stream>/<subject>`. */
  readonly path: string;

  constructor(remote: Remote, runId: string) {
    this.remote = remote;
    this.runId = runId;
    this.subject = subjectOf(runId);
    this.path = `nats://${remote.stream}/${this.subject}`;
  }

  /** The same run, for requests that fail when they are not answered so soon. */
  async within(answerTimeoutMs: number): Promise<StoredRun> {
    const { connection, stream } = this.remote;
    return new StoredRun(await remoteOf(connection, stream, answerTimeoutMs), this.runId);
  }

  /** The first segment at a sequence or after it. */
  next(sequence: number): Promise<Segment | undefined> {
    // The server knows this request; the client's type for it only allows it for direct gets, which a stream may not have.
    const query: SeqMsgRequest & NextMsgRequest = { seq: sequence, next_by_subj: this.subject };
    return this.#get(query);
  }

  /** The last segment. */
  last(): Promise<Segment | undefined> {
    return this.#get({ last_by_subj: this.subject });
  }

  /** The text of the vocabulary of a run that has one of its own; it is to be trusted as little as any message. */
  async vocabulary(): Promise<string | undefined> {
    return (await this.#message({ last_by_subj: vocabularySubjectOf(this.runId) }))?.string();
  }

  /** A message of the run as a segment; `ERR_LOG_CORRUPT` or `ERR_STREAM_UNSUITABLE` for what is none. */
  segmentOf(message: Parameters<typeof segmentOf>[0]): Segment {
    const segment = segmentOf(message, this.path);
    if (segment !== undefined) return segment;
    const what = `message ${message.seq} of the stream is no part of a log`;
    throw new EventLogError('ERR_LOG_CORRUPT', what, { path: this.path });
  }

  async #get(query: MessageQuery): Promise<Segment | undefined> {
    const message = await this.#message(query);
    return message === undefined ? undefined : this.segmentOf(message);
  }

  async #message(query: MessageQuery): Promise<StoredMsg | undefined> {
    const { manager, stream } = this.remote;
    try {
      return (await manager.streams.getMessage(stream, query)) ?? undefined;
    } catch (error) {
      throw remoteError(error, this.remote);
    }
  }

  /** The error for events that are missing before a position. */
  incomplete(offset: number): EventLogError {
    const what = 'events are missing in the remote copy: deleted, or too old to be kept';
    return new EventLogError('ERR_LOG_CORRUPT', what, { path: this.path, offset });
  }

  /** The error for a run of which nothing is stored. */
  notFound(): EventLogError {
    return new EventLogError('ERR_RUN_NOT_FOUND', `the stream holds no run ${this.runId}`, {
      path: this.path,
    });
  }
}

/** What the client or the server said, as an error of ours. */
export function remoteError(cause: unknown, { connection, stream }: Remote): EventLogError {
  if (cause instanceof EventLogError) return cause;
  if (cause instanceof JetStreamApiError && cause.code === JetStreamApiCodes.StreamNotFound) {
    return new EventLogError('ERR_STREAM_NOT_FOUND', `the server has no stream ${stream}`, {
      path: `nats://${stream}`,
      cause,
    });
  }
  const what = connection.isClosed() ? 'the connection is closed' : messageOf(cause);
  return new EventLogError('ERR_REMOTE_FAILED', `stream ${stream}: ${what}`, { cause });
}
