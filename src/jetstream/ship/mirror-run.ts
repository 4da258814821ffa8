/**
 * Mirroring one run, live, to its terminal event.
 *
 * Promise: whatever dies and comes back, here or there, the copy is a prefix of the log, and when this resolves all of it.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { EventLogError } from '../../errors.js';
import { checkOptions, isSignal, type OptionCheck } from '../../options.js';
import { Growth } from '../../read/file-growth.js';
import { monotonicMs, sleep } from '../../real-time.js';
import { absoluteRoot, placesOf, type RunPlaces } from '../../volume/places.js';
import { checkConnection, isConnection } from '../options.js';
import { orAborted } from '../retry.js';
import { subjectOf } from '../subjects.js';
import { type ConnectionWatch, watchOf } from './connection-watch.js';
import { FinalLog } from './final-log.js';
import { RunShipper } from './run-shipper.js';
import { isStream, openStream, type StreamOptions } from './run-stream.js';

const POLL_MS = 500;
/** How long to wait for a run that is not there yet. */
const APPEAR_MS = 5000;
const APPEAR_POLL_MS = 20;

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
 * Ships a run to NATS JetStream, as it is written, until its terminal event.
 *
 * Its bytes go to the subject `omne.runs.<run_id>` unchanged, as segments of whole lines: what is there and final, up to 128 KiB
 * in one message. Shipping goes on after the last segment of the subject.
 *
 * @throws EventLogError `ERR_INVALID_RUN_ID`, `ERR_RUN_NOT_FOUND`, `ERR_STREAM_UNSUITABLE`, `ERR_MIRROR_DIVERGED`,
 * `ERR_MESSAGE_TOO_LARGE`, `ERR_VOCABULARY_INVALID`, `ERR_LOG_TRUNCATED`, `ERR_LOG_REPLACED`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`, `ERR_STREAM_NOT_FOUND` when it is
 * deleted, `ERR_REMOTE_FAILED`.
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
  const shipper = new RunShipper(stream, places.root, runId);
  const log = await openSoon(places, signal);
  const growth = new Growth(log.path, POLL_MS, true);
  try {
    await shipToEnd(shipper, log, growth, watchOf(connection), signal);
  } finally {
    growth.close();
    await log.close();
  }
  return { runId, events: shipper.sent, position: shipper.position };
}

/** Ships what is there, waits for more, and so on to the terminal event. */
async function shipToEnd(
  shipper: RunShipper,
  log: FinalLog,
  growth: Growth,
  watch: ConnectionWatch,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    growth.look();
    const more = await shipper.ship(log, Number.POSITIVE_INFINITY, signal);
    if (more) continue;
    if (shipper.ended) return;
    const { lost } = watch; // a server that comes back may have lost what it had
    await orAborted(orAborted(growth.wait(), lost), signal).catch(() => signal?.throwIfAborted());
  }
}

/** Opens the log of a run, which may be about to be created. */
async function openSoon(places: RunPlaces, signal: AbortSignal | undefined): Promise<FinalLog> {
  for (const deadline = monotonicMs() + APPEAR_MS; ; ) {
    try {
      return await FinalLog.open(places);
    } catch (error) {
      const absent = error instanceof EventLogError && error.code === 'ERR_RUN_NOT_FOUND';
      if (!absent || monotonicMs() >= deadline) throw error;
    }
    await orAborted(sleep(APPEAR_POLL_MS), signal);
  }
}
