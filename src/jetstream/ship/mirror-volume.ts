/**
 * Mirroring a volume: every run there is, and every one that appears.
 *
 * Promise: with `once` it resolves when each run is on the server as far as its log went, or was reported to `onError`; without,
 * it ends only with a failure or the signal. An error thrown by a callback ends it too, and is what it rejects with.
 */

import { onAbort } from '../../on-abort.js';
import {
  checkOptions,
  integerFrom,
  isBoolean,
  isFunction,
  LONGEST_WAIT_MS,
  milliseconds,
  type OptionCheck,
} from '../../options.js';
import { absoluteRoot } from '../../volume/places.js';
import { checkConnection } from '../options.js';
import { MIRROR_OPTIONS, type MirroredRun, type MirrorOptions } from './mirror-run.js';
import { openStream } from './run-stream.js';
import { VolumeShipper } from './volume-shipper.js';

/** How a volume is mirrored. */
export interface MirrorVolumeOptions extends MirrorOptions {
  /** How many runs are shipped at one time; 64 by default. Any number is followed. */
  concurrency?: number | undefined;
  /** How long to wait before looking again without a notice, in milliseconds; 500 by default. */
  pollInterval?: number | undefined;
  /** Ship what is there now, then resolve; false by default. */
  once?: boolean | undefined;
  /** Called for a run that cannot be shipped, which is left until its log changes; by default the first such run ends all. */
  onError?: ((error: unknown, runId: string) => void) | undefined;
  /** Called for a run of which events were sent, up to its terminal one; by default nobody is. */
  onRun?: ((run: MirroredRun) => void) | undefined;
}

const MIRROR_VOLUME_OPTIONS: Readonly<Record<keyof MirrorVolumeOptions, OptionCheck>> = {
  ...MIRROR_OPTIONS,
  concurrency: integerFrom(1),
  pollInterval: milliseconds(1, LONGEST_WAIT_MS),
  once: isBoolean,
  onError: isFunction,
  onRun: isFunction,
};

/** What was shipped of a volume. */
export interface MirroredVolume {
  /** How many runs there are. */
  readonly runs: number;
  /** How many events this call has sent. */
  readonly events: number;
  /** How many of the runs were not sent, because the stream's limits had dropped them before. */
  readonly dropped: number;
}

/**
 * Ships all runs of a volume to NATS JetStream, as `mirrorRun` ships one, and those that appear later too. Rejects with the
 * signal's reason when that aborts; resolves only with `once`.
 *
 * A run that is not on the server, whose log is older than what the stream keeps, and for which there is no room, was dropped
 * there: it is not sent again.
 *
 * @throws EventLogError `ERR_STREAM_UNSUITABLE`, `ERR_REMOTE_FAILED`; `ERR_UNSAFE_PATH` or `ERR_SYSTEM` when the runs cannot
 * be listed; `ERR_STREAM_NOT_FOUND` when the stream is deleted, and without `onError` all that `mirrorRun` throws.
 * @example
 * await mirrorVolume(root, { connection, signal, onError: (error, runId) => console.error(runId, error) });
 */
export async function mirrorVolume(root: string, options: MirrorVolumeOptions): Promise<MirroredVolume> {
  const volume = absoluteRoot(root);
  checkConnection(options.connection);
  checkOptions(options, MIRROR_VOLUME_OPTIONS);
  const { connection, signal, once = false, concurrency = 64, pollInterval = 500, onError, onRun } = options;
  signal?.throwIfAborted();
  const stream = await openStream(connection, options.stream, signal);
  const mirror = new VolumeShipper(volume, stream, concurrency, pollInterval, {
    failed: (error, runId) => {
      if (onError === undefined || connection.isClosed()) mirror.fail(error);
      else asCallback(() => onError(error, runId));
    },
    ended: ({ runId, sent, position }) => asCallback(() => onRun?.({ runId, events: sent, position })),
  });
  const asCallback = (call: () => void) => {
    try {
      call();
    } catch (error) {
      mirror.fail(error);
    }
  };
  const stopListening = signal && onAbort(signal, () => mirror.fail(signal.reason));
  try {
    if (once) await mirror.round();
    else
      for (;;) {
        await mirror.look();
        await mirror.rest();
      }
    return { runs: mirror.runs, events: mirror.events, dropped: mirror.dropped };
  } finally {
    stopListening?.();
    await mirror.close();
  }
}
