/**
 * Which runs a volume holds, known by the names of their folders.
 *
 * Promise: no link is followed, and no log is read.
 */
import fs, { type Stats } from 'node:fs';
import { errnoOf, rootNotFound, systemError } from '../errors.js';
import { files } from './file-calls.js';
import { RUNS, within } from './folder.js';
import { type RunPlaces, runsFolder } from './places.js';
import { compareRunIds, isRunId } from './run-id.js';

/** The ids of all runs, oldest first; none where the volume holds no runs. */
export async function runIdsOf(root: string): Promise<string[]> {
  try {
    const names = await within(root, RUNS, runs => files.readdir(runs.at('.')));
    return names.filter(isRunId).sort(compareRunIds);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      if (!fs.existsSync(root)) throw rootNotFound(root);
      return [];
    }
    throw systemError('the runs could not be listed', runsFolder(root), error);
  }
}

/** What is known of the folder of a run; undefined where there is none: where a file, a link or nothing any more has the name of a run. */
export async function runFolderOf(places: RunPlaces): Promise<Stats | undefined> {
  const stat = await files.lstat(places.folder).catch(() => undefined);
  return stat?.isDirectory() ? stat : undefined;
}
