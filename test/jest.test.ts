/** The library in the real Jest: under its fake timers it appends, and its time limits end; a CommonJS test imports it. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { plainEnvironment } from './support/command.js';
import { installedOrSkipped } from './support/packages.js';
import { temporaryVolume } from './support/volume.js';

const project = fileURLToPath(new URL('..', import.meta.url));
const TESTS = `
import { mkdirSync } from 'node:fs';
import { jest } from '@jest/globals';
import { EventLog } from 'omne-event-log';

mkdirSync('volume');
jest.useFakeTimers();

test('appends resolve', async () => {
  const log = await EventLog.create('volume', 'p');
  await log.append({ type: 'pipe.started', pipe: 'p' });
  await log.append({ type: 'pipe.completed' });
  expect(await log.tail().toArray()).toHaveLength(2);
  await log.close();
});

test('waiting for a run that does not appear ends', async () => {
  const runId = await EventLog.allocate('volume', 'p');
  const code = await EventLog.tail('volume', runId, { appearTimeout: 50 }).toArray().catch(error => error.code);
  expect(code).toBe('ERR_RUN_NOT_FOUND');
});

test('waiting for a lock ends', async () => {
  const { openSync } = await import('node:fs');
  const { createRequire } = await import('node:module');
  const log = await EventLog.create('volume', 'p', { lockTimeout: 50 });
  const flock = createRequire(import.meta.url)('koffi').load(null).func('int flock(int fd, int operation)');
  flock(openSync(log.path, 'r'), 2);
  expect(await log.append({ type: 'pipe.started', pipe: 'p' }).catch(error => error.code)).toBe('ERR_LOCK_TIMEOUT');
  await log.close();
});
`;

/** In CommonJS: Jest has a `require` of its own. */
const COMMON = `
test('a CommonJS test imports it', async () => {
  const { EventLog } = await import('omne-event-log');
  expect(typeof EventLog.create).toBe('function');
});
`;

test('appends resolve, and appearTimeout and lockTimeout end', { timeout: 180_000 }, async context => {
  const jest = await installedOrSkipped(context, 'jest@30.5.2');
  const folder = temporaryVolume();
  await mkdir(join(folder, 'node_modules'));
  await symlink(project, join(folder, 'node_modules/omne-event-log'), 'dir');
  await symlink(join(project, 'node_modules/koffi'), join(folder, 'node_modules/koffi'), 'dir');
  await symlink(join(jest, 'node_modules/@jest'), join(folder, 'node_modules/@jest'), 'dir');
  await writeFile(
    join(folder, 'package.json'),
    '{ "type": "module", "jest": { "transform": {}, "testMatch": ["**/log.test.js", "**/common.test.cjs"] } }',
  );
  await writeFile(join(folder, 'log.test.js'), TESTS);
  await writeFile(join(folder, 'common.test.cjs'), COMMON);
  const command = [
    '--experimental-vm-modules',
    join(jest, 'node_modules/jest/bin/jest.js'),
    '--ci',
    '--forceExit',
    '--cacheDirectory=cache', // not one that every run leaves something in
  ];
  const { stderr } = await promisify(execFile)(process.execPath, command, {
    cwd: folder,
    env: plainEnvironment(),
  }).catch((error: { stderr: string }) => error);
  expect(stderr).toMatch(/Tests: +4 passed, 4 total/);
});
