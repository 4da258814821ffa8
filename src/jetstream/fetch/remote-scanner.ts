/** A scanner of a remote run: the scanner of files, on the bytes of the copy. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { EventFilter } from '../../read/event-filter.js';
import { LogScanner, type ScanOptions } from '../../read/log-scanner.js';
import { findStart } from '../../read/start-position.js';
import { DEFAULT_STREAM } from '../subjects.js';
import { RemoteLog } from './remote-log.js';
import { remoteOf, StoredRun } from './stored-run.js';

/** What to read, from which stream. */
export interface RemoteScanOptions extends ScanOptions {
  readonly stream?: string | undefined;
  /** How long to wait for the word whether there is such a run, in milliseconds; as for every request by default. */
  readonly answerTimeout?: number;
}

/** Opens the copy of a run. */
export async function openRemote(
  connection: NatsConnection,
  runId: string,
  { stream = DEFAULT_STREAM, answerTimeout }: RemoteScanOptions,
): Promise<RemoteLog> {
  const run = new StoredRun(await remoteOf(connection, stream), runId);
  // Only this question has a time of its own: once it is answered the run is there, and the search in it may take its time.
  return RemoteLog.open(run, answerTimeout === undefined ? run : await run.within(answerTimeout));
}

/** Finds the place to start in a copy, and reads on from there; closes it where that fails. */
export async function scanRemote(
  log: RemoteLog,
  filter: EventFilter,
  options: RemoteScanOptions,
): Promise<LogScanner<RemoteLog>> {
  try {
    const start = await findStart(log, filter, options);
    log.forwardFrom(start);
    return new LogScanner(log, start, filter, options);
  } catch (error) {
    await log.close();
    throw error;
  }
}
