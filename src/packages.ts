/**
 * Packages that are loaded when they are needed, and that no bundle has to hold.
 *
 * Promise: a package is looked for from where this file is. A bundle that does not know where it is (CommonJS), or only where it was
 * made (webpack), looks from the program that runs.
 */
import { existsSync } from 'node:fs';
import module from 'node:module'; // whole: webpack takes a createRequire that is imported by name for its own, and cuts it out
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errnoOf } from './errors.js';

let from: string | undefined;

/** Loads a CommonJS package; throws with the code `MODULE_NOT_FOUND` where it is not installed. */
export function loadPackage<Package>(name: string): Package {
  from ??= placeOfThis(import.meta.url) ?? resolve(process.argv[1] ?? 'program.js');
  return module.createRequire(from)(name);
}

function placeOfThis(url: string | undefined): string | undefined {
  const path = url === undefined ? undefined : fileURLToPath(url);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** Whether an error says that a package is not installed. */
export function isNotInstalled(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'; // by `require`, by `import`
}
