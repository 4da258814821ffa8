/** The command shows runs of events that it does not know: their folder describes them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineEvents, EventLog, field, omneEvents } from '../../src/index.js';
import { NatsServer, noServer } from '../jetstream/nats-server.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const builds = defineEvents(
  {
    'step.finished': { step: field.string(), seconds: field.number(), tags: field.list(field.string()) },
    'build.finished': { ok: field.boolean() },
  },
  { terminal: ['build.finished'] },
);
const root = mkdtempSync(join(tmpdir(), 'omne-own-'));
afterAll(() => rmSync(root, { recursive: true }));
let runId: string;

beforeAll(async () => {
  const log = await EventLog.create(root, 'nightly', { events: builds });
  runId = log.runId;
  await log.append({ type: 'step.finished', step: 'lint', seconds: 1.5, tags: ['a'] });
  await log.append({ type: 'build.finished', ok: true });
  await log.close();
});

describe('a run of events of its own', () => {
  test.for([['cat'], ['cat', '--reverse'], ['tail']])(
    'is printed by %s with fields as key=value',
    async ([command = '', ...more]) => {
      const { code, stdout } = await omneLog([command, runId, ...more, '--root', root]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/step\.finished +step=lint {2}seconds=1\.5 {2}tags=\["a"\]$/m);
      expect(stdout).toMatch(/build\.finished +ok=true$/m);
    },
  );

  test('is completed to tail --exit-status, also where its last event says that it failed', async () => {
    const volume = temporaryVolume();
    const events = defineEvents(
      { 'build.failed': { reason: field.string() } },
      { terminal: ['build.failed'] },
    );
    await using log = await EventLog.create(volume, 'nightly', { events });
    await log.append({ type: 'build.failed', reason: 'no room' });
    const outcome = await omneLog(['tail', log.runId, '--exit-status', '--root', volume]);
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('reason=no room') });
    for await (const { status } of EventLog.runs(volume)) expect(status).toBe('completed');
  });

  test('is printed by the types it has, and no others', async () => {
    const cat = (type: string) => omneLog(['cat', runId, '--type', type, '--root', root]);
    const { code, stdout } = await cat('build.finished');
    expect([code, stdout.trim().split('\n')]).toEqual([0, [expect.stringContaining('ok=true')]]);
    for (const type of ['node.failed', 'step']) {
      const refused = await cat(type);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain(`--type takes one of step.finished, build.finished, not '${type}'`);
    }
  });

  test('is printed as canonical JSON', async () => {
    const { stdout } = await omneLog(['cat', runId, '--json', '--root', root]);
    expect(stdout).toContain('"step":"lint","seconds":1.5,"tags":["a"]}');
  });

  test('is completed for ls, show and verify', async () => {
    const { stdout: listed } = await omneLog(['ls', '--json', '--root', root]);
    expect(JSON.parse(listed)).toMatchObject({ runId, status: 'completed', eventCount: 2 });
    expect((await omneLog(['show', runId, '--root', root])).stdout).toContain('completed');
    expect((await omneLog(['verify', runId, '--root', root])).stdout).toContain('ok, 2 events');
    expect((await omneLog(['timeline', runId, '--html', '-', '--root', root])).stdout).toContain('completed');
  });

  test('that extend the built-in ones shows its nodes', async () => {
    const events = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });
    await using log = await EventLog.create(root, 'agent', { events });
    await log.append({ type: 'node.started', node_id: 'plan', kind: 'prompt' });
    await log.append({ type: 'tool.called', node_id: 'plan', tool: 'grep' });
    const { stdout } = await omneLog(['cat', log.runId, '--root', root]);
    expect(stdout).toMatch(/tool\.called +plan +tool=grep$/m);
    expect(stdout).toMatch(/node\.started +plan +prompt$/m);
    expect((await omneLog(['show', log.runId, '--root', root])).stdout).toContain('plan');
  });
});

describe('a run of the built-in events', () => {
  test('is printed by the built-in types alone', async () => {
    const log = await EventLog.create(root, 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const cat = (type: string) => omneLog(['cat', log.runId, '--type', type, '--root', root]);
    expect((await cat('pipe.completed')).stdout.trim().split('\n')).toHaveLength(1);
    const refused = await cat('node');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('--type takes one of pipe.started');
  });
});

describe.skipIf(noServer)('the copy of a run of events of its own', () => {
  test('is printed as the run is', async () => {
    const nats = await NatsServer.start();
    const to = ['--nats', nats.url];
    expect(await omneLog(['mirror', runId, '--root', root, ...to])).toMatchObject({ code: 0 });
    for (const args of [
      ['cat', runId, '--type', 'build.finished'],
      ['tail', runId],
    ]) {
      const { stdout } = await omneLog([...args, '--root', root]);
      expect(stdout).toContain('build.finished');
      expect(await omneLog([...args, ...to])).toEqual({ code: 0, stdout, stderr: '' });
    }
  }, 60_000);
});
