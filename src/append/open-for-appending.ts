/**
 * Opening a log for appending: its options, and the steps from a file to a writer.
 *
 * Promise: a log that was made is durable with every folder above it before it is handed out; one that could not be opened
 * leaves nothing open.
 */
import fs from 'node:fs';
import { EventLogError, systemError } from '../errors.js';
import type { OmneEvents } from '../format/events.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { isBoolean, isFunction, isInteger, type OptionCheck } from '../options.js';
import { holdLive } from '../volume/liveness.js';
import { syncRunFolders } from '../volume/make-folders.js';
import { takeOwnership } from '../volume/ownership.js';
import type { RunPlaces } from '../volume/places.js';
import { Committer } from './committer.js';
import { type LogFile, openLogFile } from './log-file.js';
import { agreeOnVocabulary, announceVocabulary } from './log-vocabulary.js';
import type { Recovery } from './recovery.js';
import type { Redact } from './redact.js';

/** How a log is written. */
export interface LogOptions<V extends Vocabulary = OmneEvents> {
  /**
   * The vocabulary of the log; that of the run by default, and of a new run `omneEvents`. One that adds to that of the run types, or
   * fields that may be absent, takes its place; any other is `ERR_VOCABULARY_CONFLICT`.
   */
  events?: V | undefined;
  /** Permission bits of new files, narrowed by the umask; 0o666 by default. Whoever may read may enter the folders. */
  mode?: number | undefined;
  /** Take the lock of the log around each commit, so that several processes may append; true by default. */
  lock?: boolean | undefined;
  /** How long one commit waits for the lock, in milliseconds, before it is `ERR_LOCK_TIMEOUT`; 5000 by default. */
  lockTimeout?: number | undefined;
  /** The longest line, in bytes; 16 MiB by default. A longer event is `ERR_LINE_TOO_LONG`. */
  maxLineBytes?: number | undefined;
  /** How many bytes of appends may wait; 64 MiB by default. One more is `ERR_BACKLOG_FULL`. */
  maxPendingBytes?: number | undefined;
  /** Returns each text of a draft as it may be logged, e.g. `maskValues(secrets)`; by default texts are logged as they are. */
  redact?: Redact | undefined;
}

/** How a log is opened again. */
export interface OpenLogOptions<V extends Vocabulary = OmneEvents> extends LogOptions<V> {
  /** Make the folder and the log of an allocated run id where they are missing; false by default. */
  create?: boolean | undefined;
  /** Drive the run: `ERR_RUN_OWNED` while another process does; false by default: others may append too. */
  owner?: boolean | undefined;
}

/** What the options of a new log must be. */
export const LOG_OPTIONS: Readonly<Record<keyof LogOptions, OptionCheck>> = {
  events: isVocabulary,
  mode: value => isInteger(value) ?? (Number(value) > 0o777 ? 'permission bits' : undefined),
  lock: isBoolean,
  lockTimeout: isInteger,
  maxLineBytes: isInteger,
  maxPendingBytes: isInteger,
  redact: isFunction,
};

/** What the options of a log that is opened again must be. */
export const OPEN_LOG_OPTIONS: Readonly<Record<keyof OpenLogOptions, OptionCheck>> = {
  ...LOG_OPTIONS,
  create: isBoolean,
  owner: isBoolean,
};

/** What an open log holds. */
export interface OpenedLog {
  readonly file: LogFile;
  /** Further descriptors that are held as long as the log is open: marks for others, where the log alone is not enough. */
  readonly marks: readonly number[];
  readonly committer: Committer;
  readonly recovery: Recovery | undefined;
  readonly vocabulary: Vocabulary;
}

/** Opens the log, makes this process the owner if wanted, makes the log durable if it is new, marks its run as live, and repairs a torn tail. */
export async function openForAppending(
  places: RunPlaces,
  options: OpenLogOptions<Vocabulary>,
  make: 'create' | 'ensure' | undefined,
): Promise<OpenedLog> {
  const { events, mode, lock = true, lockTimeout: lockTimeoutMs, maxLineBytes } = options;
  if (make !== undefined) await announceVocabulary(places, events, mode);
  const file = await openLogFile(places, { mode, make });
  const marks: number[] = [];
  try {
    if (make === 'create' || options.owner) {
      const { exclusive, fd } = await takeOwnership(places, file.fd);
      if (fd !== undefined) marks.push(fd);
      if (!exclusive && lock && make !== 'create') throw noOwners(places); // a new run has no other owner anyway
    }
    const live = await holdLive(places, file.fd);
    if (live !== undefined) marks.push(live);
    // An empty log may be that of a creator that was killed before it had synced the folders.
    if (make !== undefined || file.stat().size === 0) {
      await file.sync();
      await syncRunFolders(places);
    }
    const vocabulary = await agreeOnVocabulary(places, file, events, { mode, lock, lockTimeoutMs });
    const committer = new Committer(file, { events: vocabulary, lock, lockTimeoutMs, maxLineBytes });
    const recovery = await committer.start();
    return { file, marks, committer, recovery, vocabulary };
  } catch (error) {
    await closeOpened({ file, marks });
    throw systemError('the log could not be opened', places.log, error);
  }
}

function noOwners({ log }: RunPlaces): EventLogError {
  const what = 'nobody can know here whether another process drives the run (lock: false goes on without)';
  return new EventLogError('ERR_LOCK_UNSUPPORTED', what, { path: log });
}

/** Closes all that an open log holds. */
export async function closeOpened({ file, marks }: Pick<OpenedLog, 'file' | 'marks'>): Promise<void> {
  try {
    await file.close().finally(() => {
      for (const fd of marks) fs.closeSync(fd); // nothing was written: it cannot have to wait for the disk
    });
  } catch (error) {
    throw systemError('the log could not be closed', file.path, error);
  }
}
