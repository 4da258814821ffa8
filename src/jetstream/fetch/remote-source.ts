/**
 * What a reader and a tail of a copy have in common.
 *
 * Promises: closing and aborting end a reading at once, whatever it waits for; its end, however it comes, gives back what the
 * server holds for it.
 */
import { onAbort } from '../../on-abort.js';
import type { BackwardScanner } from '../../read/backward-scanner.js';
import { type Batch, type BatchSource, batchSource } from '../../read/batch-source.js';
import type { LogScanner } from '../../read/log-scanner.js';
import { orAborted } from '../retry.js';
import type { RemoteLog } from './remote-log.js';

/** A reading under way: what it has opened so far, to be closed with it. */
export interface RemoteReading<Scanner extends AnyScanner> {
  /** Aborts once the reading is closed, or its signal has aborted. */
  readonly ending: AbortSignal;
  log: RemoteLog | undefined;
  scanner: Scanner | undefined;
}

/** Reads a copy forwards or backwards. */
export type AnyScanner = LogScanner<RemoteLog> | BackwardScanner<RemoteLog>;

/** What `next` gives, time and again; `failed` hears of an error that ends it, and `closed` that it was closed. */
export function remoteSource<Scanner extends AnyScanner>(
  signal: AbortSignal | undefined,
  next: (reading: RemoteReading<Scanner>) => Promise<Batch | undefined>,
  { failed, closed }: { failed?: (error: unknown) => void; closed?: () => void } = {},
): BatchSource {
  const ending = new AbortController();
  const reading: RemoteReading<Scanner> = { ending: ending.signal, log: undefined, scanner: undefined };
  const end = () => {
    ending.abort();
    void reading.log?.close(); // wakes a `next` that waits
  };
  const stopListening = signal && onAbort(signal, end);
  const read = async (): Promise<Batch | undefined> => {
    try {
      signal?.throwIfAborted();
      return await orAborted(next(reading), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (ending.signal.aborted) return undefined;
      failed?.(error);
      throw error;
    }
  };
  const release = async () => {
    stopListening?.();
    await reading.log?.close();
    await reading.scanner?.close();
  };
  return batchSource(read, release, () => {
    end();
    closed?.();
  });
}
