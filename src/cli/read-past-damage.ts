/**
 * Reading a run as far as it can be read.
 *
 * Promise: damage does not keep people from seeing the rest; the first damage found is handed back, to be reported at the end.
 */
import type { LogEvent, MalformedLineError, ReadOptions, Vocabulary } from '../index.js';
import type { RunSource } from './run-source.js';

type Options = Pick<ReadOptions<string, Vocabulary>, 'events' | 'maxLineBytes' | 'signal'>;

/** Hands every event of a run to `take`; resolves with the first malformed line, if there is one. */
export async function readPastDamage(
  source: RunSource,
  runId: string,
  options: Options,
  take: (event: LogEvent) => void,
): Promise<MalformedLineError | undefined> {
  let damage: MalformedLineError | undefined;
  const onMalformed = (error: MalformedLineError) => {
    damage ??= error;
  };
  for await (const batch of source.read(runId, { ...options, onMalformed }).batches()) {
    for (const event of batch) take(event);
  }
  return damage;
}
