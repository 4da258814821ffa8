/**
 * A log opened for reading.
 *
 * Promise: nothing is ever changed, a sync changes no byte either, and every failure is an `EventLogError` that names the log.
 */
import fs, { constants, type Stats } from 'node:fs';
import { systemError } from '../errors.js';
import { throughDiskGate } from './disk-gate.js';
import { files } from './file-calls.js';
import { lookBetweenCommits } from './flock.js';
import type { Folder } from './folder.js';
import { isAt, lookAt, openInside, readAtOnce, readFully, withWritable } from './open-log.js';
import type { RunPlaces } from './places.js';
import { PLATFORM } from './platform.js';

/** A log opened for reading. */
export interface ReadableLog {
  readonly path: string;
  /** Where the first line starts: a file has all its lines. */
  readonly begin: 0;
  /** What was known of the file when it was opened. */
  readonly opened: Stats;
  /** What is known of it at this moment. */
  stat(): Stats;
  /** The size in bytes at this moment. */
  size(): number;
  /** The size at a moment when no writer is in the midst of a commit that it may take back; undefined where one is. */
  settledSize(): number | undefined;
  /** A pause of some ten microseconds that leaves the processor to whoever needs it, which a turn of the event loop does not. */
  giveWay(): Promise<void>;
  /** Whether the file read is still the one that is at the path. */
  inPlace(): boolean;
  /** Fills `buffer` from `position`; fewer bytes only at the end of the file. */
  readonly read: (buffer: Buffer, position: number) => Promise<number>;
  /** The same at once, on this thread, into what of the buffer comes from `start` on: for the few bytes at the end of a log that is being written. */
  readNow(buffer: Buffer, position: number, start?: number): number;
  /** Brings what was read to stable storage, whoever wrote it. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the log of a run for reading; never changes anything. `runs` is the folder of all runs, where that is held already. */
export async function openForReading(places: RunPlaces, runs?: Folder): Promise<ReadableLog> {
  const path = places.log;
  const { fd, stat: opened } = await openInside(places, constants.O_RDONLY, undefined, runs);
  const named = <T>(look: () => T): T => {
    try {
      return look();
    } catch (error) {
      throw systemError('the log could not be read', path, error);
    }
  };
  return {
    path,
    begin: 0,
    opened,
    stat: () => named(() => fs.fstatSync(fd)),
    size: () => named(() => fs.fstatSync(fd).size),
    settledSize: () => named(() => lookBetweenCommits(fd, path, () => fs.fstatSync(fd).size)),
    // A trip through the thread pool; what it fails with, the next look reports.
    giveWay: async () => void (await files.fstat(fd).catch(() => undefined)),
    inPlace: () => named(() => isAt(path, lookAt(fd))),
    read: async (buffer, position) => {
      try {
        return await readFully(fd, buffer, position);
      } catch (error) {
        throw systemError('the log could not be read', path, error);
      }
    },
    readNow: (buffer, position, start) => named(() => readAtOnce(fd, buffer, position, start)),
    sync: async () => {
      try {
        const sync = (writable: number) => files.fdatasync(writable);
        await throughDiskGate(() => (PLATFORM.narrowDescriptors ? withWritable(places, fd, sync) : sync(fd)));
      } catch (error) {
        throw systemError('the log could not be synced', path, error);
      }
    },
    close: async () => fs.closeSync(fd), // nothing was written: it cannot have to wait for the disk
  };
}
