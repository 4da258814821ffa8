/** Whether a run that is not on the server was there once, and has been dropped since for its age or for want of room. */
import { insist } from './failure.js';
import type { RunStream } from './run-stream.js';

const NANOS = 1e6; // in a millisecond

/**
 * Tells by the time the log last changed: it is older than the stream keeps events, or older than all that is left in a
 * stream that has begun to make room.
 */
export async function discarded(
  { manager, config }: RunStream,
  changedAt: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (config.max_age > 0 && changedAt < Date.now() - config.max_age / NANOS) return true;
  if (config.max_bytes <= 0 && config.max_msgs <= 0) return false;
  const ask = () => manager.streams.info(config.name);
  const { state } = await insist('the stream could not be looked at', ask, signal);
  return state.messages > 0 && state.first_seq > 1 && changedAt < Date.parse(state.first_ts);
}
