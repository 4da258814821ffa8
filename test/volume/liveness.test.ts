/** Live runs and orphans: who holds a log open is seen by all who ask, and who asks is seen by nobody. */
import fs, { rmSync, symlinkSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { EventLog } from '../../src/index.js';
import { isKnownLive, isLive } from '../../src/volume/liveness.js';
import { placesOf, type RunPlaces } from '../../src/volume/places.js';
import { platformOf } from '../../src/volume/platform.js';
import { openDescriptors } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { rounds, spread } from '../support/rounds.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const startProbe = ({ root, runId }: { root: string; runId: string }) => startProgram('probe', root, runId);
const placesOfLog = (log: EventLog): RunPlaces => placesOf(log.root, log.runId);

/** A run nobody holds open. */
async function orphan(): Promise<{ root: string; runId: string; places: RunPlaces }> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  return { root: log.root, runId: log.runId, places: placesOfLog(log) };
}

for (const lock of [true, false]) {
  test(`a run is live while its log is open with lock: ${lock}, and not after close`, async () => {
    const log = await EventLog.create(temporaryVolume(), 'feature', { lock });
    const places = placesOfLog(log);
    expect(await isLive(places)).toBe(true);
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    expect(await isLive(places)).toBe(true);
    await log.close();
    expect(await isLive(places)).toBe(false);
  });
}

test('a run is live until the last of several logs is closed', async () => {
  const { root, runId, places } = await orphan();
  const logs = await Promise.all(Array.from({ length: 8 }, () => EventLog.open(root, runId)));
  for (const log of logs) {
    expect(await isLive(places)).toBe(true);
    await log.close();
  }
  expect(await isLive(places)).toBe(false);
});

test('a run stays live when its writer reads it too, and lets go of that', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  await log.read().toArray();
  expect(await isLive(placesOfLog(log))).toBe(true);
});

test('a run is not live only because it is read', async () => {
  const { root, runId, places } = await orphan();
  await EventLog.read(root, runId).toArray();
  expect(await isLive(places)).toBe(false);
});

test('a run without a log is not live; one that is not there neither', async () => {
  const { places } = await orphan();
  rmSync(places.log);
  expect(await isLive(places)).toBe(false);
  rmSync(places.folder, { recursive: true });
  expect(await isLive(places)).toBe(false);
});

testNotOnWindows(
  'its child is `cat`',
  'a run held by another process is live until that process closes it',
  async () => {
    const { root, runId, places } = await orphan();
    const owner = startProgram('own-run', root, runId);
    await owner.next();
    expect(await isLive(places)).toBe(true);
    owner.hangUp();
    await owner.finished();
    expect(await isLive(places)).toBe(false);
  },
);

test('a run is not live once its owner was killed, though a child of the owner lives on', async () => {
  const { root, runId, places } = await orphan();
  const owner = startProgram('own-run', root, runId);
  await owner.next();
  expect(await isLive(places)).toBe(true);
  await owner.kill();
  expect(await isLive(places)).toBe(false);
});

test('probing and failed opening leave no descriptor open; being live takes none', async () => {
  const { root, runId, places } = await orphan();
  await isLive(places);
  expect(openDescriptors(places.log)).toBe(0);
  const log = await EventLog.open(root, runId);
  await isLive(places);
  expect(openDescriptors(places.log)).toBe(1);
  expect(openDescriptors(places.folder)).toBe(0);
  await log.close();
  expect(openDescriptors(places.log)).toBe(0);
});

testNotOnWindows(
  'Wine makes no links',
  'a probe does not follow a link in the place of the run folder or the log',
  async () => {
    const { root, runId, places } = await orphan();
    const { runId: other, places: linked } = await EventLog.create(root, 'feature').then(async log => {
      await log.close();
      return { runId: log.runId, places: placesOfLog(log) };
    });
    expect(other).not.toBe(runId);
    rmSync(linked.log);
    symlinkSync(places.log, linked.log);
    await expect(isLive(linked)).rejects.toThrow(/ELOOP/);
    rmSync(linked.folder, { recursive: true });
    symlinkSync(places.folder, linked.folder);
    await expect(isLive(linked)).rejects.toThrow(/symbolic link/);
  },
);

test('opening does not trip over probes in a tight loop, not even with the shortest lockTimeout', async () => {
  const run = await orphan();
  const probes = [startProbe(run), startProbe(run)];
  for (const probe of probes) expect(await probe.next()).toBe('probing');
  for (let i = 0; i < rounds(200); i++) {
    const log = await EventLog.open(run.root, run.runId, { lockTimeout: 0 });
    await log.close();
  }
  for (const probe of probes) {
    probe.hangUp();
    expect(JSON.parse(await probe.next())).toMatchObject({ asked: expect.toSatisfy(asked => asked > 20) });
  }
});

test('probes do not take each other for a writer', async () => {
  const run = await orphan();
  const probes = spread([1, 2, 3], 2).map(() => startProbe(run));
  for (const probe of probes) expect(await probe.next()).toBe('probing');
  let live = 0;
  for (let i = 0; i < rounds(3000); i++) if (await isLive(run.places)) live++;
  expect(live).toBe(0);
  for (const probe of probes) {
    probe.hangUp();
    expect(JSON.parse(await probe.next())).toMatchObject({ live: 0 });
  }
});

testNotOnWindows(
  'no process is stopped there',
  'a probe that is stopped, wherever that meets it, makes no run live',
  async () => {
    const run = await orphan();
    const probe = startProbe(run);
    expect(await probe.next()).toBe('probing');
    for (let i = 0; i < rounds(200); i++) {
      probe.signal('SIGSTOP');
      expect(await isLive(run.places)).toBe(false);
      probe.signal('SIGCONT');
      await new Promise(setImmediate);
    }
    probe.hangUp();
    expect(JSON.parse(await probe.next())).toMatchObject({ live: 0 });
  },
);

test('a writer is seen by every probe, however many probe at once', async () => {
  const run = await orphan();
  const probe = startProbe(run);
  expect(await probe.next()).toBe('probing');
  await using log = await EventLog.open(run.root, run.runId);
  const answers: unknown[] = [];
  for (let i = 0; i < rounds(1000); i++) answers.push(await isLive(run.places));
  expect(new Set(answers)).toEqual(new Set([true]));
  expect(log.runId).toBe(run.runId);
});

testNotOnWindows(
  'it is for macOS',
  'where flock(2) and byte locks mind each other, the folder holds the byte, and several still write',
  async () => {
    const linux = platformOf('linux', true);
    if (linux.byteLocks === undefined) throw new Error('Linux has byte locks');
    vi.resetModules();
    vi.doMock('../../src/volume/platform.js', () => ({
      PLATFORM: { ...linux, byteLocks: { ...linux.byteLocks, apartFromFlock: false } },
    }));
    const { EventLog: OtherLog } = await import('../../src/index.js');
    const { isLive: isLiveThere } = await import('../../src/volume/liveness.js');
    vi.doUnmock('../../src/volume/platform.js');
    vi.resetModules();
    const log = await OtherLog.create(temporaryVolume(), 'feature');
    const second = await OtherLog.open(log.root, log.runId);
    const places = placesOf(log.root, log.runId);
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await second.append({ type: 'pipe.completed' });
    expect(await isLive(places)).toBe(false); // not in the log
    expect(await isLiveThere(places)).toBe(true);
    await log.close();
    expect(await isLiveThere(places)).toBe(true);
    await second.close();
    expect(await isLiveThere(places)).toBe(false);
    expect(openDescriptors(places.folder)).toBe(0);
  },
);

test('a process out of descriptors gets an error; of a run that cannot be opened nobody knows whether it is live', async () => {
  const { places } = await orphan();
  const failing = (code: string) =>
    vi.spyOn(fs, 'openSync').mockImplementation(() => {
      throw Object.assign(new Error(code), { code, syscall: 'open' });
    });
  try {
    failing('EMFILE');
    await expect(isKnownLive(places)).rejects.toMatchObject({ code: 'ERR_SYSTEM' });
    failing('EACCES');
    expect(await isKnownLive(places)).toBeUndefined();
  } finally {
    vi.restoreAllMocks();
  }
});
