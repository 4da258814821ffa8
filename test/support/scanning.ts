/** Scanning a log by hand. */
import type { LogEvent } from '../../src/format/schema.js';
import { EventFilter, type ReadOptions } from '../../src/read/event-filter.js';
import { LogScanner } from '../../src/read/log-scanner.js';
import { placesOf } from '../../src/volume/places.js';
import { RUN_ID } from './logs.js';

/** What a scan gave, and how it ended. */
export interface Scanned {
  readonly events: LogEvent[];
  readonly ends: number[];
  readonly error: unknown;
  readonly tornBytes: number;
}

/** Opens the log of the sample run of a volume; the caller closes it. */
export function openScanner(root: string, options: ReadOptions = {}): Promise<LogScanner> {
  return LogScanner.open(placesOf(root, RUN_ID), new EventFilter(options), options);
}

/** Scans the sample run of a volume to the end or to the first error. */
export async function scan(root: string, options: ReadOptions = {}): Promise<Scanned> {
  const events: LogEvent[] = [];
  const ends: number[] = [];
  let error: unknown;
  const scanner = await openScanner(root, options);
  try {
    for (let batch = await scanner.next(); batch !== undefined; batch = await scanner.next()) {
      events.push(...batch.events);
      ends.push(...batch.ends);
    }
  } catch (caught) {
    error = caught;
  } finally {
    await scanner.log.close();
  }
  return { events, ends, error, tornBytes: scanner.tornBytes };
}
