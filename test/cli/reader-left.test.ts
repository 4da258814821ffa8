/** A command that waits ends when nobody can read its output any more. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { COMMAND, plainEnvironment } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

/** A quiet run that a writer holds open. */
async function quietRun(): Promise<EventLog> {
  const log = await EventLog.create(temporaryVolume(), 'quiet');
  await log.append({ type: 'pipe.started', pipe: 'quiet' });
  return log;
}

test('a tail into a pipe whose reader has seen enough ends with 0, though no event comes', async () => {
  await using log = await quietRun();
  const line = `'${process.execPath}' '${COMMAND}' tail ${log.runId} --root '${log.root}'; echo "code $?" >&2`;
  const shell = spawn('sh', ['-c', `{ ${line}; } | grep -q pipe.started`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: plainEnvironment(),
  });
  const [said] = await once(shell.stderr, 'data'); // without the look this never comes
  expect(String(said)).toBe('code 0\n');
  await once(shell, 'close');
});

test('a tail into a socket whose other end closes ends too', async () => {
  await using log = await quietRun();
  const child = spawn(process.execPath, [COMMAND, 'tail', log.runId, '--root', log.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: plainEnvironment(),
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

test('a tail whose reader is there, and slow, goes on', async () => {
  await using log = await quietRun();
  const child = spawn(process.execPath, [COMMAND, 'tail', log.runId, '--root', log.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: plainEnvironment(),
  });
  let said = '';
  child.stdout.on('data', text => {
    said += text;
    if (said.includes('pipe.started') && !said.includes('pipe.completed'))
      setTimeout(() => void log.append({ type: 'pipe.completed' }), 200); // a few looks later
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(said).toContain('pipe.completed');
});
