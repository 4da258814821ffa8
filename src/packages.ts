/**
 * Packages that are loaded when they are needed, and that no bundle has to hold.
 *
 * Promise: a package is found from where this file is, and from the program that runs, for a bundle: one made as CommonJS does
 * not know where it is, and one made by webpack only where it was made.
 */
import module from 'node:module'; // whole: webpack takes a createRequire that is imported by name for its own, and cuts it out
import { resolve } from 'node:path';
import { errnoOf } from './errors.js';

/** Loads a CommonJS package; throws with the code `MODULE_NOT_FOUND` where it is not installed. */
export function loadPackage<Package>(name: string): Package {
  const program = resolve(process.argv[1] ?? 'program.js');
  try {
    return module.createRequire(import.meta.url ?? program)(name);
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    return module.createRequire(program)(name);
  }
}

/** Whether an error says that a package is not installed. */
export function isNotInstalled(error: unknown): boolean {
  return errnoOf(error) === 'MODULE_NOT_FOUND';
}
