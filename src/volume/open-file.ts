/**
 * Opening a file, and failing at once when that fails.
 *
 * Never through fs-extra: its graceful-fs keeps an `open` that met EMFILE waiting for up to a minute, out of reach of any signal or
 * time limit.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';

/** Opens a file and resolves with its descriptor. */
export const openFile: (path: string, flags: number, mode?: number) => Promise<number> = promisify(fs.open);

/** Opens a file to read, which takes no longer than entering a folder: a trip through the thread pool would be most of it. */
export function openNow(path: string, flags: number): number {
  return fs.openSync(path, flags);
}
