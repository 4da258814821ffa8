/**
 * Mirroring one run, live, to its terminal event.
 *
 * Promise: whatever dies and comes back, here or there, the copy is a prefix of the log, and when this resolves all of it.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { checkOptions, isSignal, type OptionCheck } from '../../options.js';
import { EventTail } from '../../read/event-tail.js';
import { absoluteRoot, placesOf } from '../../volume/places.js';
import { subjectOf } from '../message.js';
import { checkConnection, isConnection } from '../options.js';
import { RunMirror } from './run-shipper.js';
import { isStream, openStream, type StreamOptions } from './run-stream.js';

/** Where to ship to. */
export interface MirrorOptions {
  /** The connection to the server; it is neither closed nor changed. */
  connection: NatsConnection;
  /** The name of the stream, or how to make it; `omne-runs` by default. */
  stream?: string | StreamOptions | undefined;
  /** Ends the mirroring, which rejects with the signal's reason; by default nothing does. */
  signal?: AbortSignal | undefined;
}

/** What the options of a mirror must be. */
export const MIRROR_OPTIONS: Readonly<Record<keyof MirrorOptions, OptionCheck>> = {
  connection: isConnection,
  stream: isStream,
  signal: isSignal,
};

/** What was shipped of a run. */
export interface MirroredRun {
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** How many events this call has sent and seen acknowledged. */
  readonly events: number;
  /** The position in the log up to which the copy goes, in bytes. */
  readonly position: number;
}

/**
 * Ships every event of a run to NATS JetStream, as it is written, until the terminal one.
 *
 * One message for each event on the subject `omne.runs.<run_id>`: the canonical line as body, the event id as message id,
 * the position after the line in the header `Omne-Position`. It goes on from the last message of the subject.
 *
 * @throws EventLogError `ERR_INVALID_RUN_ID`, `ERR_RUN_NOT_FOUND`, `ERR_STREAM_UNSUITABLE`, `ERR_MIRROR_DIVERGED`,
 * `ERR_MESSAGE_TOO_LARGE`, `ERR_STREAM_NOT_FOUND` when it is deleted, `ERR_REMOTE_FAILED`, and what `EventTail` throws.
 * @example
 * const connection = await connect({ servers: 'nats://127.0.0.1:4222', maxReconnectAttempts: -1 });
 * await mirrorRun(root, runId, { connection });
 */
export async function mirrorRun(root: string, runId: string, options: MirrorOptions): Promise<MirroredRun> {
  const places = placesOf(absoluteRoot(root), runId);
  checkConnection(options.connection);
  checkOptions(options, MIRROR_OPTIONS);
  const { connection, signal } = options;
  signal?.throwIfAborted();
  const stream = await openStream(connection, options.stream, signal, subjectOf(runId));
  const mirror = new RunMirror(stream, places.root, runId);
  await mirror.ship((from, stop) => new EventTail(places, { from, signal: stop }), signal);
  return { runId, events: mirror.sent, position: mirror.position };
}
