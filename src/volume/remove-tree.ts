/**
 * Removing a folder with all that is in it.
 *
 * Promise: no link is followed, not even one swapped in meanwhile: a link goes, and what it leads to stays. What somebody else
 * has removed already is as good as removed.
 */
import fs from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Folder } from './folder.js';

/** Removes the entry `name` of a folder, whatever it is. */
export function removeTree(parent: Folder, name: string): void {
  const removed = quietly(() => {
    if (!fs.lstatSync(parent.at(name)).isDirectory()) {
      fs.unlinkSync(parent.at(name));
      return;
    }
    forEachEntry(parent, name, removeTree);
    fs.rmdirSync(parent.at(name));
  });
  if (removed instanceof Error) throw parent.named(removed);
}

/** How many bytes the files in the entry `name` of a folder have. */
export function bytesOfTree(parent: Folder, name: string): number {
  let bytes = 0;
  quietly(() => {
    const stat = fs.lstatSync(parent.at(name));
    if (!stat.isDirectory()) bytes = stat.size;
    else
      forEachEntry(parent, name, (folder, entry) => {
        bytes += bytesOfTree(folder, entry);
      });
  });
  return bytes;
}

function forEachEntry(parent: Folder, name: string, visit: (folder: Folder, entry: string) => void): void {
  const folder = parent.enter(name);
  try {
    for (const entry of fs.readdirSync(folder.at('.'))) visit(folder, entry);
  } finally {
    folder.close();
  }
}

/** Does something to an entry that may be gone; returns any other error. */
function quietly(work: () => void): Error | undefined {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return error instanceof Error ? error : new Error(String(error));
  }
  return undefined;
}
