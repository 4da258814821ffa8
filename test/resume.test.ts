/** Resuming: a log to append to, the state of the run, and a torn tail repaired; nothing where the run has ended. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { deriveRunState, EventLog } from '../src/index.js';
import { openDescriptors, rejection } from './support/logs.js';
import { temporaryVolume } from './support/volume.js';

const STARTED = { type: 'node.started', node_id: 'build', kind: 'bash' } as const;

/** A run that was left with a node started. */
async function left(): Promise<{ root: string; runId: string; path: string }> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.appendAll([{ type: 'pipe.started', pipe: 'feature' }, STARTED]);
  await log.close();
  return { root: log.root, runId: log.runId, path: log.path };
}

describe('resume', () => {
  test('hands over the log and the state of the run as it is', async () => {
    const { root, runId } = await left();
    const { log, state } = await EventLog.resume(root, runId);
    expect(state).toEqual(deriveRunState(await log.read().toArray()));
    expect(state.nodes).toMatchObject([{ nodeId: 'build', status: 'running', attempts: 1 }]);
    await log.append(STARTED);
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const after = deriveRunState(await EventLog.read(root, runId).toArray());
    expect(after.nodes).toMatchObject([{ attempts: 2, interruptedAttempts: 2 }]);
  });

  test('of a run whose writer died in a line repairs that, and the state holds what was whole', async () => {
    const { root, runId, path } = await left();
    appendFileSync(path, '{"type":"node.comp');
    const { log, state } = await EventLog.resume(root, runId);
    expect(log.recovered).toMatchObject({ bytes: 18 });
    expect(state.eventCount).toBe(2);
    await log.close();
  });

  test('is refused for a run that has ended, and leaves nothing open', async () => {
    const { root, runId, path } = await left();
    const log = await EventLog.open(root, runId);
    await log.append({ type: 'pipe.aborted', reason: 'enough' });
    await log.close();
    expect(await rejection(EventLog.resume(root, runId))).toMatchObject({ code: 'ERR_RUN_ENDED', path });
    expect(openDescriptors(path)).toBe(0);
  });

  test('is refused for damage within the log, and leaves the run free', async () => {
    const { root, runId, path } = await left();
    writeFileSync(path, '{"type":"nonsense"}\n', { flag: 'a' });
    const log = await EventLog.open(root, runId).catch(() => undefined);
    await log?.append(STARTED);
    await log?.close();
    for (let i = 0; i < 2; i++) {
      expect(await rejection(EventLog.resume(root, runId))).toMatchObject({
        code: expect.stringMatching(/^ERR_(MALFORMED_LINE|LOG_CORRUPT)$/),
      });
    }
    expect(openDescriptors(path)).toBe(0);
  });

  test('is refused for a run that is not there, and for options that are not its own', async () => {
    const { root } = await left();
    const other = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
    expect(await rejection(EventLog.resume(root, other))).toMatchObject({ code: 'ERR_RUN_NOT_FOUND' });
    expect(await rejection(EventLog.resume(root, other, { create: true } as object))).toBeInstanceOf(
      TypeError,
    );
  });
});

describe('ended', () => {
  test('is false until the terminal event is on disk', async () => {
    const log = await EventLog.create(temporaryVolume(), 'feature');
    expect(log.ended).toBe(false);
    await log.append(STARTED);
    expect(log.ended).toBe(false);
    await log.append({ type: 'pipe.completed' });
    expect(log.ended).toBe(true);
    await log.close();
    const again = await EventLog.open(log.root, log.runId);
    expect(again.ended).toBe(true);
    await again.close();
  });

  test('is seen at the next append when another process ended the run', async () => {
    const log = await EventLog.create(temporaryVolume(), 'feature');
    const other = await EventLog.open(log.root, log.runId);
    await other.append({ type: 'pipe.completed' });
    await other.close();
    expect(log.ended).toBe(false);
    expect(await rejection(log.append(STARTED))).toMatchObject({ code: 'ERR_RUN_ENDED' });
    expect(log.ended).toBe(true);
    await log.close();
  });
});

test('isLive says whether somebody has the log open', async () => {
  const { root, runId } = await left();
  expect(await EventLog.isLive(root, runId)).toBe(false);
  const log = await EventLog.open(root, runId);
  expect(await EventLog.isLive(root, runId)).toBe(true);
  await log.close();
  expect(await EventLog.isLive(root, 'feature-01kp8g6dg0zg6axb6gqz17wf7m')).toBe(false);
  expect(await rejection(EventLog.isLive(root, '../x'))).toMatchObject({ code: 'ERR_INVALID_RUN_ID' });
});

test('a run without an event has its id and its pipe from its name', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  const resumed = await EventLog.resume(log.root, log.runId);
  expect(resumed.state).toMatchObject({
    runId: log.runId,
    pipe: 'feature',
    eventCount: 0,
    status: 'running',
  });
  await resumed.log.close();
});
