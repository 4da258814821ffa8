/** The programs in this folder that tests run as processes of their own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** The path of a program as it is written: `faults/append` is `append.mjs` in the folder `faults`. */
export function sourcePath(name: string): string {
  return join(HERE, `${name}.mjs`);
}

/** The path of what Node is to run: the bundle, where there is one; see `bundle-programs.ts`. */
export function programPath(name: string): string {
  const bundles = process.env['OMNE_PROGRAMS'];
  return bundles === undefined ? sourcePath(name) : join(bundles, `${name}.mjs`);
}

/** The folder of the package that a program of the manual is to import: likewise one file, without what is for NATS and the web. */
export function packageFolder(): string {
  const bundles = process.env['OMNE_PROGRAMS'];
  return bundles === undefined ? PROJECT : join(bundles, 'omne-event-log');
}
