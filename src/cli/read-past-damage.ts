/**
 * Reading a run as far as it can be read.
 *
 * Promise: damage does not keep people from seeing the rest; the first damage found is handed back, to be reported at the end.
 */
import type { LogEvent, MalformedLineError, Vocabulary } from '../index.js';
import type { RunSource } from './run-source.js';

/** Hands every event of a run to `take`; resolves with the first malformed line, if there is one. */
export async function readPastDamage(
  source: RunSource,
  runId: string,
  signal: AbortSignal,
  take: (event: LogEvent) => void,
  events?: Vocabulary,
): Promise<MalformedLineError | undefined> {
  let damage: MalformedLineError | undefined;
  const onMalformed = (error: MalformedLineError) => {
    damage ??= error;
  };
  for await (const batch of source.read(runId, { events, signal, onMalformed }).batches()) {
    for (const event of batch) take(event);
  }
  return damage;
}
