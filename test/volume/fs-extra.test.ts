/** fs-extra makes the folders of writers, and is not loaded by who only reads. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { COMMAND, runToEnd } from '../support/command.js';
import { spread } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

/** Prints, when the process ends, whether fs-extra was loaded and whether `fs.close` is another function than at its start. */
const WATCH = `
import fs from 'node:fs';
import module from 'node:module';
const { close } = fs;
process.on('exit', () => {
  const loaded = Object.keys(module._cache).some(path => /[\\\\/](fs-extra|graceful-fs)[\\\\/]/.test(path));
  process.stderr.write(\`loaded \${loaded}, patched \${fs.close !== close}\`);
});`;

async function watched(folder: string, ...args: string[]): Promise<string> {
  const watch = join(folder, 'watch.mjs');
  writeFileSync(watch, WATCH);
  return (await runToEnd([process.execPath, '--import', watch, ...args])).stderr;
}

function program(root: string, code: string): string[] {
  const library = new URL('../../dist/index.js', import.meta.url).href;
  const made = `const { EventLog } = await import(${JSON.stringify(library)});\nconst root = ${JSON.stringify(root)};\n${code}`;
  return ['--input-type=module', '--eval', made];
}

test('a process that reads, follows, lists and appends to a run that is there does not load it', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'p');
  await log.append({ type: 'pipe.started', pipe: 'p' });
  await log.close();
  const left = 'loaded false, patched false';
  const uses = `
    const log = await EventLog.open(root, '${log.runId}');
    const tail = log.tail().toArray();
    await log.append({ type: 'pipe.completed' });
    await log.close();
    await tail;
    await log.read().toArray();
    for await (const _ of EventLog.runs(root));`;
  expect(await watched(root, ...program(root, uses))).toBe(left);
  for (const command of spread(['ls', 'show last', 'verify --all', 'cat last'], 2))
    expect(await watched(root, COMMAND, ...command.split(' '), '--root', root)).toBe(left);
});

test('a process that makes a run makes its folders with it', async () => {
  const root = temporaryVolume();
  const uses = "await (await EventLog.create(root, 'p')).close();";
  expect(await watched(root, ...program(root, uses))).toBe('loaded true, patched true');
});

test('nothing else of the source imports it, nor split2 or koffi, but for their types', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const importing = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .filter(name =>
      /^import (?!type )[^;]*'(fs-extra|split2|koffi)'/m.test(readFileSync(join(source, name), 'utf8')),
    );
  expect(importing).toEqual([]);
});
