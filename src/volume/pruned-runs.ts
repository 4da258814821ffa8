/**
 * Runs that are being removed: renamed into a folder beside the runs, and removed from there.
 *
 * Promise: a rename within the volume takes a run out of the listing as a whole; what a kill leaves in that folder is found
 * again and removed. The renames are synced before anything is removed, so a power cut brings back a whole run or none.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.js';
import { enter, type Folder } from './folder.js';
import { syncFolder } from './make-folders.js';
import { runsFolder, varFolder } from './places.js';
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

/** The runs that were moved away and are still there. */
export function movedAway(root: string): string[] {
  return inPruned(root, pruned => fs.readdirSync(pruned.at('.'))) ?? [];
}

/** Makes sure that what was moved away stays away. */
export async function syncMoves(root: string): Promise<void> {
  await syncFolder(join(varFolder(root), PRUNED));
  await syncFolder(runsFolder(root));
}

/** Removes a run that was moved away; returns how many bytes its files had. */
export function removeMovedAway(root: string, runId: string): number {
  const remove = (pruned: Folder) => {
    const bytes = bytesOfTree(pruned, runId);
    removeTree(pruned, runId);
    return bytes;
  };
  return inPruned(root, remove) ?? 0;
}

/** Undefined where nothing was moved away yet. */
function inPruned<Result>(root: string, work: (pruned: Folder) => Result): Result | undefined {
  let pruned: Folder;
  try {
    pruned = enter(root, ['var', PRUNED]);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return work(pruned);
  } finally {
    pruned.close();
  }
}
