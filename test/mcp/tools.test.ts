/** The tools that show runs, events and places: what they say, how they are bounded, and the calls they name. */
import { mkdirSync, utimesSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { defineEvents, EventLog, field } from '../../src/index.js';
import { placesOf } from '../../src/volume/places.js';
import {
  ABORTED,
  abandon,
  COMPLETED,
  type Step,
  UNFINISHED,
  writeCapture,
  writeRun,
} from '../support/cli-runs.js';
import { type CallTool, nextCall, toolsOf } from '../support/mcp-client.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const HOUR_MS = 3_600_000;

/** All answers, following the calls that they name. */
async function followed(call: CallTool, name: string, values: Record<string, unknown>): Promise<string[]> {
  const texts: string[] = [];
  for (let [next, arguments_] = [name, values]; ; ) {
    const { text, isError } = await call(next, arguments_);
    expect(isError).toBe(false);
    expect(text.length).toBeLessThanOrEqual(Number(values['max_chars'] ?? 12_000));
    texts.push(text);
    if (!/^(There are more|Nodes \d).*Next: /m.test(text)) return texts;
    [next, arguments_] = nextCall(text);
  }
}

describe('list_runs', () => {
  test('newest first, twenty at a time, and following the calls lists each run once', async () => {
    const root = temporaryVolume();
    const runs = Array.from({ length: 45 }, (_, index) =>
      writeRun(root, 'feature', [[0, { type: 'pipe.started', pipe: 'feature' }]], {
        start: Date.now() - (index + 1) * HOUR_MS,
      }),
    );
    const pages = await followed(await toolsOf(root), 'list_runs', {});
    expect(pages).toHaveLength(3);
    const listed = pages.flatMap(page => [...page.matchAll(/^(feature-\w{26}) {2}/gm)].map(([, id]) => id));
    expect(listed).toEqual(runs.map(({ runId }) => runId));
  });

  test('says how each run is doing, and takes a pipe and a status', async () => {
    const root = temporaryVolume();
    const done = writeRun(root, 'build', COMPLETED);
    const failed = writeRun(root, 'feature', ABORTED);
    const left = writeRun(root, 'feature', UNFINISHED);
    abandon(left);
    const call = await toolsOf(root);
    const { text } = await call('list_runs');
    expect(text).toMatch(new RegExp(`^${done.runId}  completed, started .*, took 4 m 00 s$`, 'm'));
    expect(text).toMatch(new RegExp(`^${failed.runId}  aborted, .*reason: node publish failed$`, 'm'));
    expect(text).toMatch(new RegExp(`^${left.runId}  left \\(its writer died\\), `, 'm'));
    const only = async (values: Record<string, unknown>) =>
      (await call('list_runs', values)).text.match(/^\w+-\w{26}/gm);
    expect(await only({ pipe: 'build' })).toEqual([done.runId]);
    expect(await only({ status: 'aborted' })).toEqual([failed.runId]);
    expect(await only({ status: 'left' })).toEqual([left.runId]);
  });

  test('numbers as texts and out of range are taken as what was meant', async () => {
    const root = temporaryVolume();
    for (let index = 0; index < 3; index++) writeRun(root, 'p', COMPLETED);
    const call = await toolsOf(root);
    expect((await call('list_runs', { limit: '2' })).text.match(/^p-/gm)).toHaveLength(2);
    expect((await call('list_runs', { limit: 100_000 })).text.match(/^p-/gm)).toHaveLength(3);
    expect((await call('list_runs', { max_chars: 1_000_000 })).isError).toBe(false);
  });

  test('a truth as a text and one text for a list are taken as what was meant', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', COMPLETED).runId;
    const call = await toolsOf(root);
    const asked = async (last: unknown, types: unknown) => {
      const { text, isError } = await call('read_events', { run, last, types, limit: 1 });
      expect(isError).toBe(false);
      return text;
    };
    for (const last of [true, false])
      expect(await asked(String(last), 'node.started')).toBe(await asked(last, ['node.started']));
    expect(await asked('true', 'node.started')).toContain('publish');
    expect(await asked('false', 'node.started')).not.toContain('publish');
  });

  test('what is taken for a number out of range is said first, within the bound', async () => {
    const root = temporaryVolume();
    for (let index = 0; index < 60; index++) writeRun(root, 'p', COMPLETED.slice(-1));
    const call = await toolsOf(root);
    for (const max_chars of [10, '10']) {
      const { text } = await call('list_runs', { max_chars, limit: 500 });
      expect(text).toMatch(/^max_chars 10 is taken as 2000\.\nlimit 500 is taken as 100\.\np-/);
      expect(text.length).toBeLessThanOrEqual(2000);
      expect(nextCall(text)[1]).toMatchObject({ max_chars: 2000 });
    }
  });
});

test('get_run shows 450 nodes over several answers, each once', async () => {
  const root = temporaryVolume();
  const steps = Array.from(
    { length: 450 },
    (_, index): Step => [index, { type: 'node.started', node_id: `node-${index}`, kind: 'command' }],
  );
  const { runId } = writeRun(root, 'big', [[0, { type: 'pipe.started', pipe: 'big' }], ...steps]);
  const pages = await followed(await toolsOf(root), 'get_run', { run: runId });
  expect(pages.length).toBeGreaterThanOrEqual(3);
  const nodes = pages.flatMap(page =>
    [...page.matchAll(/^- node-(\d+): running/gm)].map(([, n]) => Number(n)),
  );
  expect(nodes).toEqual(Array.from({ length: 450 }, (_, index) => index));
});

describe('read_events', () => {
  test('following the calls gives every event once, as it is in the log', async () => {
    const root = temporaryVolume();
    const steps = Array.from(
      { length: 700 },
      (_, index): Step => [index, { type: 'node.started', node_id: `n${index}`, kind: 'command' }],
    );
    const { runId } = writeRun(root, 'big', steps);
    const pages = await followed(await toolsOf(root), 'read_events', {
      run: runId,
      limit: 500,
      max_chars: 24_000,
    });
    const nodes = pages.flatMap(page => page.match(/^\{.*\}$/gm) ?? []).map(line => JSON.parse(line).node_id);
    expect(nodes).toEqual(steps.map((_, index) => `n${index}`));
  });

  test('the newest, of a type or of a node', async () => {
    const root = temporaryVolume();
    const { runId: run } = writeRun(root, 'feature', ABORTED);
    const call = await toolsOf(root);
    const types = async (values: Record<string, unknown>) =>
      ((await call('read_events', { run, ...values })).text.match(/^\{.*\}$/gm) ?? []).map(
        line => JSON.parse(line).type,
      );
    expect(await types({ last: true, limit: 2 })).toEqual(['node.failed', 'pipe.aborted']);
    expect(await types({ types: ['gate.passed'] })).toEqual(['gate.passed']);
    expect(await types({ node: 'publish' })).toEqual(['node.started', 'node.failed']);
  });

  test('an event of a megabyte is cut and says how long it is; damage is passed over and named', async () => {
    const root = temporaryVolume();
    const message = 'm'.repeat(1_000_000);
    const steps: Step[] = [[0, { type: 'node.failed', node_id: 'n', error: { kind: 'crash' }, message }]];
    const { runId } = writeRun(root, 'big', steps, { rest: 'no event\n' });
    const { text } = await (await toolsOf(root))('read_events', { run: runId });
    expect(text.length).toBeLessThan(12_000);
    expect(text).toMatch(/… \(1000\d\d\d characters\)$/m);
    expect(text).toContain('Damaged lines were passed over');
  });
});

describe('search_output', () => {
  test('in all nodes, with context, exact totals and the colours gone', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'feature', ABORTED);
    writeCapture(run, 'plan', 'nothing here\n');
    writeCapture(run, 'publish', `a\nb\nc\n\u001b[31mErr\u001b[0mOR one, error two\nd\ne\nf\n`);
    const { text } = await (await toolsOf(root))('search_output', { run: run.runId, text: 'error' });
    expect(text).toContain(
      'publish: 2 matches on 1 lines\n 2| b\n 3| c\n>4| ErrOR one, error two\n 5| d\n 6| e\nThese are all.',
    );
    const none = await (await toolsOf(root))('search_output', {
      run: run.runId,
      text: 'error',
      case_sensitive: true,
      node: 'plan',
    });
    expect(none).toEqual({ text: 'No line holds this text.', isError: false });
  });

  test.for([2000, 12_000])(
    'following the calls shows every matching line once, within %d characters',
    async max_chars => {
      const root = temporaryVolume();
      const run = writeRun(root, 'feature', ABORTED);
      const hitCount = Math.min(300, rounds(max_chars / 2));
      const lines = Array.from({ length: 3 * hitCount }, (_, i) =>
        i % 3 === 0 ? `needle ${i} ${'y'.repeat(i % 70)}` : `hay ${i}`,
      );
      writeCapture(run, 'plan', lines.join('\n'));
      writeCapture(run, 'publish', 'one needle\n');
      const values = { run: run.runId, text: 'needle', limit: 200, max_chars };
      const pages = await followed(await toolsOf(root), 'search_output', { ...values, node: 'plan' });
      const hits = pages.flatMap(page => [...page.matchAll(/^>(\d+)\| /gm)].map(([, line]) => Number(line)));
      expect(hits).toEqual(Array.from({ length: hitCount }, (_, index) => 1 + 3 * index));
      const [first = ''] = await followed(await toolsOf(root), 'search_output', values);
      expect(first).toContain(`plan: ${hitCount} matches on ${hitCount} lines`);
      expect(first).toContain('Not looked at yet');
    },
  );

  test('a match far inside a line of a megabyte is shown with what is around it', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'feature', ABORTED);
    writeCapture(run, 'publish', `${'x'.repeat(500_000)} needle ${'x'.repeat(500_000)}\n`);
    const { text } = await (await toolsOf(root))('search_output', { run: run.runId, text: 'needle' });
    expect(text).toMatch(/^>1\| …x+ needle x+… \[cut: the line begins at from_byte 0\]$/m);
  });
});

/** A run that was allocated and whose folder was made ten minutes ago, and nothing more. */
async function withoutLog(root: string, pipe: string): Promise<string> {
  const runId = await EventLog.allocate(root, pipe);
  const { folder } = placesOf(root, runId);
  mkdirSync(folder, { recursive: true });
  const before = new Date(Date.now() - 600_000);
  utimesSync(folder, before, before);
  return runId;
}

test('of a run without events the pipe is named, and each call that is named can be made', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'nightly');
  await log.close();
  const call = await toolsOf(root);
  expect((await call('get_run', { run: 'last' })).isError).toBe(true); // it has not begun
  const run = log.runId;
  expect((await call('get_run', { run })).text).toContain('pipe nightly, 0 events');
  const { text } = await call('explain_failure', { run });
  const named = [...text.matchAll(/: (\w+) (\{.*\})$/gm)];
  expect(named.map(([, tool]) => tool)).toEqual(['get_run', 'list_runs']);
  for (const [, tool = '', values = ''] of named)
    expect(await call(tool, JSON.parse(values))).toMatchObject({ isError: false });
});

test('of a run with a damaged line all else is told, and the damage', async () => {
  const root = temporaryVolume();
  const run = writeRun(root, 'feature', UNFINISHED, { rest: 'nonsense\n' }).runId;
  const { text, isError } = await (await toolsOf(root))('get_run', { run });
  expect(isError).toBe(false);
  expect(text).toContain('publish');
  expect(text).toMatch(/damage.*malformed line/i);
});

describe('explain_failure', () => {
  test.for([{}, { pipe: 'nightly' }])(
    'with %j goes on to the newest failure that can be read, and names what it passed over',
    async values => {
      const root = temporaryVolume();
      const failed = writeRun(root, 'nightly', ABORTED);
      const unreadable = await withoutLog(root, 'nightly');
      const { text, isError } = await (await toolsOf(root))('explain_failure', values);
      expect(isError).toBe(false);
      expect(text).toContain(`Run ${failed.runId}: aborted`);
      expect(text).toMatch(
        new RegExp(`^Passed over, not readable: 1 run; the newest: ERR_RUN_NOT_FOUND: .*${unreadable}`),
      );
    },
  );

  test('where no failure can be read it says so, and which cannot', async () => {
    const root = temporaryVolume();
    const unreadable = await withoutLog(root, 'nightly');
    const { text, isError } = await (await toolsOf(root))('explain_failure');
    expect(isError).toBe(false);
    expect(text).toContain('No run that can be read was aborted or left');
    expect(text).toContain(unreadable);
  });

  test('the latest run that was left: what was running, and the end of what it printed', async () => {
    const root = temporaryVolume();
    writeRun(root, 'feature', COMPLETED, { start: Date.now() - HOUR_MS / 2 });
    const left = writeRun(root, 'feature', UNFINISHED);
    abandon(left);
    writeCapture(left, 'publish', Array.from({ length: 500 }, (_, index) => `step ${index + 1}\n`).join(''));
    const { text } = await (await toolsOf(root))('explain_failure');
    expect(text).toContain(`Run ${left.runId}: not ended, no writer`);
    expect(text).toContain('No node failed; these did not end');
    expect(text).toContain('- publish: running');
    expect(text).toContain('The last 60 of 500 lines it printed:');
    expect(text).toContain(' 500| step 500');
    expect(text).not.toContain(' 440| ');
    expect(text).toContain(`read_output {"run":"${left.runId}","node":"publish","line":1}`);
  });

  test('huge messages and outputs of many failed nodes fit, and each of three nodes has its end', async () => {
    const root = temporaryVolume();
    const steps = Array.from(
      { length: 9 },
      (_, index): Step => [
        index,
        {
          type: 'node.failed',
          node_id: `n${index}`,
          error: { kind: 'crash' },
          message: `${'m\n'.repeat(9999)}end`,
        },
      ],
    );
    const run = writeRun(root, 'big', [...steps, [10, { type: 'pipe.aborted', reason: 'r'.repeat(99_999) }]]);
    for (let index = 0; index < 9; index++)
      writeCapture(run, `n${index}`, [...Array(100).fill('z'.repeat(5000)), `last of ${index}`].join('\n'));
    const call = await toolsOf(root);
    for (const max_chars of [2000, 12_000, 24_000]) {
      const { text } = await call('explain_failure', { run: run.runId, max_chars });
      expect(text.length).toBeLessThanOrEqual(max_chars);
      expect(text).toContain('9 nodes failed');
      if (max_chars === 2000) continue;
      for (const node of [8, 7, 6]) expect(text).toContain(`101| last of ${node}`);
      expect(text).toContain('message| end');
      expect(text).toContain('Where to look next:');
    }
  });

  test('says of a completed run that it completed, and what failed at first', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', COMPLETED);
    const { text } = await (await toolsOf(root))('explain_failure', { run: runId });
    expect(text).toContain('The run completed. 1 nodes failed at first and completed when tried again.');
  });
});

test('a run of events of its own is read by the types that its folder describes', async () => {
  const root = temporaryVolume();
  const events = defineEvents(
    { 'step.finished': { step: field.string() }, 'build.finished': { ok: field.boolean() } },
    { terminal: ['build.finished'] },
  );
  const log = await EventLog.create(root, 'nightly', { events });
  await log.append({ type: 'step.finished', step: 'lint' });
  await log.append({ type: 'build.finished', ok: true });
  await log.close();
  const call = await toolsOf(root);
  const { text } = await call('read_events', { run: 'last', types: ['step.finished'] });
  expect(text).toMatch(/^\{"type":"step\.finished",.*"step":"lint"\}$/m);
  expect((await call('read_events', { run: 'last', types: ['node.failed'] })).isError).toBe(true);
  expect((await call('get_run', { run: 'last' })).text).toMatch(/^Run \S+: completed\n.*2 events/);
  expect((await call('explain_failure', { run: 'last' })).text).toContain('build.finished');
});
