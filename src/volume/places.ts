/**
 * Where things lie in a volume: the names in it, and the paths made of them.
 *
 * Promise: a run id or node id is checked before it becomes part of a path.
 */
import { dirname, join, resolve } from 'node:path';
import { EventLogError, unsafePath } from '../errors.js';
import { files } from './file-calls.js';
import { PLATFORM } from './platform.js';
import { parseRunId } from './run-id.js';

/** The name of the log in the folder of its run. */
export const LOG_NAME = 'events.jsonl';

/** The name of a run's vocabulary in its folder, where the run has events of its own. */
export const VOCABULARY_NAME = 'vocabulary.json';

/** The file of a run that says who writes and who drives it, by locks on its bytes, where the log itself cannot say so (Windows). */
export const MARKS_NAME = '.live';

/** The folder of a run that holds the captured outputs of its nodes. */
export const CAPTURE_FOLDER = 'nodes';

/** The paths of one run. */
export interface RunPlaces {
  /** The folder that contains `.omne`, absolute. */
  readonly root: string;
  /** `<root>/.omne/var/runs/<run_id>` */
  readonly folder: string;
  /** `<root>/.omne/var/runs/<run_id>/events.jsonl` */
  readonly log: string;
}

/** The file that holds the last run ULID handed out in a volume. */
export function ulidLastPath(root: string): string {
  return join(varFolder(root), '.ulid-last');
}

/** The volume root as an absolute path; a `TypeError` for what is not a path. */
export function absoluteRoot(root: string): string {
  if (typeof root !== 'string' || root === '') throw new TypeError('the volume root must be a path');
  return resolve(root);
}

/** `<root>/.omne/var` */
export function varFolder(root: string): string {
  return join(absoluteRoot(root), '.omne', 'var');
}

/** `<root>/.omne/var/runs` */
export function runsFolder(root: string): string {
  return join(varFolder(root), 'runs');
}

/** The paths of a run; `ERR_INVALID_RUN_ID` before any path is built. */
export function placesOf(root: string, runId: string): RunPlaces {
  parseRunId(runId);
  if (PLATFORM.reserved?.test(runId)) {
    throw new EventLogError('ERR_INVALID_RUN_ID', `no folder can be called ${JSON.stringify(runId)} here`);
  }
  const folder = join(runsFolder(root), runId);
  return { root: resolve(root), folder, log: join(folder, LOG_NAME) };
}

/** The longest name that the file systems of Linux take. */
const LONGEST_NAME_BYTES = 255;
const SHOWN_CHARACTERS = 80;

/** A node id as a message has it: quoted, and cut where it is long. */
export function shown(nodeId: string): string {
  const cut = nodeId.length > SHOWN_CHARACTERS;
  return `${JSON.stringify(nodeId.slice(0, SHOWN_CHARACTERS))}${cut ? '…' : ''}`;
}

/** The captured output of a node; `ERR_UNSAFE_PATH` for a node id that is not a plain file name. */
export function capturePath(places: RunPlaces, nodeId: string): string {
  if (typeof nodeId !== 'string') throw new TypeError('the node id must be a string');
  const folder = join(places.folder, CAPTURE_FOLDER);
  if (!isFileName(nodeId)) {
    const hint = nodeId.isWellFormed() ? '' : ': it holds a lone surrogate; pass nodeId.toWellFormed()';
    throw unsafePath(folder, `node id ${shown(nodeId)} cannot be a file name${hint}`);
  }
  return join(folder, `${nodeId}.out`);
}

/** Whether a node with this id can have a capture file: whether the id can be part of a file's name, here and on other systems. */
export function isFileName(nodeId: string): boolean {
  if (nodeId === '' || /[\\/\0]/.test(nodeId)) return false;
  if (!nodeId.isWellFormed()) return false; // as a name it would be that of another id, with U+FFFD in its place
  if (Buffer.byteLength(`${nodeId}.out`) > LONGEST_NAME_BYTES) return false;
  return !(PLATFORM.reserved?.test(`${nodeId}.out`) ?? false);
}

/**
 * Finds the volume root: the nearest folder, from `start` upwards, that holds a folder `.omne`.
 *
 * @param start - a folder; the current one by default.
 * @returns its absolute path, or undefined when there is none.
 * @example
 * const root = (await findVolumeRoot()) ?? process.cwd();
 */
export async function findVolumeRoot(start: string = process.cwd()): Promise<string | undefined> {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const stat = await files.stat(join(folder, '.omne')).catch(() => undefined);
    if (stat?.isDirectory()) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}
