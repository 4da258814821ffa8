/** The copies of runs on a NATS server, served as those of a volume are, but for outputs. */
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EventLog } from '../../src/index.js';
import { subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun } from '../../src/jetstream.js';
import {
  createRunServer,
  type EventsAnswer,
  mirroredRuns,
  type RunAnswer,
  type RunsAnswer,
} from '../../src/web.js';
import { NatsServer, noServer } from '../jetstream/nats-server.js';
import { quickVolume } from '../support/quick-volume.js';
import { connectTo } from '../support/raw-publisher.js';
import { ask, askJson, StreamClient } from '../support/web-client.js';

const nats = NatsServer.forAll();

describe.skipIf(noServer)('a server of mirrored runs', () => {
  test('lists them, follows one, and says that outputs are not mirrored', async () => {
    const root = quickVolume();
    const connection = await connectTo(nats);
    const log = await EventLog.create(root, 'feature', { lock: false });
    await log.append({ type: 'node.started', node_id: 'build', kind: 'bash' });
    const server = await createRunServer(await mirroredRuns(connection), { token: false });
    onTestFinished(() => server.close());
    const { port } = server;
    expect((await ask(port, '/api/v1/runs')).text).toContain('ERR_STREAM_NOT_FOUND'); // which comes to be below
    const mirroring = mirrorRun(root, log.runId, { connection });
    await vi.waitFor(async () => {
      const { runs, source } = await askJson<RunsAnswer>(port, '/api/v1/runs');
      expect(source).toEqual({ kind: 'nats', name: 'omne-runs', outputs: false });
      expect(runs).toMatchObject([{ runId: log.runId, status: 'running' }]);
      expect(runs[0]).not.toHaveProperty('live');
    }, 15_000);
    const { nodes, cursor } = await askJson<RunAnswer>(port, `/api/v1/runs/${log.runId}`);
    expect(nodes).toMatchObject([{ nodeId: 'build', status: 'running' }]);
    const page = await askJson<EventsAnswer>(port, `/api/v1/runs/${log.runId}/events?number=0`);
    expect(page).toMatchObject({ total: 1, events: [{ event: { type: 'node.started', node_id: 'build' } }] });
    const client = new StreamClient(port, `/api/v1/stream?run=${log.runId}&after=${cursor}&node=build`);
    await log.append({ type: 'node.completed', node_id: 'build', output_path: 'build.out' });
    await log.append({ type: 'pipe.completed' });
    await log.close();
    await vi.waitFor(() => expect(client.ended).toBe(true), 15_000);
    const events = client.messages.flatMap(message =>
      message.name === 'event' ? [message.data.event.type] : [],
    );
    expect(events).toEqual(['node.completed', 'pipe.completed']);
    const output = await ask(port, `/api/v1/runs/${log.runId}/nodes/build/output`);
    expect(output.status).toBe(404);
    expect(output.text).toContain('output files are not mirrored');
    await mirroring;
    const streams = (await jetstreamManager(connection)).streams;
    await streams.purge('omne-runs', { filter: subjectOf(log.runId) });
    await vi.waitFor(
      async () => expect((await askJson<RunsAnswer>(port, '/api/v1/runs')).runs).toEqual([]),
      15_000,
    );
  }, 40_000);
});
