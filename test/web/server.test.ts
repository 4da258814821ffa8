/** The JSON API: the list, a run, its events, and outputs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, truncateSync } from 'node:fs';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EventLog, EventLogError } from '../../src/index.js';
import { NodeOutput } from '../../src/run/output/node-output.js';
import type { EventsAnswer, OutputAnswer, RunAnswer, RunsAnswer, SearchAnswer } from '../../src/web.js';
import { createRunServer, volumeRuns } from '../../src/web.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeCapture, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { linesOf, RUN_ID, rejection, sampleEvents, writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { ask, askJson, serverOf } from '../support/web-client.js';

const NOON = Date.UTC(2026, 3, 15, 12);

describe('the list', () => {
  test('is newest first, filtered, in pages, with counts where they are asked for', async () => {
    const root = quickVolume();
    const [a, b, c] = [COMPLETED, ABORTED, UNFINISHED].map((steps, index) =>
      writeRun(root, index === 1 ? 'b' : 'a', steps, { start: NOON + index }),
    );
    if (a === undefined || b === undefined || c === undefined) throw new Error('three runs');
    abandon(c);
    const { port } = await serverOf(root);
    const list = (query = '') => askJson<RunsAnswer>(port, `/api/v1/runs${query}`);
    const ids = async (query: string) => (await list(query)).runs.map(({ runId }) => runId);
    const all = await list();
    expect(all).toMatchObject({
      total: 3,
      pipes: ['a', 'b'],
      source: { kind: 'volume', name: root, outputs: true },
    });
    expect(all.runs.map(({ runId }) => runId)).toEqual([c.runId, b.runId, a.runId]);
    expect(all.runs[0]).toMatchObject({ status: 'running', live: false, orphan: true });
    expect(all.runs[1]).toMatchObject({ status: 'aborted', reason: 'node publish failed' });
    expect(all.runs[1]).not.toHaveProperty('counts');
    expect(await ids('?pipe=a')).toEqual([c.runId, a.runId]);
    expect(await ids('?status=aborted')).toEqual([b.runId]);
    expect(await ids('?text=PUBLISH')).toEqual([b.runId]);
    const first = await list('?limit=2');
    expect(first).toMatchObject({ before: b.runId, total: 3 });
    expect(await ids(`?limit=2&before=${first.before}`)).toEqual([a.runId]);
    const counted = await list(`?runs=${b.runId},${a.runId}&counts=1`);
    expect(counted.runs.map(({ counts }) => counts)).toEqual([
      { events: ABORTED.length, nodes: 4, running: 0, completed: 3, failed: 1 },
      { events: COMPLETED.length, nodes: 4, running: 0, completed: 4, failed: 0 },
    ]);
  });

  test('follows runs that appear, end and are deleted', async () => {
    const root = quickVolume();
    const { port } = await serverOf(root);
    const list = async () => (await askJson<RunsAnswer>(port, '/api/v1/runs')).runs;
    expect(await list()).toEqual([]);
    const log = await EventLog.create(root, 'p');
    await vi.waitFor(
      async () => expect(await list()).toMatchObject([{ runId: log.runId, live: true }]),
      5000,
    );
    await log.append({ type: 'pipe.completed' });
    await log.close();
    await vi.waitFor(
      async () => expect(await list()).toMatchObject([{ status: 'completed', live: false }]),
      5000,
    );
    rmSync(log.path.replace(/events\.jsonl$/, ''), { recursive: true });
    await vi.waitFor(async () => expect(await list()).toEqual([]), 5000);
  });
});

describe('a run', () => {
  test('has its head, its nodes with all attempts, and a cursor', async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'feature', ABORTED, { start: NOON });
    const { port } = await serverOf(root);
    const { run, nodes, cursor } = await askJson<RunAnswer>(port, `/api/v1/runs/${runId}`);
    expect(run).toMatchObject({
      runId,
      pipe: 'feature',
      status: 'aborted',
      inputs: [{ key: 'task', value: '修复登录' }],
      extent: { start: NOON, end: NOON + 240_010 },
      counts: { events: ABORTED.length, nodes: 4, completed: 3, failed: 1, running: 0 },
      malformedLines: 0,
    });
    expect(nodes.map(({ nodeId, index, status }) => [nodeId, index, status])).toEqual([
      ['plan', 0, 'completed'],
      ['実装する', 1, 'completed'],
      ['fix-loop', 2, 'completed'],
      ['publish', 3, 'failed'],
    ]);
    expect(nodes[1]).toMatchObject({
      attemptCount: 2,
      attempts: [{ status: 'failed' }, { status: 'completed' }],
    });
    expect(nodes[2]).toMatchObject({
      iterationCount: 2,
      iterations: [
        { iteration: 1, start: 4, end: 8 },
        { iteration: 2, start: 8 },
      ],
      gates: [{ gate: 'tests', method: 'hook', stdout: '142 passed\n' }],
    });
    expect(nodes[3]).toMatchObject({ errorKind: 'crash', message: 'remote rejected\nexit 1\n' });
    expect(cursor).toMatch(/\.\d+\.15$/);
    expect((await askJson<RunAnswer>(port, `/api/v1/runs/${runId}?nodes=0`)).nodes).toEqual([]);
  });

  test('that is not there is a 404, a malformed id a 400, and a misspelt parameter too', async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'p', COMPLETED);
    const { port } = await serverOf(root);
    expect((await ask(port, `/api/v1/runs/${runId.replace(/^p/, 'q')}`)).status).toBe(404);
    for (const path of [
      '/api/v1/runs/x',
      '/api/v1/runs?limt=1',
      '/api/v1/runs?limit=x',
      '/api/v1/runs?counts=1',
      '/api/v1/stream?run=x',
      `/api/v1/stream?run=${runId}&after=x`,
    ])
      expect([path, (await ask(port, path)).status]).toEqual([path, 400]);
    for (const path of [
      '/api/v1',
      '/api/v1/',
      '/api/v2/runs',
      `/api/v1/runs/${runId}/x`,
      `/api/v1/runs/${runId}/nodes/n`,
    ])
      expect([path, (await ask(port, path)).status]).toEqual([path, 404]);
  });

  test('has its events by number from either end, and by a filter in pages', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p', { lock: false });
    await log.appendAll(
      Array.from(
        { length: 1000 },
        (_, number) =>
          ({
            type: 'gate.passed',
            node_id: number % 10 === 0 ? 'ten' : 'n',
            gate: String(number),
            method: 'hook',
          }) as const,
      ),
    );
    const all = await log.read().toArray();
    await log.close();
    const { port } = await serverOf(root);
    const events = (query: string) => askJson<EventsAnswer>(port, `/api/v1/runs/${log.runId}/events${query}`);
    for (const [query, from, to] of [
      ['', 0, 200],
      ['?number=700&limit=5', 700, 705],
      ['?number=-3', 997, 1000],
      ['?number=5000', 1000, 1000],
      ['?number=511&limit=2', 511, 513],
    ] as const) {
      const answer = await events(query);
      expect(answer.events.map(({ event }) => event)).toEqual(all.slice(from, to));
      expect(answer.events.map(({ number }) => number)).toEqual(
        all.slice(from, to).map((_, index) => from + index),
      );
      expect(answer).toMatchObject({ total: 1000, atEnd: to === 1000 });
    }
    const first = await events('?node=ten&limit=60');
    const second = await events(`?node=ten&limit=60&from=${first.next}`);
    expect([...first.events, ...second.events].map(({ event }) => event)).toEqual(
      all.filter((_, index) => index % 10 === 0),
    );
    expect([first.atEnd, second.atEnd]).toEqual([false, true]);
    expect((await events('?types=gate.passed&node=ten&last=1')).events[0]?.event).toEqual(all[990]);
  });

  test('is shown as far as it can be read where a line is malformed', async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'p', UNFINISHED, { rest: 'nonsense\n' });
    const { port } = await serverOf(root);
    const { run } = await askJson<RunAnswer>(port, `/api/v1/runs/${runId}`);
    expect(run).toMatchObject({ malformedLines: 1, counts: { events: UNFINISHED.length } });
    expect(run.problem).toContain('malformed line');
    const events = (query: string) =>
      askJson<EventsAnswer>(port, `/api/v1/runs/${runId}/events?limit=200${query}`);
    for (const query of ['', '&number=0', '&from=0', '&types=node.started&last=1'])
      expect((await events(query)).events.at(-1)?.event).toMatchObject({ node_id: 'publish' });
  });

  test('has the events on both sides of a malformed line, numbered without it', async () => {
    const root = quickVolume();
    const written = sampleEvents(20).filter(({ type }) => !type.startsWith('pipe.'));
    writeLog(root, `${linesOf(written.slice(0, 5))}nonsense\n${linesOf(written.slice(5))}`);
    const { port } = await serverOf(root);
    for (const query of ['number=3', 'from=0']) {
      const { events } = await askJson<EventsAnswer>(port, `/api/v1/runs/${RUN_ID}/events?${query}`);
      const first = query === 'number=3' ? 3 : 0;
      expect(events.map(({ event }) => event.id)).toEqual(written.slice(first).map(({ id }) => id));
    }
  });
});

test('an output is read by line, by byte and by iteration, and searched', async () => {
  const root = quickVolume();
  const run = writeRun(root, 'p', COMPLETED);
  writeCapture(run, 'fix-loop', 'one\none two two\n');
  const { port } = await serverOf(root);
  const of = `/api/v1/runs/${run.runId}/nodes/fix-loop/output`;
  const output = (query: string) => askJson<OutputAnswer>(port, of + query);
  expect(await output('')).toMatchObject({
    size: 16,
    totalLines: 2,
    firstLine: 1,
    lines: [{ number: 1, text: 'one' }, { number: 2 }],
  });
  expect((await output('')).cursor).toBeDefined();
  expect(await output('?from=-4')).toMatchObject({ start: 12, end: 16, text: 'two\n', lines: [] });
  expect(await output('?iteration=1&from=0')).toMatchObject({ bounds: { start: 4, end: 8 }, text: 'one ' });
  expect(await output('?iteration=2')).toMatchObject({
    bounds: { start: 8, end: 16 },
    lines: [{ number: 2, text: 'two two' }],
  });
  expect((await ask(port, `${of}?iteration=9`)).status).toBe(404);
  expect(await askJson<SearchAnswer>(port, `${of}/search?q=TWO`)).toMatchObject({
    lines: 1,
    matches: 2,
    hits: [{ line: 2, offset: 4 }],
  });
  expect(await askJson<SearchAnswer>(port, `${of}/search?q=TWO&case=1`)).toMatchObject({ matches: 0 });
  expect((await ask(port, `${of}/search?q=`)).status).toBe(400);
  expect((await ask(port, `${of}/raw`)).text).toBe('one\none two two\n');
});

test('nothing of an output but a window, a search and its bytes is at an address', async () => {
  const root = quickVolume();
  const run = writeRun(root, 'p', COMPLETED);
  writeCapture(run, 'plan', 'one\n');
  const { port } = await serverOf(root);
  for (const rest of ['nodes/plan/output/lines', 'nodes/plan/output/raw/more', 'nodes/plan', 'nodes'])
    expect((await ask(port, `/api/v1/runs/${run.runId}/${rest}`)).status).toBe(404);
});

test('outputs of more nodes than are remembered are answered alike, whichever was asked for last', async () => {
  const root = quickVolume();
  const run = writeRun(root, 'p', COMPLETED);
  const nodes = Array.from({ length: 70 }, (_, index) => `node-${index}`);
  for (const node of nodes) writeCapture(run, node, `${node}\n`.repeat(3));
  const { port } = await serverOf(root);
  for (const node of [...nodes, ...nodes]) {
    const answer = await askJson<OutputAnswer>(port, `/api/v1/runs/${run.runId}/nodes/${node}/output?line=3`);
    expect(answer).toMatchObject({ totalLines: 3, lines: [{ number: 3, text: node }] });
  }
});

describe('the bytes of an output', () => {
  const raw = '/nodes/plan/output/raw';

  test('a file that is cut while it is sent: the answer breaks off, and does not look whole', async () => {
    const root = quickVolume();
    const run = writeRun(root, 'p', COMPLETED);
    writeCapture(run, 'plan', '');
    const file = `${run.folder}/nodes/plan.out`;
    truncateSync(file, 2 ** 28); // more than any socket holds
    const { port } = await serverOf(root);
    let received = 0;
    const broken = await new Promise<boolean>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: `/api/v1/runs/${run.runId}${raw}`, agent: false }, response => {
        response.once('readable', () => {
          truncateSync(file, 1); // before anything more is taken
          response.on('data', (chunk: Buffer) => (received += chunk.length));
        });
        response.on('error', () => undefined); // 'close' says whether it is complete
        response.on('close', () => resolve(!response.complete));
      }).on('error', reject);
    });
    expect(broken).toBe(true);
    expect(received).toBeLessThan(2 ** 28);
  });

  test('a read that fails: before the answer began it is an error, after it the answer breaks off', async () => {
    const root = quickVolume();
    const run = writeRun(root, 'p', COMPLETED);
    writeCapture(run, 'plan', 'one\n');
    const { port } = await serverOf(root);
    const read = vi.spyOn(NodeOutput.prototype, 'read');
    onTestFinished(() => read.mockRestore());
    const output = `/api/v1/runs/${run.runId}/nodes/plan/output`;
    read.mockRejectedValueOnce(new EventLogError('ERR_SYSTEM', 'the output could not be read'));
    const { status, text } = await ask(port, `${output}?from=0`);
    expect([status, JSON.parse(text)]).toEqual([
      500,
      { error: { code: 'ERR_SYSTEM', message: 'the output could not be read' } },
    ]);
    read.mockRejectedValueOnce(new EventLogError('ERR_SYSTEM', 'the output could not be read'));
    await expect(ask(port, `${output}/raw`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask(port, `${output}/raw`)).text).toBe('one\n');
  });
});

test('a source of your own that fails is an error of the system, in its words', async () => {
  const root = quickVolume();
  const { runId } = writeRun(root, 'p', COMPLETED);
  const output = () => Promise.reject(new Error('the archive is at lunch'));
  const server = await createRunServer({ ...volumeRuns(root), output }, { token: false });
  onTestFinished(() => server.close());
  const { status, text } = await ask(server.port, `/api/v1/runs/${runId}/nodes/plan/output`);
  expect([status, JSON.parse(text)]).toEqual([
    500,
    { error: { code: 'ERR_SYSTEM', message: 'the archive is at lunch' } },
  ]);
});

test('options that make no sense are a TypeError, a port that is taken an error', async () => {
  const root = quickVolume();
  // @ts-expect-error there is no such option
  await expect(createRunServer(root, { prot: 1 })).rejects.toThrow('did you mean port');
  await expect(createRunServer(root, { token: 'short' })).rejects.toThrow(TypeError);
  await expect(createRunServer(root, { port: 70_000 })).rejects.toThrow(TypeError);
  const { port } = await serverOf(root);
  expect(await rejection(createRunServer(root, { port }))).toMatchObject({ code: 'ERR_SYSTEM' });
});

test('the command prints the address, serves, and Ctrl-C ends it at once although a stream is open', async () => {
  const root = quickVolume();
  writeRun(root, 'p', UNFINISHED);
  const command = spawn(
    process.execPath,
    ['dist/cli.cjs', 'serve', '--root', root, '--port', '0', '--no-token'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  createInterface(command.stdout).on('line', line => lines.push(line));
  await vi.waitFor(() => expect(lines).toHaveLength(3), 10_000);
  const port = Number(/:(\d+)\//.exec(lines[1] ?? '')?.[1]);
  expect(lines[1]).toBe(`Watch it at http://127.0.0.1:${port}/`);
  const stream = ask(port, '/api/v1/stream').catch(() => 'ended');
  expect((await askJson<RunsAnswer>(port, '/api/v1/runs')).total).toBe(1);
  const began = performance.now();
  command.kill('SIGINT');
  const [code] = await once(command, 'exit');
  expect(code).toBe(130);
  expect(performance.now() - began).toBeLessThan(3000);
  await stream;
  const refused = await omneLog(['serve', '--root', root, '--port', '99999']);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('65535')]);
}, 30_000);
