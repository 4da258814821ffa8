/**
 * Reading a run as far as it can be read.
 *
 * Promise: damage does not keep people from seeing the rest; the first damage found is handed back, to be reported at the end.
 */
import type { MalformedLineError, RunEvent } from '../index.js';
import type { RunSource } from './run-source.js';

/** Hands every event of a run to `take`; resolves with the first malformed line, if there is one. */
export async function readPastDamage(
  source: RunSource,
  runId: string,
  signal: AbortSignal,
  take: (event: RunEvent) => void,
): Promise<MalformedLineError | undefined> {
  let damage: MalformedLineError | undefined;
  const onMalformed = (error: MalformedLineError) => {
    damage ??= error;
  };
  for await (const events of source.read(runId, { signal, onMalformed }).batches()) {
    for (const event of events) take(event);
  }
  return damage;
}
