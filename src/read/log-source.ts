/**
 * Where the bytes of a log come from: its file, or a copy of it elsewhere. Whatever reads a log reads this.
 *
 * Promise: positions are those of the log, whichever source it is; what is before `begin` is no longer kept there.
 */
import type { ReadAt } from '../format/lines.js';

/** Fills `buffer`, or what of it comes from `start` on, from `position` at once; fewer bytes only at the end. */
export type ReadNow = (buffer: Buffer, position: number, start?: number) => number;

/** The bytes of one log. */
export interface LogSource {
  /** What errors name. */
  readonly path: string;
  /** Where the first line kept starts. */
  readonly begin: number;
  /** Where the bytes end at this moment. */
  size(): number;
  /** Fills `buffer` from `position`; fewer bytes only at the end, or, where it is read forwards, before a part that is missing. */
  readonly read: ReadAt;
  /** The same at once, on this thread, for the few bytes at the end of a file; absent where no byte that was read ever changes. */
  readonly readNow?: ReadNow;
  close(): Promise<void>;
}
