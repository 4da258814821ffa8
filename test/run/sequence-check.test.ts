/** Warnings of `verifyRun`: sequences of legal events that no executor means. */
import { expect, test } from 'vitest';
import { type EventDraft, EventLog, verifyRun, type Warning } from '../../src/index.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const START = { type: 'pipe.started', pipe: 'feature' } as const;
const started = (node_id: string) => ({ type: 'node.started', node_id, kind: 'bash' }) as const;
const completed = (node_id: string) => ({ type: 'node.completed', node_id, output_path: 'o' }) as const;
const failed = (node_id: string) => ({ type: 'node.failed', node_id, error: { kind: 'crash' } }) as const;
const END = { type: 'pipe.completed' } as const;

async function runOf(...drafts: EventDraft[]): Promise<EventLog> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.appendAll(drafts);
  await log.close();
  return log;
}

/** The warnings about a run of these events; it is ok all the same. */
async function warningsOf(...drafts: EventDraft[]): Promise<readonly Warning[]> {
  const { root, runId } = await runOf(...drafts);
  const { ok, problems, warnings, warningCount } = await verifyRun(root, runId);
  expect([ok, problems, warningCount]).toEqual([true, [], warnings.length]);
  return warnings;
}

const kindsOf = async (...drafts: EventDraft[]) =>
  (await warningsOf(...drafts)).map(({ kind, line }) => [kind, line]);

test('there are no warnings about retries, resumed nodes, and a run that was aborted while nodes ran', async () => {
  const retried = [started('a'), failed('a'), started('a'), started('a'), completed('a')];
  expect(await kindsOf(START, ...retried, END)).toEqual([]);
  expect(await kindsOf(START, started('a'), { type: 'pipe.aborted', reason: 'Ctrl-C' })).toEqual([]);
});

test('a node id that is no file name is reported at each of its events', async () => {
  expect(await kindsOf(START, started('a/b'), completed('a/b'), started(''), failed(''), END)).toEqual(
    [2, 3, 4, 5].map(line => ['node-id-no-file-name', line]),
  );
});

test('a node id is no file name when it and .out are longer than 255 bytes', async () => {
  expect(await kindsOf(START, started('é'.repeat(125)), failed('é'.repeat(125)), END)).toEqual([]);
  const [first, ...others] = await warningsOf(START, started('é'.repeat(126)), failed('é'.repeat(126)), END);
  expect(others).toHaveLength(1);
  expect(first).toMatchObject({
    kind: 'node-id-no-file-name',
    message: `node id "${'é'.repeat(80)}"… cannot be a file name, so the node has no capture file`,
  });
});

test('a pipe that starts twice, or is another than the run id says', async () => {
  expect(await kindsOf(START, START)).toEqual([['pipe-started-twice', 2]]);
  expect(await warningsOf({ ...START, pipe: 'other' })).toEqual([
    { kind: 'other-pipe', line: 1, offset: 0, message: 'the pipe is other, the run is one of feature' },
  ]);
});

test('a node that ends without a start, or twice', async () => {
  expect(await kindsOf(START, completed('a'), started('b'), failed('b'), completed('b'))).toEqual([
    ['end-without-start', 2],
    ['end-without-start', 5],
  ]);
});

test('a gate or an iteration of a node that never started, and none of one that started or has ended', async () => {
  const gate = { type: 'gate.passed', node_id: 'a', gate: 'review', method: 'human_cli' } as const;
  const iteration = { type: 'iteration.started', node_id: 'a', iteration: 1, byte_offset: 0 } as const;
  expect(await warningsOf(START, gate, iteration)).toMatchObject([
    { kind: 'gate-without-start', line: 2, message: 'a, which has not started, passed gate review' },
    { kind: 'iteration-without-start', line: 3, message: 'iteration 1 of a, which has not started' },
  ]);
  expect(await kindsOf(START, started('a'), gate, iteration, failed('a'), gate, END)).toEqual([]);
});

test('a pipe that completes while nodes run: some are named', async () => {
  const [warning] = await warningsOf(START, ...'abcdefg'.split('').map(started), completed('b'), END);
  expect(warning).toMatchObject({
    kind: 'completed-while-running',
    line: 10,
    message: 'the pipe completed while a, c, d, e, f and 1 more ran',
  });
});

test('no more warnings are listed than maxProblems, and all are counted', async () => {
  const { root, runId } = await runOf(...Array.from({ length: 50 }, () => completed('a')));
  const report = await verifyRun(root, runId, { maxProblems: 7 });
  expect([report.ok, report.warningCount, report.warnings.length]).toEqual([true, 50, 7]);
});

test('with more nodes running than it keeps, it warns of no end it cannot judge', async () => {
  const nodes = Array.from({ length: 10_050 }, (_, index) => String(index));
  expect(await kindsOf(START, ...nodes.map(started), ...nodes.map(completed), END)).toEqual([]);
  const gate = { type: 'gate.passed', node_id: '10049', gate: 'g', method: 'hook' } as const;
  expect(await kindsOf(START, ...nodes.flatMap(id => [started(id), failed(id)]), gate, END)).toEqual([]);
});

test('omne-log verify prints them, and exits with 0', async () => {
  const { root, runId } = await runOf(START, completed('a\u001b'), END);
  const { code, stdout } = await omneLog(['verify', runId, '--root', root]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/✓ \S+ {2}ok, 1 warning, 3 events/);
  expect(stdout).toContain('warning: end-without-start: node.completed of a\\u001b, which is not running');
});
