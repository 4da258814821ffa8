/** The executor of the chapter "Writing an executor", as it is printed there: run, killed, and resumed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { deriveRunState, EventLog, iterations, type RunState, verifyRun } from '../../src/index.js';
import { runToEnd } from '../support/command.js';
import { collect } from '../support/logs.js';
import { blocks, project } from '../support/pages.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const program =
  blocks('js').find(({ heading, page }) => heading === 'The executor' && page.includes('executor'))?.code ??
  '';
const NODES = ['fetch', 'fix', 'lint', 'publish'];

/** A volume with the program of the page in it. */
async function volumeWithProgram(): Promise<string> {
  const root = temporaryVolume();
  await mkdir(join(root, 'node_modules'));
  await symlink(project, join(root, 'node_modules', 'omne-event-log'), 'dir');
  await writeFile(join(root, 'executor.mjs'), program);
  return root;
}

async function stateOf(root: string, runId: string): Promise<RunState> {
  expect(await verifyRun(root, runId)).toMatchObject({ ok: true, ended: true, problems: [], warnings: [] });
  const events = await EventLog.read(root, runId).toArray();
  const done = events.flatMap(event => (event.type === 'node.completed' ? [event.node_id] : []));
  expect(done.sort()).toEqual(NODES); // each of them once
  return deriveRunState(events);
}

test('the executor is short, and runs its pipe: beside each other, with a retry, a loop and a gate', async () => {
  expect(program.split('\n').length).toBeLessThan(85);
  const root = await volumeWithProgram();
  const { code, stdout, stderr } = await runToEnd([process.execPath, 'executor.mjs'], { cwd: root });
  expect([code, stderr]).toEqual([0, '']);
  const runId = stdout.trim();
  const state = await stateOf(root, runId);
  expect(state.status).toBe('completed');
  const node = (id: string) => state.nodes.find(({ nodeId }) => nodeId === id);
  expect(node('fetch')).toMatchObject({ attempts: 2, failedAttempts: 1, interruptedAttempts: 0 });
  expect(node('fix')).toMatchObject({ attempts: 1, iterations: 3 });
  expect(node('publish')).toMatchObject({ gates: [{ gate: 'check', method: 'hook' }] });
  expect(await readFile(join(root, node('lint')?.outputPath ?? ''), 'utf8')).toBe('linted\n');
  const [first] = await collect(iterations(root, runId, 'fix'));
  expect(await first?.text()).toBe('fix\n--- iteration 2 ---\n');
});

test('the executor, killed after any event and resumed, completes each node once and ends the run', async () => {
  const last = 17; // the event before the end of an undisturbed run
  const tries = Math.max(3, rounds(5));
  for (let index = 0; index < tries; index++) {
    const events = 1 + Math.round((index * (last - 1)) / (tries - 1));
    const root = await volumeWithProgram();
    const child = spawn(process.execPath, ['executor.mjs'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    const [runId]: [string] = await new Promise(resolve =>
      createInterface({ input: child.stdout }).once('line', line => resolve([line])),
    );
    let seen = 0;
    for await (const _event of EventLog.tail(root, runId, { pollInterval: 5 })) {
      if (++seen === events) break;
    }
    child.kill('SIGKILL');
    await ended;
    const { code, stderr } = await runToEnd([process.execPath, 'executor.mjs', runId], { cwd: root });
    if (stderr.includes('ERR_RUN_ENDED')) continue; // it was quicker than the kill
    expect([code, stderr], `after event ${events}`).toEqual([0, '']);
    expect((await stateOf(root, runId)).status).toBe('completed');
  }
}, 120_000);
