/** Runs of events of their own: read with the vocabulary that they carry, shown with their ends and their events. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { defineEvents, EventLog, field, omneEvents } from '../../src/index.js';
import type { EventsAnswer, RunAnswer, RunsAnswer } from '../../src/web.js';
import { quickVolume } from '../support/quick-volume.js';
import { ask, askJson, StreamClient, serverOf } from '../support/web-client.js';

const builds = defineEvents(
  {
    'step.finished': { step: field.string(), seconds: field.number() },
    'build.finished': { ok: field.boolean() },
  },
  { terminal: ['build.finished'] },
);
const agents = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });

describe('a run of events of its own', () => {
  test('is listed, and shown with its status and its events', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'nightly', { events: builds });
    await log.append({ type: 'step.finished', step: 'lint', seconds: 1.5 });
    await log.append({ type: 'build.finished', ok: true });
    await log.close();
    const { port } = await serverOf(root);
    const { runs } = await askJson<RunsAnswer>(port, '/api/v1/runs');
    expect(runs).toMatchObject([{ runId: log.runId, status: 'completed' }]);
    expect(runs[0]).not.toHaveProperty('problem');
    const { run, nodes } = await askJson<RunAnswer>(port, `/api/v1/runs/${log.runId}`);
    expect(run).toMatchObject({ status: 'completed', malformedLines: 0, counts: { events: 2, nodes: 0 } });
    expect(nodes).toEqual([]);
    const events = async (query: string) =>
      (await askJson<EventsAnswer>(port, `/api/v1/runs/${log.runId}/events?${query}`)).events;
    expect(await events('number=0')).toMatchObject([
      { number: 0, event: { type: 'step.finished', step: 'lint', seconds: 1.5 } },
      { number: 1, event: { type: 'build.finished', ok: true } },
    ]);
    expect(await events('types=build.finished')).toMatchObject([{ event: { ok: true } }]);
    const refused = await ask(port, `/api/v1/runs/${log.runId}/events?types=node.failed`);
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringContaining('step.finished, build.finished'),
    ]);
  });

  test('that extend the built-in ones has its nodes, whose latest event may be one of its own', async () => {
    const root = quickVolume();
    await using log = await EventLog.create(root, 'agent', { events: agents });
    await log.append({ type: 'tool.called', node_id: 'nobody', tool: 'ls' });
    await log.append({ type: 'node.started', node_id: 'plan', kind: 'prompt' });
    await log.append({ type: 'tool.called', node_id: 'plan', tool: 'grep' });
    const { port } = await serverOf(root);
    const { nodes } = await askJson<RunAnswer>(port, `/api/v1/runs/${log.runId}`);
    expect(nodes).toMatchObject([{ nodeId: 'plan', index: 0, status: 'running', lastEvent: 2 }]);
  });

  test('is followed to its end', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'nightly', { events: builds });
    const { port } = await serverOf(root);
    const { cursor } = await askJson<RunAnswer>(port, `/api/v1/runs/${log.runId}`);
    const client = new StreamClient(port, `/api/v1/stream?run=${log.runId}&after=${cursor}`);
    await log.append({ type: 'step.finished', step: 'lint', seconds: 1.5 });
    await log.append({ type: 'build.finished', ok: false });
    await log.close();
    await vi.waitFor(() => expect(client.messages.at(-1)?.name).toBe('end'), 15_000);
    expect(client.eventIds).toHaveLength(2);
    expect(client.messages.at(-1)).toMatchObject({ data: { status: 'completed' } });
  });

  test('to which types were added while it was looked at is read again', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'nightly', { events: builds });
    const { port } = await serverOf(root);
    const address = `/api/v1/runs/${log.runId}`;
    const { cursor } = await askJson<RunAnswer>(port, address);
    const client = new StreamClient(port, `/api/v1/stream?run=${log.runId}&after=${cursor}`);
    await log.close();
    await using more = await EventLog.open(root, log.runId, {
      events: builds.extend({ 'step.skipped': {} }),
    });
    await more.append({ type: 'step.skipped' });
    await vi.waitFor(() => expect(client.messages.at(-1)).toMatchObject({ name: 'reset' }), 15_000);
    expect((await askJson<RunAnswer>(port, address)).run).toMatchObject({
      malformedLines: 0,
      counts: { events: 1 },
    });
  });

  test('with a damaged vocabulary is damaged in the list, and its address says why', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'nightly', { events: builds });
    await log.close();
    writeFileSync(join(dirname(log.path), 'vocabulary.json'), 'nonsense');
    const { port } = await serverOf(root);
    const { runs } = await askJson<RunsAnswer>(port, '/api/v1/runs');
    expect(runs).toMatchObject([{ problem: expect.stringContaining('vocabulary of the run is damaged') }]);
    expect((await ask(port, `/api/v1/runs/${log.runId}`)).text).toContain('ERR_VOCABULARY_INVALID');
  });
});
