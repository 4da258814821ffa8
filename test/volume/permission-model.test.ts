/** Node's permission model: with the right to read the package and the volume, runs are read; writing takes a sync, which the model forbids. */
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { type Outcome, runToEnd } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const PACKAGE = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));
const DIST = join(PACKAGE, 'dist', 'index.js');
const FLAG = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

/** Runs a program that may read the package and the volume, and no more than `rights` besides. */
async function restricted(root: string, body: string, rights: readonly string[] = []): Promise<Outcome> {
  const program = join(root, 'program.mjs');
  const load = `import { EventLog, verifyRun } from ${JSON.stringify(DIST)};\nconst root = ${JSON.stringify(root)};`;
  writeFileSync(program, `${load}\n${body}\n`);
  const reads = [PACKAGE, root].map(folder => `--allow-fs-read=${join(folder, '*')}`);
  return runToEnd([process.execPath, '--no-warnings', FLAG, ...reads, ...rights, program]);
}

test('a program that may read the package and the volume imports it, and reads, follows and checks a run', async () => {
  const root = realpathSync(temporaryVolume());
  const log = await EventLog.create(root, 'p');
  await log.append({ type: 'pipe.started', pipe: 'p' });
  await log.append({ type: 'pipe.completed' });
  await log.close();
  const body = `const id = ${JSON.stringify(log.runId)};
    const read = await EventLog.read(root, id).toArray();
    const tailed = await EventLog.tail(root, id).toArray();
    console.log(read.length, tailed.length, (await verifyRun(root, id)).ok);`;
  expect(await restricted(root, body)).toEqual({ code: 0, stdout: '2 2 true\n', stderr: '' });
});

test('without the right to the volume reading fails, and says what is denied', async () => {
  const root = realpathSync(temporaryVolume());
  const other = realpathSync(temporaryVolume());
  const log = await EventLog.create(other, 'p');
  await log.close();
  const body = `await EventLog.read(${JSON.stringify(other)}, ${JSON.stringify(log.runId)}).toArray()
    .catch(error => console.log(error.code, error.message, error.cause?.code));`;
  const { stdout } = await restricted(root, body);
  expect(stdout).toMatch(/^ERR_SYSTEM the log could not be opened.* ERR_ACCESS_DENIED$/m);
});

test('writing is ERR_SYSTEM that says why, with every right', async () => {
  const root = realpathSync(temporaryVolume());
  mkdirSync(join(root, '.omne'), { recursive: true });
  const body = `await EventLog.create(root, 'p').catch(error => console.log(error.code, error.message));`;
  const rights = ['--allow-fs-read=*', '--allow-fs-write=*', '--allow-addons'];
  const { stdout } = await restricted(root, body, rights);
  expect(stdout).toMatch(/^ERR_SYSTEM .*(fdatasync|fsync) API is disabled when Permission Model is enabled/);
});
