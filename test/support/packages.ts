/**
 * Packages of the registry that a few tests try the library with and that are too large, or too old, to be development
 * dependencies. They are installed once, into the cache folder of the user: `npm ci` would take them out of node_modules, and
 * Jest takes half a minute to install.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';

const BUILD = fileURLToPath(new URL('../../dist', import.meta.url));
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'omne-event-log/packages');

/** A folder whose `node_modules` holds the packages given, each with its exact version: `jest@30.2.0`. */
export async function installed(...packages: readonly string[]): Promise<string> {
  const folder = join(cache, packages.join('+').replaceAll('/', '-'));
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, 'making-'));
  await writeFile(join(making, 'package.json'), '{ "private": true }');
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--prefix', making, ...packages]);
  await rename(making, folder).catch(async error => {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // another test was quicker
  });
  return folder;
}

/** The same; where the registry cannot be reached the test is skipped with that reason, or fails in CI. */
export async function installedOrSkipped(
  context: TestContext,
  ...packages: readonly string[]
): Promise<string> {
  try {
    return await installed(...packages);
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return context.skip(`${packages.join(', ')} could not be installed: is there a registry?`);
  }
}

/** Copies what was built into a folder, without what is for editors and debuggers only. */
export function copyBuild(to: string): void {
  cpSync(BUILD, join(to, 'dist'), { recursive: true, filter: path => !/\.(map|d\.ts)$/.test(path) });
}
