/**
 * Which volume and which run is meant: `--root` or the folder above, and a run id, the beginning of one, or `last`.
 *
 * Promise: finding a run reads the names of the folders, and for `last` the ends of the newest logs.
 */
import { EventLogError, isOutOfDescriptors } from '../errors.js';
import { endOfLastLine } from '../format/lines.js';
import { findVolumeRoot, placesOf } from '../volume/places.js';
import { openForReading } from '../volume/readable-log.js';
import { runIdsOf } from '../volume/run-folders.js';
import { isRunId, parseRunId } from '../volume/run-id.js';
import { UsageError, wholeNumber } from './command.js';

/** The option that every command on runs has. */
export const ROOT_OPTION = {
  type: 'string',
  value: 'DIR',
  help: 'The volume root; by default found upwards from here.',
} as const;

/** The option of the commands that read lines. */
export const LINE_OPTION = {
  'max-line-bytes': {
    type: 'string',
    value: 'BYTES',
    help: 'The longest line accepted, in bytes; 16777216 (16 MiB) by default.',
  },
} as const;

/** What was given for it. */
export function lineLimit(values: { readonly 'max-line-bytes'?: string | undefined }): number | undefined {
  return wholeNumber('--max-line-bytes', values['max-line-bytes']);
}

/** What the help says of RUN. */
export const RUN_HELP = "RUN is a run id, the beginning of one or of its ULID, or 'last'.";

const SHOWN_CANDIDATES = 5;

/** What is said where no volume is found. */
export const NO_VOLUME =
  'there is no folder .omne here or above; name one with --root DIR, this folder with --root .';

/** The volume root. */
export async function whichRoot(given: string | undefined): Promise<string> {
  const root = given ?? (await findVolumeRoot());
  if (root === undefined || root === '') {
    throw new UsageError(NO_VOLUME);
  }
  return root;
}

/** The id of the run that is meant; `last` is the newest that has begun: whose log holds a whole line. */
export function whichRun(root: string, given: string): Promise<string> {
  return pickRun(given, root, async () => {
    const runIds = (await runIdsOf(root)).reverse();
    if (given !== 'last') return runIds;
    for (const runId of runIds) if (await hasBegun(root, runId)) return [runId];
    return [];
  });
}

async function hasBegun(root: string, runId: string): Promise<boolean> {
  try {
    const log = await openForReading(placesOf(root, runId));
    try {
      return (await endOfLastLine(log.read, 0, log.size())) > 0;
    } finally {
      await log.close();
    }
  } catch (error) {
    if (!(error instanceof EventLogError) || isOutOfDescriptors(error)) throw error;
    return false; // what cannot be opened is not what `last` means
  }
}

/** The same among runs from anywhere: `list` gives their ids, newest first, `place` is where they are. */
export async function pickRun(given: string, place: string, list: () => Promise<string[]>): Promise<string> {
  if (isRunId(given)) return given;
  if (!/^[\w.-]+$/.test(given)) parseRunId(given); // throws: no run id begins like this
  const runIds = await list();
  if (given === 'last') {
    const [newest] = runIds;
    if (newest === undefined)
      throw new EventLogError('ERR_RUN_NOT_FOUND', 'there is no run', { path: place });
    return newest;
  }
  const candidates = runIds.filter(runId => runId.startsWith(given) || runId.slice(-26).startsWith(given));
  const [runId, ...others] = candidates;
  if (runId === undefined) {
    throw new EventLogError('ERR_RUN_NOT_FOUND', `no run begins with '${given}'`, { path: place });
  }
  if (others.length === 0) return runId;
  const shown = candidates.slice(0, SHOWN_CANDIDATES).join(', ');
  const more = candidates.length > SHOWN_CANDIDATES ? ', ...' : '';
  throw new UsageError(`'${given}' begins ${candidates.length} runs: ${shown}${more}`);
}
