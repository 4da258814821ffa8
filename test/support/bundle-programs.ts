/**
 * Before the tests, each program that they run is made one file, with all it needs of `dist/`: Node loads that in a fifth of the
 * time, and hundreds of processes are started. So is the package that programs of the manual import. Where all counts programs
 * load `dist/` as users do.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';
import { fullStrength } from './rounds.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/** Beside the packages, so that a bundle finds those it imports. */
const CACHE = join(PROJECT, 'node_modules/.cache');

/** Called by Vitest before the tests; what it returns, after them. */
export async function setup(project: TestProject): Promise<(() => void) | undefined> {
  const { coverage } = project.vitest.config; // which is of the files in `dist/`
  if (fullStrength || coverage.enabled || process.platform === 'win32') return undefined; // esbuild does not start under Wine
  mkdirSync(CACHE, { recursive: true });
  const outdir = mkdtempSync(join(CACHE, 'programs-'));
  await bundleInto(outdir);
  project.onTestsRerun(() => bundleInto(outdir));
  process.env['OMNE_PROGRAMS'] = outdir; // the processes of the tests inherit it
  return () => rmSync(outdir, { recursive: true });
}

async function bundleInto(outdir: string): Promise<void> {
  const entryPoints = readdirSync(HERE, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.mjs'))
    .map(name => join(HERE, name));
  const options = {
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  } as const;
  await build({ entryPoints, outdir, outbase: HERE, outExtension: { '.js': '.mjs' }, ...options });
  const library = join(outdir, 'omne-event-log');
  await build({ entryPoints: [join(PROJECT, 'dist/index.js')], outdir: join(library, 'dist'), ...options });
  copyFileSync(join(PROJECT, 'package.json'), join(library, 'package.json'));
}
