/** A program bundled as CommonJS finds koffi, which no bundle can hold, and locks; without it the error names the package. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { temporaryVolume } from './support/volume.js';

const project = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = `
import { EventLog } from 'omne-event-log';
EventLog.create(process.argv[2], 'p').then(async log => {
  await log.append({ type: 'pipe.started', pipe: 'p' });
  await log.close();
  console.log('appended');
}).catch(error => console.log(error.code, error.message));
`;

/** Bundles the program and runs it, with the packages given beside it. */
async function bundled(packages: readonly string[]): Promise<string> {
  const folder = temporaryVolume();
  mkdirSync(join(folder, 'node_modules'));
  for (const name of packages)
    symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'main.mjs'), PROGRAM);
  const outfile = join(folder, 'out.cjs');
  await build({
    entryPoints: [join(folder, 'main.mjs')],
    alias: { 'omne-event-log': join(project, 'dist/index.js') },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
    logLevel: 'silent',
  });
  return (await promisify(execFile)(process.execPath, [outfile, folder])).stdout.trim();
}

test('with koffi beside it the bundled program locks and appends', async () => {
  expect(await bundled(['koffi', '@koromix'])).toBe('appended');
});

test('without it the error names the package', async () => {
  const said = await bundled([]);
  expect(said).toContain('ERR_LOCK_UNSUPPORTED');
  expect(said).toContain('the package koffi');
});
