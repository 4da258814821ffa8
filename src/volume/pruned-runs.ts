/**
 * Runs on their way out: renamed into a folder of their own beside the runs, and removed from there.
 *
 * Promise: a rename within the volume takes a run out of the listing as a whole; what a kill leaves in that folder is found
 * again and removed.
 */
import fs from 'node:fs';
import { errnoOf } from '../errors.js';
import { enter, type Folder } from './folder.js';
import { bytesOfTree, removeTree } from './remove-tree.js';

const PRUNED = 'pruned';

/** Moves a run out of the folder of all runs. */
export function moveAway(root: string, runs: Folder, runId: string): void {
  const above = enter(root, ['var']);
  try {
    makeOnce(above);
    const pruned = above.enter(PRUNED);
    try {
      removeTree(pruned, runId); // a run of that name, put back from a backup perhaps, was left half removed
      fs.renameSync(runs.at(runId), pruned.at(runId));
    } finally {
      pruned.close();
    }
  } catch (error) {
    throw runs.named(above.named(error));
  } finally {
    above.close();
  }
}

function makeOnce(above: Folder): void {
  try {
    fs.mkdirSync(above.at(PRUNED), 0o777);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Removes a run that was moved away, or all of them; returns how many bytes their files had. */
export function removeMovedAway(root: string, runId?: string): number {
  let pruned: Folder;
  try {
    pruned = enter(root, ['var', PRUNED]);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
  try {
    let bytes = 0;
    for (const name of runId === undefined ? fs.readdirSync(pruned.at('.')) : [runId]) {
      bytes += bytesOfTree(pruned, name);
      removeTree(pruned, name);
    }
    return bytes;
  } finally {
    pruned.close();
  }
}
