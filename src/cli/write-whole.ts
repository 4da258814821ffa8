/**
 * Writing a file as a whole.
 *
 * Promise: where it fails nothing is left, and what was there before is as it was. A device or a pipe is written to as it is.
 */
import { randomUUID } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { systemError } from '../errors.js';

/** Writes it beside and renames it; where the name is a link, what that leads to is replaced. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const old = await stat(target).catch(() => undefined);
  if (old !== undefined && !old.isFile()) return writeFile(target, text);
  const beside = `${target}.new-${randomUUID()}`;
  try {
    await writeFile(beside, text, { flag: 'wx', mode: old?.mode ?? 0o666 });
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined); // the first error is the one to report
    throw systemError('the file could not be written', path, error);
  }
}
