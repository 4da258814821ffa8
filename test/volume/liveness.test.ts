import { symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { isLive } from '../../src/volume/liveness.js';
import { openDescriptors } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

/** A run nobody holds open. */
async function orphan(): Promise<{ root: string; runId: string; folder: string }> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  return { root: log.root, runId: log.runId, folder: dirname(log.path) };
}

test('a run is live while its log is open, and not after close', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  const folder = dirname(log.path);
  expect(await isLive(folder)).toBe(true);
  await log.append({ type: 'pipe.started', pipe: 'feature' });
  expect(await isLive(folder)).toBe(true);
  await log.close();
  expect(await isLive(folder)).toBe(false);
});

test('a run is live until the last of several logs is closed', async () => {
  const { root, runId, folder } = await orphan();
  const logs = await Promise.all(Array.from({ length: 8 }, () => EventLog.open(root, runId)));
  for (const log of logs) {
    expect(await isLive(folder)).toBe(true);
    await log.close();
  }
  expect(await isLive(folder)).toBe(false);
});

test('a run is not live only because it is read', async () => {
  const { root, runId, folder } = await orphan();
  await EventLog.read(root, runId).toArray();
  expect(await isLive(folder)).toBe(false);
});

test('a run held by another process is live until that process closes it', async () => {
  const { root, runId, folder } = await orphan();
  const owner = startProgram('own-run', root, runId);
  await owner.next();
  expect(await isLive(folder)).toBe(true);
  owner.hangUp();
  await owner.finished();
  expect(await isLive(folder)).toBe(false);
});

test('a run is not live once its owner was killed', async () => {
  const { root, runId, folder } = await orphan();
  const owner = startProgram('own-run', root, runId);
  await owner.next();
  expect(await isLive(folder)).toBe(true);
  await owner.kill();
  expect(await isLive(folder)).toBe(false);
});

test('probing and failed opening leave no descriptor open', async () => {
  const { root, runId, folder } = await orphan();
  await isLive(folder);
  expect(openDescriptors(folder)).toBe(0);
  const log = await EventLog.open(root, runId);
  await isLive(folder);
  expect(openDescriptors(folder)).toBe(1);
  await log.close();
  expect(openDescriptors(folder)).toBe(0);
});

test('a probe does not follow a link in the place of the run folder', async () => {
  const { folder } = await orphan();
  const link = join(temporaryVolume(), 'link');
  symlinkSync(folder, link);
  await expect(isLive(link)).rejects.toThrow(/ENOTDIR|ELOOP|symbolic link/);
});

test('opening does not trip over probes in a tight loop', async () => {
  const { root, runId, folder } = await orphan();
  const probes = [startProgram('probe', folder), startProgram('probe', folder)];
  for (const probe of probes) expect(await probe.next()).toBe('probing');
  for (let i = 0; i < 200; i++) {
    const log = await EventLog.open(root, runId);
    await log.close();
  }
  for (const probe of probes) {
    probe.hangUp();
    expect(JSON.parse(await probe.next())).toMatchObject({ asked: expect.toSatisfy(asked => asked > 20) });
  }
});

test('opening with the shortest lockTimeout does not trip over a probe either', async () => {
  const { root, runId, folder } = await orphan();
  const probe = startProgram('probe', folder);
  expect(await probe.next()).toBe('probing');
  for (let i = 0; i < 200; i++) {
    const log = await EventLog.open(root, runId, { lockTimeout: 0 });
    await log.close();
  }
});

test('probes do not take each other for a writer', async () => {
  const { folder } = await orphan();
  const probes = [1, 2, 3].map(() => startProgram('probe', folder));
  for (const probe of probes) expect(await probe.next()).toBe('probing');
  let live = 0;
  for (let i = 0; i < 1000; i++) if (await isLive(folder)) live++;
  expect(live).toBe(0);
  for (const probe of probes) {
    probe.hangUp();
    expect(JSON.parse(await probe.next())).toMatchObject({ live: 0 });
  }
});

test('many probes at once in one process do not take each other for a writer', async () => {
  const { folder } = await orphan();
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => isLive(folder)));
    expect(answers).not.toContain(true);
  }
});

test('a writer is seen by every probe, however many probe at once', async () => {
  const { root, runId, folder } = await orphan();
  const probe = startProgram('probe', folder);
  expect(await probe.next()).toBe('probing');
  await using log = await EventLog.open(root, runId);
  for (let i = 0; i < 200; i++) expect(await isLive(folder)).toBe(true);
  expect(log.runId).toBe(runId);
});
