/**
 * What a stream with limits has dropped: runs that were there once, and the events of a run up to the last one shipped.
 *
 * Promise: when in doubt it was not dropped, and is sent again.
 */
import type { StreamConfig, StreamState } from '@nats-io/jetstream';
import { nowMs } from '../../real-time.js';
import { insist } from '../retry.js';
import type { RunStream } from './run-stream.js';

const NANOS = 1e6; // in a millisecond

/** Finds out which runs that are not on the server were there once, and have been dropped since for their age or for want of room. */
export class DroppedRuns {
  readonly #stream: RunStream;
  #state: Promise<StreamState> | undefined;

  constructor(stream: RunStream) {
    this.#stream = stream;
  }

  /** From now on what is kept counts as it is at the next question. */
  renew(): void {
    this.#state = undefined;
  }

  /**
   * Judged by the log: it last changed longer ago than the stream keeps events, or before all that is kept, and there is no room
   * for it. What is kept is looked at once, before shipping: what is shipped now would look newer than every log.
   */
  async has(log: { changedAt: number; size: number }, signal: AbortSignal | undefined): Promise<boolean> {
    const { config } = this.#stream;
    if (config.max_age > 0 && log.changedAt < nowMs() - config.max_age / NANOS) return true;
    if (config.max_bytes <= 0 && config.max_msgs <= 0) return false;
    this.#state ??= stateOf(this.#stream, signal);
    const { messages, bytes, first_ts } = await this.#state.catch((error: unknown) => {
      this.renew();
      throw error;
    });
    if (messages === 0 || log.changedAt >= Date.parse(first_ts)) return false;
    return (
      (config.max_bytes > 0 && bytes + log.size > config.max_bytes) ||
      (config.max_msgs > 0 && messages >= config.max_msgs)
    );
  }
}

/**
 * Whether the limits of the stream explain that a message is no longer there. All that is older must be gone as well, and the
 * stream must have come further: a server that crashed with its machine has lost the newest messages.
 */
export async function droppedSince(
  sequence: number,
  stream: RunStream,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!hasLimits(stream.config)) return false;
  const { first_seq, last_seq } = await stateOf(stream, signal);
  return first_seq > sequence && last_seq >= sequence;
}

function hasLimits({ max_age, max_bytes, max_msgs }: StreamConfig): boolean {
  return max_age > 0 || max_bytes > 0 || max_msgs > 0;
}

async function stateOf(
  { manager, config }: RunStream,
  signal: AbortSignal | undefined,
): Promise<StreamState> {
  const ask = () => manager.streams.info(config.name);
  const { state } = await insist('the stream could not be looked at', ask, signal);
  return state;
}
