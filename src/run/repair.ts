/** Repairing a run: its torn tail is cut, as opening it for appending does, and nothing else is changed. */
import { closeOpened, LOG_OPTIONS, type LogOptions, openForAppending } from '../append/open-for-appending.js';
import type { Recovery } from '../append/recovery.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { checkOptions } from '../options.js';
import { placesOf } from '../volume/places.js';

/**
 * Repairs the torn tail of a run: saves its bytes beside the log, then cuts them; touches nothing else.
 *
 * @returns what was cut, or undefined when the tail was whole.
 * @throws EventLogError as `EventLog.open` does; `ERR_LOG_CORRUPT` for damage that is not a torn tail.
 * @example
 * const cut = await repairRun(root, runId);
 * console.log(cut ? `${cut.bytes} bytes are kept in ${cut.savedTo}` : 'nothing to repair');
 */
export async function repairRun(
  root: string,
  runId: string,
  options: LogOptions<Vocabulary> = {},
): Promise<Recovery | undefined> {
  checkOptions(options, LOG_OPTIONS);
  const opened = await openForAppending(placesOf(root, runId), options, undefined);
  await closeOpened(opened);
  return opened.recovery;
}
