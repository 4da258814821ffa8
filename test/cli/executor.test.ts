/** The small pipe executor, in this process: how runs end that the demo does not show. */
import { expect, test } from 'vitest';
import type { CommandLine } from '../../src/cli/demo/child.js';
import { type PipeNode, runPipe } from '../../src/cli/demo/executor.js';
import { EventLog, verifyRun } from '../../src/index.js';
import { temporaryVolume } from '../support/volume.js';

const shell = (script: string): CommandLine => ['sh', '-c', script];
const succeed = shell('exit 0');
const fail = shell('exit 3');

/** Runs a pipe of these steps; tells how it ended, and the events of its log without what differs from run to run. */
async function run(...steps: PipeNode[][]) {
  const root = temporaryVolume();
  const { runId, reason } = await runPipe(root, { name: 'small', inputs: [], steps });
  expect(await verifyRun(root, runId)).toMatchObject({ ok: true, ended: true });
  const events = await EventLog.read(root, runId).toArray();
  return { reason, events: events.map(({ id: _id, ts: _ts, run_id: _runId, ...rest }) => rest) };
}

test('a pipe whose nodes all succeed is completed', async () => {
  const { reason, events } = await run(
    [
      {
        id: 'a',
        kind: 'command',
        command: succeed,
        gate: { name: 'tests', hook: shell('echo fine') },
      },
    ],
    [{ id: 'b', kind: 'loop', command: succeed, until: succeed, maxIterations: 5 }],
  );
  expect(reason).toBeUndefined();
  expect(events).toMatchObject([
    { type: 'pipe.started', pipe: 'small' },
    { type: 'node.started', node_id: 'a' },
    { type: 'gate.passed', node_id: 'a', gate: 'tests', stdout: 'fine\n' },
    { type: 'node.completed', node_id: 'a' },
    { type: 'node.started', node_id: 'b' },
    { type: 'iteration.started', node_id: 'b', iteration: 1 },
    { type: 'node.completed', node_id: 'b' },
    { type: 'pipe.completed' },
  ]);
});

test('a loop that comes to no end fails after its last iteration', async () => {
  const { reason, events } = await run([
    { id: 'a', kind: 'loop', command: succeed, until: fail, maxIterations: 2 },
  ]);
  expect(reason).toContain('node a failed (not done after 2 iterations)');
  expect(events.slice(2)).toMatchObject([
    { type: 'iteration.started', iteration: 1 },
    { type: 'iteration.started', iteration: 2 },
    { type: 'node.failed', error: { kind: 'max_iterations_exceeded' } },
    { type: 'pipe.aborted' },
  ]);
});

test('a program that is not there fails its node, and no later step runs', async () => {
  const { reason, events } = await run(
    [{ id: 'a', kind: 'command', command: ['no-such-program-anywhere'] }],
    [{ id: 'b', kind: 'command', command: succeed }],
  );
  expect(reason).toContain('node a failed (program not found)');
  expect(events.slice(2)).toMatchObject([
    { type: 'node.failed', error: { kind: 'host_missing' }, message: 'no-such-program-anywhere: not found' },
    { type: 'pipe.aborted', reason },
  ]);
});

test('a program that may not be started ends the run with the error', async () => {
  const root = temporaryVolume();
  const steps: PipeNode[][] = [[{ id: 'a', kind: 'command', command: [root] }]];
  await expect(runPipe(root, { name: 'small', inputs: [], steps })).rejects.toMatchObject({ code: 'EACCES' });
  for await (const run of EventLog.runs(root))
    expect(run).toMatchObject({ status: 'aborted', reason: expect.stringContaining('EACCES') });
});

test('a gate whose hook fails fails its node, and names the failure', async () => {
  const hook = shell('echo one test fails >&2; exit 1');
  const { reason, events } = await run([
    { id: 'a', kind: 'command', command: succeed, gate: { name: 'tests', hook } },
  ]);
  expect(reason).toContain('node a failed (exit code 1)');
  expect(events.slice(2)).toMatchObject([
    { type: 'node.failed', error: { kind: 'gate_failed' }, message: 'one test fails\n' },
    { type: 'pipe.aborted', reason },
  ]);
});
