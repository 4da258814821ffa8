/** Figures over many runs: exact, whatever the runs are. */
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { widthOf } from '../../src/cli/screen/width.js';
import { decodeEvent, deriveRunState, type EventDraft, EventLog } from '../../src/index.js';
import type { FoldedRun } from '../../src/run/look-at-run.js';
import { RunTally } from '../../src/run/statistics.js';
import { ABORTED, abandon, COMPLETED, type Step, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const RUN_ID = 'p-01kp8g6dg0zg6axb6gqz17wf7m';

/** A run of these drafts, each so many milliseconds after the start. */
function runOf(steps: readonly (readonly [number, EventDraft])[], facts: Partial<FoldedRun> = {}): FoldedRun {
  const events = steps.map(([at, draft], index) =>
    decodeEvent(
      JSON.stringify({
        ...draft,
        id: String(index).padStart(26, '0'),
        ts: new Date(at).toISOString(),
        run_id: RUN_ID,
      }),
    ),
  );
  const state = deriveRunState(events);
  const { status, durationMs } = state;
  return {
    runId: RUN_ID,
    pipe: 'p',
    status,
    live: false,
    orphan: false,
    bytes: 1,
    ...(durationMs === undefined ? {} : { durationMs }),
    ...facts,
    state,
  };
}

const start = (node_id: string): EventDraft => ({ type: 'node.started', node_id, kind: 'bash' });
const end = (node_id: string): EventDraft => ({ type: 'node.completed', node_id, output_path: 'o' });
const fail = (node_id: string): EventDraft => ({ type: 'node.failed', node_id, error: { kind: 'crash' } });

/** A run whose one node takes so long. */
const simple = (ms: number) =>
  runOf([
    [0, { type: 'pipe.started', pipe: 'p' }],
    [0, start('n')],
    [ms, end('n')],
    [ms, { type: 'pipe.completed' }],
  ]);

describe('RunTally', () => {
  test('has the median and the 95th percentile of what completed', () => {
    const tally = new RunTally();
    for (let ms = 1; ms <= 100; ms++) tally.add(simple(ms));
    const { took, nodes } = tally.statistics;
    expect(took).toEqual({ count: 100, median: 50, p95: 95, max: 100 });
    expect(nodes).toMatchObject([{ nodeId: 'n', runs: 100, attempts: 100, completed: 100, failed: 0, took }]);
  });

  test('shows the trend by stretches of runs, oldest first, and where nothing completed null', () => {
    const tally = new RunTally();
    for (let ms = 1; ms <= 40; ms++) tally.add(simple(ms));
    const { trend } = tally.statistics;
    expect(trend).toHaveLength(20);
    expect(trend[0]).toBe(1);
    expect(trend.at(-1)).toBe(39);
    tally.add(runOf([[0, { type: 'pipe.aborted', reason: 'r' }]]));
    const few = new RunTally();
    few.add(simple(5));
    few.add(runOf([[0, { type: 'pipe.aborted', reason: 'r' }]]));
    expect(few.statistics.trend).toEqual([5, null]);
  });

  test('counts each attempt, and a run as flaky where a node failed and then completed', () => {
    const tally = new RunTally();
    tally.add(
      runOf([
        [0, start('n')],
        [5, fail('n')],
        [6, start('n')],
        [9, end('n')],
        [9, { type: 'pipe.completed' }],
      ]),
    );
    tally.add(
      runOf([
        [0, start('n')],
        [5, fail('n')],
        [6, { type: 'pipe.aborted', reason: 'r' }],
      ]),
    );
    tally.add(
      runOf([
        [0, start('n')],
        [1, start('n')],
        [2, end('n')],
      ]),
    );
    const { nodes, failures } = tally.statistics;
    expect(nodes).toMatchObject([
      { runs: 3, attempts: 5, completed: 2, failed: 2, interrupted: 1, flaky: 1 },
    ]);
    expect(failures).toEqual([{ kind: 'crash', count: 2 }]);
  });

  test('keeps live runs apart from those left, names damaged ones, and keeps nodes of several pipes apart', () => {
    const tally = new RunTally();
    tally.add(runOf([[0, start('n')]], { live: true }));
    tally.add(runOf([[0, start('n')]], { pipe: 'q', problem: 'bad' }));
    expect(tally.statistics).toMatchObject({ runs: 2, live: 1, left: 1, damaged: 1, damagedRuns: [RUN_ID] });
    expect(tally.statistics.nodes).toHaveLength(2);
  });

  test('has no figures for nothing', () => {
    expect(new RunTally().statistics).toEqual({
      ...{ runs: 0, completed: 0, aborted: 0, live: 0, left: 0, noEvent: 0, damaged: 0, damagedRuns: [] },
      ...{ trend: [], failures: [], nodes: [] },
    });
  });
});

describe('omne-log stats', () => {
  test('shows runs, failures and nodes in 80 columns, and names what is damaged', async () => {
    const root = temporaryVolume();
    for (let hour = 1; hour < 9; hour++)
      writeRun(root, 'feature', COMPLETED, { start: Date.now() - hour * 3_600_000 });
    writeRun(root, 'feature', ABORTED);
    const damaged = writeRun(root, 'nightly', UNFINISHED, { rest: '{"type":"nonsense"}\n' });
    const { code, stdout, stderr } = await omneLog(['stats', '--root', root], { env: { COLUMNS: '80' } });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('10 runs: 8 completed, 1 aborted, 1 left without an end, 1 damaged');
    expect(stdout).toContain('failures: timeout 10, crash 1');
    expect(stdout).toContain(damaged.runId);
    expect(stdout).toMatch(/NODE +MEDIAN +P95 +FAILED +FLAKY +TREND/);
    for (const line of stdout.split('\n').filter(line => !line.includes('!')))
      expect(widthOf(line)).toBeLessThanOrEqual(80);
  });

  test('counts a run without an event as live only while a writer holds it, as ls says', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    const figures = async () => JSON.parse((await omneLog(['stats', '--json', '--root', root])).stdout);
    expect(await figures()).toMatchObject({ runs: 1, live: 1, left: 0, noEvent: 0 });
    await log.close();
    expect(await figures()).toMatchObject({ runs: 1, live: 0, left: 0, noEvent: 1 });
    expect((await omneLog(['stats', '--root', root])).stdout).toBe('1 run: 1 with no event yet\n');
    abandon({ runId: log.runId, path: log.path, folder: dirname(log.path) });
    expect(await figures()).toMatchObject({ runs: 1, live: 0, left: 1, noEvent: 0 });
  });

  test('rounds what failed to the nearest percent, and says 0 and 100 of nothing else', async () => {
    const root = temporaryVolume();
    const attempts = (node: string, failed: number, all: number): Step[] =>
      Array.from({ length: all }, (_, index): Step[] => [
        [index, start(node)],
        [index, index < failed ? fail(node) : end(node)],
      ]).flat();
    writeRun(root, 'p', [
      ...attempts('third', 1, 3),
      ...attempts('most', 299, 300),
      ...attempts('few', 1, 300),
    ]);
    writeRun(root, 'p', attempts('all', 2, 2));
    const { stdout } = await omneLog(['stats', '--root', root]);
    expect(
      Object.fromEntries(
        Array.from(stdout.matchAll(/^(\w+) .* (\d+ \(\d+%\))/gm), ([, node, share]) => [node, share]),
      ),
    ).toEqual({
      third: '1 (33%)',
      most: '299 (99%)',
      few: '1 (1%)',
      all: '2 (100%)',
    });
  });

  test('takes a pipe and a time, and gives all figures as JSON', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED, { start: Date.now() - 3 * 86_400_000 });
    writeRun(root, 'feature', COMPLETED);
    writeRun(root, 'other', COMPLETED);
    const { stdout } = await omneLog([
      'stats',
      '--root',
      root,
      '--pipe',
      'feature',
      '--since',
      '2d',
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ runs: 1, completed: 1, took: { count: 1, median: 240_010 } });
    expect((await omneLog(['stats', '--root', root, '--since', 'yesterday'])).code).toBe(2);
    const none = await omneLog(['stats', '--root', root, '--pipe', 'none', '--json']);
    expect([none.code, JSON.parse(none.stdout)]).toMatchObject([0, { runs: 0, damagedRuns: [], nodes: [] }]);
  });
});
