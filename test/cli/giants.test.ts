/** Events of megabytes: what the command shows of them is bounded, and says what is left out; JSON has all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Step, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { toolsOf } from '../support/mcp-client.js';
import { temporaryVolume } from '../support/volume.js';

const FAILURES = 5;

test('the overview, ls, show, cat, tail, timeline and get_run cut the messages of a run, show --json has them', async () => {
  const root = temporaryVolume();
  const message = `${'first\n'.repeat(50_000)}\u0001${'last\n'.repeat(50_000)}`;
  const failures = Array.from(
    { length: FAILURES },
    (_, index): Step => [
      index,
      { type: 'node.failed', node_id: `n${index}`, error: { kind: 'crash' }, message },
    ],
  );
  const prompt = '\u0001'.repeat(500_000);
  const { runId } = writeRun(root, 'giants', [
    [0, { type: 'pipe.started', pipe: 'giants', inputs: [{ key: 'prompt', value: prompt }] }],
    ...failures,
    [100, { type: 'pipe.aborted', reason: message }],
  ]);
  const shown = await omneLog(['show', runId, '--root', root]);
  expect(shown.stdout.length).toBeLessThan(40_000);
  expect(shown.stdout).toContain('(500000 characters, --json has all)');
  expect(shown.stdout).toContain('... more before (--json has all)');
  expect(shown.stdout.match(/ last\n/g)).toHaveLength(FAILURES * 20);
  const file = join(root, 'timeline.html');
  await omneLog(['timeline', runId, '--html', file, '--root', root]);
  const page = readFileSync(file, 'utf8');
  expect(page.length).toBeLessThan(200_000);
  expect(page).toContain(' characters left out) …');
  const listed = await omneLog(['ls', '--root', root]);
  expect(listed.stdout.length).toBeLessThan(20_000);
  expect(listed.stdout).toContain(' characters left out) …');
  const overview = await omneLog(['--root', root]);
  expect(overview.stdout.length).toBeLessThan(20_000);
  expect(overview.stdout).toContain(' characters left out) …');
  for (const command of ['cat', 'tail']) {
    const lines = await omneLog([command, runId, '--root', root]);
    expect(lines.stdout.length).toBeLessThan(60_000);
    expect(lines.stdout.match(/ characters left out\) …/g)).toHaveLength(FAILURES + 2);
  }
  const { stdout } = await omneLog(['show', runId, '--json', '--root', root]);
  expect(JSON.parse(stdout).nodes[FAILURES - 1].message).toBe(message);
  const call = await toolsOf(root);
  expect((await call('get_run', { run: runId })).text).toContain('- n4: failed');
  expect((await call('explain_failure', { run: runId })).text).toContain('  message| last');
}, 60_000);

test('node ids of megabytes are cut in every view, one for each node, and make no other row wide', async () => {
  const root = temporaryVolume();
  const id = (number: number) => `${'a'.repeat(500_000)}${number}${'z'.repeat(500_000)}`;
  const giants = [0, 1].flatMap((number): Step[] => [
    [number, { type: 'node.started', node_id: id(number), kind: 'bash' }],
    [number + 2, { type: 'node.failed', node_id: id(number), error: { kind: 'crash' }, message: 'm' }],
  ]);
  const others = Array.from(
    { length: 1000 },
    (_, index): Step => [10 + index, { type: 'node.started', node_id: `n${index}`, kind: 'bash' }],
  );
  const { runId } = writeRun(root, 'giants', [
    [0, { type: 'pipe.started', pipe: 'giants' }],
    ...giants,
    ...others,
    [5000, { type: 'pipe.aborted', reason: 'r' }],
  ]);
  const said = / \(999701 characters left out, sha256 [0-9a-f]{16}\) …/g;
  const file = join(root, 'timeline.html');
  for (const [args, times] of [
    [['show', runId], 2],
    [['cat', runId], 4],
    [['tail', runId], 4],
    [['stats'], 2],
    [['timeline', runId, '--html', file], 0],
  ] as const) {
    const { code, stdout, stderr } = await omneLog([...args, '--root', root]);
    expect([code, stderr], args[0]).toEqual([0, '']);
    expect(stdout.length, args[0]).toBeLessThan(600_000);
    expect(stdout.match(said) ?? [], args[0]).toHaveLength(times);
  }
  const page = readFileSync(file, 'utf8');
  expect(page.length).toBeLessThan(2_000_000);
  expect(page).toMatch(said);
  const { stdout } = await omneLog(['show', runId, '--json', '--root', root]);
  expect(JSON.parse(stdout).nodes[1].nodeId).toBe(id(1));
  const call = await toolsOf(root);
  for (const tool of ['get_run', 'explain_failure', 'read_events'])
    expect((await call(tool, { run: runId })).text.length, tool).toBeLessThan(13_000);
}, 60_000);
