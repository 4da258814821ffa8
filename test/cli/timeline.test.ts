/** What `omne-log timeline` draws, and of what it makes it; how a browser shows it is in `web/page.test.ts`. */
import { describe, expect, test } from 'vitest';
import { Axis } from '../../src/cli/timeline/axis.js';
import { Timeline } from '../../src/cli/timeline/rows.js';
import { deriveRunState, EventLog, type RunEvent } from '../../src/index.js';
import { ABORTED, type Step, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { drawTimeline, HOSTILE } from '../support/timeline.js';
import { temporaryVolume } from '../support/volume.js';

/** Two nodes run when the executor dies after 6 s; a minute later the run is resumed. */
const INTERRUPTED: readonly Step[] = [
  [0, { type: 'pipe.started', pipe: 'feature' }],
  [1_000, { type: 'node.started', node_id: 'build', kind: 'bash' }],
  [2_000, { type: 'node.started', node_id: 'loop', kind: 'loop' }],
  [6_000, { type: 'iteration.started', node_id: 'loop', iteration: 1, byte_offset: 28 }],
  [66_000, { type: 'node.started', node_id: 'build', kind: 'bash' }],
  [69_000, { type: 'node.completed', node_id: 'build', output_path: 'nodes/build.out' }],
  [70_000, { type: 'node.started', node_id: 'loop', kind: 'loop' }],
  [72_000, { type: 'node.completed', node_id: 'loop', output_path: 'nodes/loop.out' }],
  [73_000, { type: 'pipe.completed' }],
];

describe('the page of omne-log timeline', () => {
  test('is complete in itself: no scripts, and a policy that forbids to load anything', async () => {
    const { html } = await drawTimeline(ABORTED);
    expect(html).toMatch(
      /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|\bhref=|\bsrc=|\bstyle=|https?:|\bon\w+=/);
  });

  test('shows everything as text', async () => {
    const { html, root, runId } = await drawTimeline(ABORTED);
    const shown = (await omneLog(['show', runId, '--root', root])).stdout;
    const [, text = ''] = /<summary>The run as text<\/summary><pre>([\s\S]*?)<\/pre>/.exec(html) ?? [];
    expect(text).toBe(shown);
    expect(html).toContain(
      'aria-label="failed, started at 48.1 s, took 12.9 s; completed, started at 1 m 02 s',
    );
    expect(html).toContain(
      'iteration 1 at 2 m 10 s; iteration 2 at 2 m 51 s; gate tests passed (hook) at 3 m 44 s',
    );
  });

  test('shows an attempt that was interrupted up to where the log last grew, and the time without an executor', async () => {
    const { html, root, runId } = await drawTimeline(INTERRUPTED);
    expect(html).toContain(
      'aria-label="interrupted, started at 1.0 s, took 5.0 s; completed, started at 1 m 06 s, took 3.0 s',
    );
    expect(html).toContain('<title>no executor for up to 1 m 00 s</title>');
    expect(html).not.toContain('class="node running-row"');
    const shown = (await omneLog(['show', runId, '--root', root])).stdout;
    expect(shown).toContain('no executor for up to 1 m 00 s');
    expect(shown).toMatch(/build .* 3\.0 s {2}attempt 2 \(1 interrupted\)/);
  });

  test('goes to standard output for -', async () => {
    const { html, root, runId } = await drawTimeline(ABORTED);
    const { stdout } = await omneLog(['timeline', runId, '--html', '-', '--root', root]);
    expect(stdout).toBe(html);
  });

  test('holds no text of an event unescaped', async () => {
    const { html } = await drawTimeline(HOSTILE);
    expect(html).not.toMatch(/<script|<img|[\u0000-\u0009\u000b-\u001f\u202e]/);
    expect(html).toContain('&lt;script&gt;document.title=&#39;owned&#39;');
  });

  test('shows as much of a damaged log as can be read, and says so', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', UNFINISHED, { rest: '{"type":"nonsense"}\n' });
    const outcome = await omneLog(['timeline', runId, '--html', '-', '--root', root]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('ERR_MALFORMED_LINE');
    expect(outcome.stdout).toContain('<p class="damage">! malformed line: unknown event type');
    expect(outcome.stdout).toContain('<td class="time">running</td>');
  });
});

describe('the time axis', () => {
  test.each([
    [0, ['0', '1 ms']],
    [7, ['0', '2 ms', '4 ms', '6 ms']],
    [302, ['0', '100 ms', '200 ms', '300 ms']],
    [2400, ['0', '500 ms', '1 s', '1.5 s', '2 s']],
    [42_000, ['0', '10 s', '20 s', '30 s', '40 s']],
    [100_000, ['0', '30 s', '1:00 min', '1:30 min']],
    [240_000, ['0', '1 min', '2 min', '3 min', '4 min']],
    [5 * 3_600_000, ['0', '1 h', '2 h', '3 h', '4 h', '5 h']],
    [30 * 86_400_000, ['0', '6 d', '12 d', '18 d', '24 d', '30 d']],
  ])('of %i ms has round ticks', (length, labels) => {
    expect(new Axis({ start: 5, end: 5 + length }).ticks().map(({ label }) => label)).toEqual(labels);
  });

  test('places times between 0 and 100 percent', () => {
    const axis = new Axis({ start: 1000, end: 2000 });
    expect([1000, 1250, 2000, 500, 9000].map(time => axis.percent(time))).toEqual([0, 25, 100, 0, 100]);
    expect(new Axis({ start: 1, end: 1 }).percent(1)).toBe(0);
  });
});

describe('the fold that the timeline draws', () => {
  test('keeps every attempt, and moments for ends without a start', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', ABORTED);
    const timeline = new Timeline();
    for await (const event of EventLog.read(root, runId)) timeline.apply(event);
    expect(timeline.rows.map(({ node, spans }) => [node.nodeId, spans.map(({ status }) => status)])).toEqual([
      ['plan', ['completed']],
      ['実装する', ['failed', 'completed']],
      ['fix-loop', ['completed']],
      ['publish', ['failed']],
    ]);
    const alone = new Timeline();
    alone.apply({
      type: 'node.completed',
      id: '1',
      ts: '2026-04-15T12:00:00Z',
      run_id: 'r',
      node_id: 'n',
      output_path: 'o',
    });
    expect(alone.rows[0]?.spans).toEqual([
      { start: Date.UTC(2026, 3, 15, 12), end: Date.UTC(2026, 3, 15, 12), status: 'completed' },
    ]);
  });

  test('gives the attempts and times of the run state', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', INTERRUPTED);
    const timeline = new Timeline();
    for await (const event of EventLog.read(root, runId)) timeline.apply(event);
    expect(timeline.state).toEqual(deriveRunState(await EventLog.read(root, runId).toArray()));
    expect(timeline.rows.map(({ spans }) => spans.map(({ start, end = 0 }) => end - start))).toEqual([
      [5000, 3000],
      [4000, 2000],
    ]);
    expect(timeline.downtimes.map(({ start, end }) => end - start)).toEqual([60_000]);
  });

  test('takes times that cannot be read', () => {
    const timeline = new Timeline();
    const common = { id: '1', ts: 'yesterday', run_id: 'r', node_id: 'n' };
    timeline.apply({ type: 'node.started', ...common, kind: 'loop' });
    timeline.apply({ type: 'iteration.started', ...common, iteration: 1, byte_offset: 0 });
    expect(timeline.rows.map(({ node, iterations }) => [node.nodeId, iterations])).toEqual([['n', []]]);
    expect(timeline.extent).toBeUndefined();
  });

  test('keeps no more marks than can be seen, and counts the others', () => {
    const timeline = new Timeline();
    const event = (index: number): RunEvent => ({
      type: 'iteration.started',
      id: String(index),
      ts: new Date(1000 * index).toISOString(),
      run_id: 'r',
      node_id: 'n',
      iteration: index,
      byte_offset: 0,
    });
    for (let index = 0; index < 100_000; index++) timeline.apply(event(index));
    const marks = timeline.rows[0]?.iterations ?? [];
    expect(marks.length).toBeLessThan(20_000);
    expect(marks.reduce((sum, { others }) => sum + 1 + others, 0)).toBe(100_000);
  });
});
