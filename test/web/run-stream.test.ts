/** The streams: history, then what comes, without a gap and without a repeat, whatever becomes of client, server and log. */
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { EventLog, type RunEvent } from '../../src/index.js';
import { formatRunCursor } from '../../src/web/cursors.js';
import { createRunServer, type OutputAnswer, type RunAnswer, type RunsAnswer } from '../../src/web.js';
import { COMPLETED, UNFINISHED, writeCapture, writeRun } from '../support/cli-runs.js';
import { linesOf, RUN_ID, sampleEvent, writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { spread } from '../support/rounds.js';
import { ask, askJson, type Message, StreamClient, serverOf } from '../support/web-client.js';

const gate = (name: string, node = 'n', stdout = '') =>
  ({ type: 'gate.passed', node_id: node, gate: name, method: 'hook', stdout }) as const;
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const named = (client: StreamClient, name: Message['name']) =>
  client.messages.filter(message => message.name === name);
const until = (check: () => void, timeout = 10_000) => vi.waitFor(check, { timeout, interval: 20 });

describe('the stream of a run', () => {
  test('goes on from the answer about the run: every event once, then what changed, then the end', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p', { lock: false });
    await log.append({ type: 'node.started', node_id: 'a', kind: 'bash' });
    const { port } = await serverOf(root);
    const { cursor } = await askJson<RunAnswer>(port, `/api/v1/runs/${log.runId}`);
    const made: RunEvent[] = [await log.append({ type: 'node.started', node_id: 'b', kind: 'bash' })];
    const client = new StreamClient(port, `/api/v1/stream?run=${log.runId}&after=${cursor}`);
    await until(() => expect(client.eventIds.length).toBe(1));
    for (let number = 0; number < 50; number++) made.push(await log.append(gate(String(number), 'b')));
    made.push(await log.append({ type: 'pipe.completed' }));
    await log.close();
    await until(() => expect(client.ended).toBe(true));
    expect(client.eventIds).toEqual(idsOf(made));
    expect(client.messages.at(-1)).toMatchObject({ name: 'end', data: { status: 'completed' } });
    const states = named(client, 'state');
    expect(states.at(-1)?.data).toMatchObject({
      run: { status: 'completed', counts: { events: 53 } },
      whole: false,
    });
    const nodes = states.flatMap(message =>
      message.name === 'state' ? message.data.nodes.map(({ nodeId }) => nodeId) : [],
    );
    expect(nodes).toContain('b');
    const again = await ask(port, `/api/v1/stream?run=${log.runId}`, { 'Last-Event-ID': client.lastId });
    expect(again.status).toBe(204);
  });

  test('without a cursor begins with the whole state, and has no history', async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'p', COMPLETED);
    const { port } = await serverOf(root);
    const client = new StreamClient(port, `/api/v1/stream?run=${runId}`);
    await until(() => expect(client.ended).toBe(true));
    expect(client.messages.map(({ name }) => name)).toEqual(['state', 'end']);
    expect(client.messages[0]?.data).toMatchObject({ whole: true, nodes: [{ nodeId: 'plan' }, {}, {}, {}] });
  });

  test('resumes after every message, also far back, and by a new server: nothing missed, nothing twice', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p', { lock: false });
    const first = await createRunServer(root, { token: false });
    const client = new StreamClient(first.port, `/api/v1/stream?run=${log.runId}`);
    await until(() => expect(client.messages).toHaveLength(1));
    for (let number = 0; number < 15; number++)
      await log.appendAll(Array.from({ length: 100 }, (_, index) => gate(`${number} ${index}`)));
    await until(() => expect(client.eventIds.length).toBe(1500));
    const all = idsOf(await log.read().toArray());
    expect(client.eventIds).toEqual(all);
    const { port } = first;
    await first.close();
    await until(() => expect(client.ended).toBe(true));
    const second = await serverOf(root, { token: false, port });
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const whole = idsOf(await log.read().toArray());
    const events = named(client, 'event');
    for (const index of spread([0, 1, 255, 700, 256, 988, 1499], 2)) {
      const id = events[index]?.id ?? '';
      const back = new StreamClient(second.port, `/api/v1/stream?run=${log.runId}`, { 'Last-Event-ID': id });
      await until(() => expect(back.ended).toBe(true));
      expect(back.eventIds).toEqual(whole.slice(index + 1));
    }
    const byParameter = new StreamClient(
      second.port,
      `/api/v1/stream?run=${log.runId}&last=${events[1498]?.id}`,
    );
    await until(() => expect(byParameter.ended).toBe(true));
    expect(byParameter.eventIds).toEqual(whole.slice(1499));
  }, 60_000);

  test('from far back passes over a malformed line, as the page has heard of it', async () => {
    const root = quickVolume();
    const all = Array.from({ length: 1500 }, (_, index) => sampleEvent(5 * index + 1));
    writeLog(root, `${linesOf(all.slice(0, 10))}nonsense\n${linesOf(all.slice(10))}`);
    const { port } = await serverOf(root);
    const start = formatRunCursor({ epoch: '', position: 0, count: 0 });
    const client = new StreamClient(port, `/api/v1/stream?run=${RUN_ID}&after=${start}`);
    await until(() => expect(client.eventIds.length).toBe(all.length));
    expect(client.eventIds).toEqual(idsOf(all));
  });

  test('a client that is stalled takes no memory and holds up nobody, and gets all in the end', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p', { lock: false });
    const { port } = await serverOf(root);
    const path = `/api/v1/stream?run=${log.runId}`;
    const [stalled, quick] = [new StreamClient(port, path), new StreamClient(port, path)];
    await until(() => expect([stalled, quick].every(({ messages }) => messages.length === 1)).toBe(true));
    stalled.pause();
    const text = 'x'.repeat(3900); // nearly as long as a text is that is not shortened
    for (let number = 0; number < 33; number++)
      await log.appendAll(Array.from({ length: 100 }, (_, index) => gate(`${number} ${index}`, 'n', text)));
    await until(() => expect(quick.eventIds.length).toBe(3300), 30_000);
    expect(stalled.eventIds.length).toBeLessThan(3300);
    stalled.resume();
    await until(() => expect(stalled.eventIds.length).toBe(3300), 30_000);
    expect(stalled.eventIds).toEqual(quick.eventIds);
    await log.close();
  }, 90_000);

  test.each(['deleted', 'cut', 'replaced'])('of a log that is %s says so', async how => {
    const root = quickVolume();
    const { runId, path } = writeRun(root, 'p', UNFINISHED);
    const { port } = await serverOf(root);
    const client = new StreamClient(port, `/api/v1/stream?run=${runId}`);
    await until(() => expect(client.messages).toHaveLength(1));
    if (how === 'deleted') rmSync(dirname(path), { recursive: true });
    else if (how === 'cut') truncateSync(path, 100);
    else {
      writeFileSync(`${path}.new`, 'x\n'.repeat(5000));
      renameSync(`${path}.new`, path);
    }
    await until(() => expect(client.messages.at(-1)?.name).toBe('reset'));
    const reason = { deleted: 'gone', cut: 'truncated', replaced: 'replaced' }[how];
    expect(client.messages.at(-1)?.data).toMatchObject({ reason });
    await until(() => expect(client.ended).toBe(true));
    expect((await ask(port, `/api/v1/runs/${runId}`)).status).toBe(how === 'deleted' ? 404 : 200);
  });

  test.each([100, 101])(
    'of a run that ended and was cut since, to %i events, says so to a client further back',
    async kept => {
      const root = quickVolume();
      const steps = Array.from({ length: 1500 }, (_, index) => [index, gate(`${index}`)] as const);
      const { runId, path } = writeRun(root, 'p', [...steps, [1500, { type: 'pipe.completed' }]]);
      const { port } = await serverOf(root);
      const client = new StreamClient(port, `/api/v1/stream?run=${runId}&after=.0.0`);
      await until(() => expect(client.ended).toBe(true));
      const ids = named(client, 'event').map(({ id }) => id);
      const positions = ids.map(id => Number(id?.split('.')[1]));
      truncateSync(path, positions[99]);
      const back = new StreamClient(port, `/api/v1/stream?run=${runId}`, {
        'Last-Event-ID': ids[kept - 1] ?? '',
      });
      await until(() => expect(back.ended).toBe(true));
      expect(back.messages).toMatchObject([{ name: 'reset', data: { reason: 'truncated' } }]);
    },
  );

  test('of another log than the cursor was made of begins with a reset', async () => {
    const root = quickVolume();
    const { runId } = writeRun(root, 'p', UNFINISHED);
    const { port } = await serverOf(root);
    for (const cursor of ['000000000000.100.2', '.100.2', '000000000000.99999999.1']) {
      const client = new StreamClient(port, `/api/v1/stream?run=${runId}&after=${cursor}`);
      await until(() => expect(client.ended).toBe(true));
      expect(client.messages).toMatchObject([{ name: 'reset', data: { reason: 'cursor' } }]);
    }
  });
});

describe('the output of a node, in the stream of its run', () => {
  const textOf = (client: StreamClient) =>
    client.messages.flatMap(message => (message.name === 'output' ? [message.data.text] : [])).join('');

  test('goes on from the window that was fetched: earlier output of a running node is not missing', async () => {
    const root = quickVolume();
    const run = writeRun(root, 'p', UNFINISHED);
    writeCapture(run, 'publish', 'earlier\n');
    const path = `${run.folder}/nodes/publish.out`;
    const { port } = await serverOf(root);
    const window = await askJson<OutputAnswer>(port, `/api/v1/runs/${run.runId}/nodes/publish/output`);
    expect(window.lines.map(({ text }) => text)).toEqual(['earlier']);
    appendFileSync(path, 'between\n');
    const client = new StreamClient(
      port,
      `/api/v1/stream?run=${run.runId}&node=publish&output=${window.cursor}`,
    );
    await until(() => expect(textOf(client)).toBe('between\n'));
    const bytes = Buffer.from('日本 🎉\n');
    for (const byte of bytes) {
      appendFileSync(path, Buffer.of(byte));
      await sleep(30);
    }
    await until(() => expect(textOf(client)).toBe('between\n日本 🎉\n'));
    const { lastId } = client;
    client.close();
    appendFileSync(path, 'meanwhile\n');
    const back = new StreamClient(port, `/api/v1/stream?run=${run.runId}&node=publish`, {
      'Last-Event-ID': lastId,
    });
    await until(() => expect(textOf(back)).toBe('meanwhile\n'));
    writeFileSync(path, 'anew\n');
    await until(() => expect(textOf(back)).toBe('meanwhile\nanew\n'));
    expect(named(back, 'output').at(-1)?.data).toMatchObject({ start: 0, end: 5, restarted: true });
  }, 30_000);

  test('is taken up when its file appears; a page far back is brought near the end; the end waits for what comes late', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p', { lock: false });
    const { port } = await serverOf(root);
    const client = new StreamClient(port, `/api/v1/stream?run=${log.runId}&node=n`);
    await until(() => expect(client.messages).toHaveLength(1));
    const folder = dirname(log.path);
    writeCapture({ runId: log.runId, path: log.path, folder }, 'n', 'begun\n');
    await until(() => expect(textOf(client)).toBe('begun\n'));
    appendFileSync(`${folder}/nodes/n.out`, 'y'.repeat(20 * 1024 * 1024));
    await until(() => expect(named(client, 'output').length).toBeGreaterThan(3));
    const gap = named(client, 'output')[1]?.data;
    expect(gap).toMatchObject({ restarted: false });
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const isCompleted = (message: Message) =>
      message.name === 'state' && message.data.run.status === 'completed';
    await until(() => expect(client.messages.some(isCompleted)).toBe(true));
    appendFileSync(`${folder}/nodes/n.out`, 'late\n');
    await until(() => expect(client.ended).toBe(true));
    expect(textOf(client).endsWith('late\n')).toBe(true);
    expect(textOf(client).length).toBeLessThan(2 * 1024 * 1024);
    expect(client.messages.at(-1)?.name).toBe('end');
  }, 30_000);
});

describe('the stream of the list', () => {
  test('says what changes since the cursor of an answer, and goes on after a reconnect', async () => {
    const root = quickVolume();
    const old = writeRun(root, 'p', COMPLETED);
    const { port } = await serverOf(root);
    const { cursor } = await askJson<RunsAnswer>(port, '/api/v1/runs');
    const client = new StreamClient(port, `/api/v1/stream?after=${cursor}`);
    const rows = (from: StreamClient) =>
      from.messages.flatMap(message => (message.name === 'runs' ? message.data.runs : []));
    const log = await EventLog.create(root, 'p');
    await until(() =>
      expect(rows(client)).toMatchObject([{ runId: log.runId, status: 'running', live: true }]),
    );
    const { lastId } = client;
    client.close();
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const back = new StreamClient(port, '/api/v1/stream', { 'Last-Event-ID': lastId });
    await until(() => expect(rows(back).at(-1)).toMatchObject({ runId: log.runId, status: 'completed' }));
    rmSync(old.folder, { recursive: true });
    await until(() => {
      const removed = back.messages.flatMap(message => (message.name === 'runs' ? message.data.removed : []));
      expect(removed).toEqual([old.runId]);
    });
    const stranger = new StreamClient(port, '/api/v1/stream?after=abc.1');
    await until(() =>
      expect(stranger.messages).toMatchObject([{ name: 'reset', data: { reason: 'cursor' } }]),
    );
  }, 30_000);
});
