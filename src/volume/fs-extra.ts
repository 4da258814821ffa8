/**
 * Making folders, by fs-extra: loaded when the first folder is made, and never by a program that only reads, because its graceful-fs wraps
 * `fs.close` of the whole process.
 *
 * Promise: a bundle that is run without the package makes folders by Node's own call.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type fse from 'fs-extra';
import { isNotInstalled, loadPackage } from '../packages.js';

type MakeFolder = (path: string, options: { readonly mode: number }) => Promise<unknown>;

let make: MakeFolder | undefined;

/** Makes one folder; the system's error where that fails. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  make ??= loaded();
  await make(path, { mode });
}

function loaded(): MakeFolder {
  try {
    return loadPackage<typeof fse>('fs-extra').mkdir;
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    return promisify(fs.mkdir);
  }
}
