/** The lock between processes, held against `flock(1)` of util-linux. */
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { Committer } from '../../src/append/committer.js';
import { type LogFile, openLogFile } from '../../src/append/log-file.js';
import { prepareDraft } from '../../src/format/encode.js';
import { decodeEvent, EventLog, verifyRun } from '../../src/index.js';
import { tryLock, unlock, waitForLock } from '../../src/volume/flock.js';
import { placesOf } from '../../src/volume/places.js';
import { openDescriptors } from '../support/logs.js';
import { copyBuild } from '../support/packages.js';
import { Program, startProgram } from '../support/processes/program.js';
import { type TestBody, testNotOnWindows, testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const gate = (name: string) => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' }) as const;
const gatesIn = (log: EventLog) =>
  readFileSync(log.path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map(line => decodeEvent(line))
    .map(event => (event.type === 'gate.passed' ? event.gate : event.type));
const code = (name: string) => expect.objectContaining({ name: 'EventLogError', code: name });

const testWithFlock = (name: string, body: TestBody) => testWith(['flock'], name, body);

describe('against flock(1) of util-linux', () => {
  /** `flock` holds the lock itself, with no process between, until its input is closed. */
  async function hold(path: string, mode: '--exclusive' | '--shared'): Promise<Program> {
    const holder = new Program('flock', ['--no-fork', mode, path, 'sh', '-c', 'echo held; exec cat']);
    expect(await holder.next()).toBe('held');
    return holder;
  }

  const flockGets = (path: string) => spawnSync('flock', ['--nonblock', path, 'true']).status === 0;

  for (const mode of ['--exclusive', '--shared'] as const) {
    testWithFlock(`an append waits while flock ${mode} is held and goes on when it is released`, async () => {
      const root = temporaryVolume();
      await using log = await EventLog.create(root, 'feature');
      await using unlocked = await EventLog.open(root, log.runId, { lock: false });
      const holder = await hold(log.path, mode);
      const settled = vi.fn();
      const waiting = log.append(gate('waited')).finally(settled);
      // The same disk takes other events meanwhile, so it is the lock that the append waits for.
      for (let i = 0; i < 20; i++) await unlocked.append(gate(`unlocked-${i}`));
      await sleep(30); // several polls: a waiter that did not mind the lock would be through
      expect(settled).not.toHaveBeenCalled();
      expect(gatesIn(log)).toHaveLength(20);
      holder.hangUp();
      await waiting;
      expect(gatesIn(log)[20]).toBe('waited');
      expect(await verifyRun(root, log.runId)).toMatchObject({ ok: true, events: 21 });
    });
  }

  testWithFlock(
    'append gives up after lockTimeout; nothing of the event was kept, and the log is still usable',
    async () => {
      await using log = await EventLog.create(temporaryVolume(), 'feature', { lockTimeout: 200 });
      await log.append(gate('before'));
      const holder = await hold(log.path, '--exclusive');
      const before = performance.now();
      const refused = log.append(gate('refused'));
      await expect(refused).rejects.toEqual(code('ERR_LOCK_TIMEOUT'));
      await expect(refused).rejects.toMatchObject({
        path: log.path,
        message: expect.stringContaining(log.path),
      });
      expect(performance.now() - before).toBeGreaterThan(195);
      expect(gatesIn(log)).toEqual(['before']);
      await expect(log.appendAll([gate('refused'), gate('too')])).rejects.toEqual(code('ERR_LOCK_TIMEOUT'));
      await log.flush();
      holder.hangUp();
      await holder.finished();
      await log.append(gate('after'));
      expect(gatesIn(log)).toEqual(['before', 'after']);
    },
  );

  testWithFlock(
    'every append of a batch that gets no lock is rejected, and close does not hang',
    async () => {
      const log = await EventLog.create(temporaryVolume(), 'feature', { lockTimeout: 50 });
      await hold(log.path, '--exclusive');
      const appends = [1, 2, 3].map(n => log.append(gate(`refused-${n}`)));
      const closing = log.close();
      for (const outcome of await Promise.allSettled(appends)) {
        expect(outcome).toEqual({ status: 'rejected', reason: code('ERR_LOCK_TIMEOUT') });
      }
      await closing;
      expect(gatesIn(log)).toEqual([]);
    },
  );

  testWithFlock(
    'open waits for the lock as well, and leaves no descriptor open when it gives up',
    async () => {
      const root = temporaryVolume();
      const { runId, path } = await closedLog(root);
      const holder = await hold(path, '--exclusive');
      const open = () => EventLog.open(root, runId, { lockTimeout: 50 });
      await expect(open()).rejects.toMatchObject({ code: 'ERR_LOCK_TIMEOUT', path });
      expect(openDescriptors(path)).toBe(0);
      holder.hangUp();
      await holder.finished();
      await (await open()).close();
    },
  );

  testWithFlock('lock: false appends while others hold the lock', async () => {
    const root = temporaryVolume();
    const { runId, path } = await closedLog(root);
    await hold(path, '--exclusive');
    await using log = await EventLog.open(root, runId, { lock: false, lockTimeout: 0 });
    await log.append(gate('unlocked'));
    expect(gatesIn(log)).toEqual(['unlocked']);
  });

  testWithFlock('a commit keeps flock(1) out until it is on disk, and not a moment longer', async () => {
    const root = temporaryVolume();
    await using log = await EventLog.create(root, 'feature');
    const file = await openLogFile(placesOf(root, log.runId));
    const written = later();
    const synced = later();
    const slow: LogFile = {
      path: file.path,
      stat: () => file.stat(),
      read: (buffer, position) => file.read(buffer, position),
      append: async bytes => {
        const count = await file.append(bytes);
        written.resolve();
        await synced.promise;
        return count;
      },
      sync: () => file.sync(),
      truncate: size => file.truncate(size),
      copyTail: (start, suffix) => file.copyTail(start, suffix),
      tryLock: () => file.tryLock(),
      unlock: () => file.unlock(),
      close: () => file.close(),
    };
    const committer = new Committer(slow, { lock: true });
    await committer.start();
    expect(flockGets(log.path)).toBe(true);

    const event = prepareDraft(gate('slow'), log.runId);
    const { promise: acknowledged, resolve, reject } = later();
    const commit = committer.commit([{ events: [event], bytes: event.bytes, last: false, resolve, reject }]);
    await written.promise;
    expect(flockGets(log.path)).toBe(false);
    synced.resolve();
    (await commit)();
    await acknowledged;
    expect(flockGets(log.path)).toBe(true);
    await file.close();
  });

  testWithFlock('the lock is free again while a log is open and idle, and once it is closed', async () => {
    const log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append(gate('one'));
    expect(flockGets(log.path)).toBe(true);
    await log.close();
    expect(flockGets(log.path)).toBe(true);
  });

  testWithFlock('tryLock takes what flock(1) takes: one exclusive holder, or many shared ones', async () => {
    const path = join(temporaryVolume(), 'file');
    const fd = openSync(path, 'w+');
    const holder = await hold(path, '--shared');
    expect(tryLock(fd, path)).toBe(false);
    expect(tryLock(fd, path, 'shared')).toBe(true);
    unlock(fd);
    holder.hangUp();
    await holder.finished();
    expect(tryLock(fd, path)).toBe(true);
    expect(flockGets(path)).toBe(false);
    unlock(fd);
    expect(flockGets(path)).toBe(true);
    closeSync(fd);
  });
});

test('the lock of a writer dies with its process', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const holder = startProgram('hold-lock', log.path);
  expect(await holder.next()).toBe('held');
  const append = log.append(gate('after the holder'));
  const settled = vi.fn();
  void append.finally(settled);
  await sleep(30);
  expect(settled).not.toHaveBeenCalled();
  await holder.kill();
  await append;
  expect(gatesIn(log)).toEqual(['after the holder']);
});

test('two logs of one run in one process take turns', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'feature');
  await using other = await EventLog.open(root, log.runId);
  const append = async (to: EventLog, name: string) => {
    for (let i = 0; i < 50; i++) await to.append(gate(`${name}-${i}`));
  };
  await Promise.all([append(log, 'one'), append(other, 'two')]);
  for (const name of ['one', 'two']) {
    const own = gatesIn(log).filter(gate => gate.startsWith(name));
    expect(own).toEqual(Array.from({ length: 50 }, (_, i) => `${name}-${i}`));
  }
  expect(await verifyRun(root, log.runId)).toMatchObject({ ok: true, events: 100 });
});

test('waitForLock tries once more at the end of its budget, and only once without one', async () => {
  const held = vi.fn(() => false);
  await expect(waitForLock(held, '/some/path', 0)).rejects.toMatchObject({
    code: 'ERR_LOCK_TIMEOUT',
    path: '/some/path',
  });
  expect(held).toHaveBeenCalledTimes(1);

  const before = performance.now();
  await waitForLock(() => performance.now() - before > 50, '/some/path', 50.5);
  expect(performance.now() - before).toBeLessThan(1000);
});

testNotOnWindows(
  'it is about flock(2)',
  'where flock(2) fails the error names the errno and the path',
  () => {
    const path = join(temporaryVolume(), 'file');
    const fd = openSync(path, 'w');
    closeSync(fd);
    expect(() => tryLock(fd, path)).toThrow(
      expect.objectContaining({
        code: 'ERR_LOCK_UNSUPPORTED',
        path,
        message: expect.stringContaining('EBADF'),
      }),
    );
  },
);

testNotOnWindows(
  'the copy is made of links',
  'without koffi a log is refused, unless it is opened with lock: false; reading needs no lock',
  async () => {
    const root = temporaryVolume();
    const project = new URL('../../', import.meta.url).pathname;
    const copy = join(root, 'copy');
    mkdirSync(join(copy, 'node_modules'), { recursive: true });
    copyBuild(copy);
    cpSync(join(project, 'package.json'), join(copy, 'package.json'));
    for (const name of ['fs-extra', 'split2', 'ulid']) {
      symlinkSync(join(project, 'node_modules', name), join(copy, 'node_modules', name));
    }
    mkdirSync(join(root, 'volume'));
    const program = startProgram('without-koffi', join(copy, 'dist', 'index.js'), join(root, 'volume'));
    expect(await program.rest()).toEqual(['ERR_LOCK_UNSUPPORTED', 'gate.passed']);
    await program.finished();
  },
);

/** A log nobody holds open. */
async function closedLog(root: string): Promise<EventLog> {
  const log = await EventLog.create(root, 'feature');
  await log.close();
  return log;
}

/** Something that happens later. */
function later(): { promise: Promise<void>; resolve: () => void; reject: (reason: unknown) => void } {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((...settlers) => {
    [resolve, reject] = settlers;
  });
  return { promise, resolve, reject };
}
