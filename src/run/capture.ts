/**
 * The capture file of a node: where an executor puts what the node prints, for the log to point at.
 *
 * Who writes: the executor, or the node's own process, to `path` and always at the end; nobody else. When to sync: after the
 * node has ended and before `node.completed` is appended, so that the log never points at bytes that a power cut took. A second
 * attempt goes on where the file ends: byte offsets keep rising, and what an interrupted attempt printed stays there to be read.
 *
 * Promise: no link is followed on the way to the file, and `sync` covers the folder entries that lead to it.
 */
import { constants, existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { EventLogError, errnoOf, rootNotFound, systemError, unsafePath } from '../errors.js';
import { throughDiskGate } from '../volume/disk-gate.js';
import { files } from '../volume/file-calls.js';
import { type Folder, RUNS, within } from '../volume/folder.js';
import { syncFolder } from '../volume/make-folders.js';
import { CAPTURE_FOLDER, capturePath, type RunPlaces } from '../volume/places.js';

const { O_APPEND, O_CREAT, O_WRONLY } = constants;

/**
 * Where the output of a node goes; made by `EventLog.capture`.
 *
 * @example
 * const capture = await log.capture('build');
 * const output = await open(capture.path, 'a'); // always at the end
 * const child = spawn('make', { stdio: ['ignore', output.fd, output.fd] });
 */
export interface Capture {
  /** The absolute path of the file, for the process that writes it. It is there, perhaps with the output of attempts before. */
  readonly path: string;
  /** The path for `node.completed`: relative to the volume root, with forward slashes on every platform. */
  readonly outputPath: string;
  /**
   * How many bytes the file holds now: the `byte_offset` of an iteration that begins here.
   *
   * @throws EventLogError (as a rejection) `ERR_RUN_NOT_FOUND` when the run was deleted, `ERR_ROOT_NOT_FOUND`, `ERR_UNSAFE_PATH`,
   * `ERR_SYSTEM`.
   */
  size(): Promise<number>;
  /**
   * Brings what was written to stable storage, whoever wrote it, and the file's folder entries with it.
   *
   * @throws EventLogError (as a rejection) `ERR_RUN_NOT_FOUND` when the run was deleted, `ERR_ROOT_NOT_FOUND`, `ERR_UNSAFE_PATH`,
   * `ERR_NO_SPACE`, `ERR_SYSTEM`: then the node's output may be lost.
   */
  sync(): Promise<void>;
}

/** Makes the capture file of a node, and the folder it is in, where they are missing. */
export async function makeCapture(places: RunPlaces, nodeId: string, mode = 0o666): Promise<Capture> {
  const path = capturePath(places, nodeId);
  const run = [...RUNS, basename(places.folder)];
  const withFile = <T>(work: (fd: number) => Promise<T>) => {
    const hold = (nodes: Folder) => holdingFile(nodes, path, mode, work);
    return inFolder(places, [...run, CAPTURE_FOLDER], path, hold);
  };
  await inFolder(places, run, path, folder => folder.make(CAPTURE_FOLDER, mode));
  await withFile(async () => undefined);
  return {
    path,
    outputPath: ['.omne', ...run, CAPTURE_FOLDER, basename(path)].join('/'),
    size: () => withFile(async fd => (await files.fstat(fd)).size),
    sync: () =>
      withFile(async fd => {
        await throughDiskGate(() => files.fdatasync(fd));
        await syncFolder(dirname(path));
        await syncFolder(places.folder);
      }),
  };
}

async function inFolder<T>(
  { root, folder }: RunPlaces,
  names: readonly string[],
  path: string,
  work: (folder: Folder) => Promise<T>,
): Promise<T> {
  try {
    return await within(root, names, work);
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (errno === 'ELOOP' || errno === 'EMLINK') throw unsafePath(path, 'is a symbolic link'); // EMLINK: FreeBSD
    if (errno === 'EISDIR' || errno === 'ENXIO') throw unsafePath(path, 'is not a regular file');
    if (errno === 'ENOENT' && !existsSync(folder)) {
      if (!existsSync(root)) throw rootNotFound(root);
      throw new EventLogError('ERR_RUN_NOT_FOUND', 'the run was deleted', { path, cause: error });
    }
    throw systemError('the capture file could not be used', path, error);
  }
}

async function holdingFile<T>(
  nodes: Folder,
  path: string,
  mode: number,
  work: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = await nodes.open(basename(path), O_WRONLY | O_APPEND | O_CREAT, mode);
  try {
    if (!(await files.fstat(fd)).isFile()) throw unsafePath(path, 'is not a regular file');
    return await work(fd);
  } finally {
    await files.close(fd);
  }
}
