/** Creating runs where it fails half-way, which leaves nothing, and where folders cannot be synced, which does not keep it from going on. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EventLog, EventLogError } from '../../src/index.js';
import { inRunFolder } from '../../src/volume/make-folders.js';
import { placesOf } from '../../src/volume/places.js';
import { mountTmpfs } from '../support/faults/disks.js';
import { programPath } from '../support/programs.js';
import { testNotOnWindows, testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PROGRAM = programPath('create-runs');

interface Outcome {
  readonly runId?: string;
  readonly code?: string;
  readonly errno?: string;
  readonly path?: string;
  readonly message?: string;
}

/** Creates runs in a process of its own, with `before` in front of its command line. */
async function create(root: string, before: readonly string[], count = 1, uid?: number): Promise<Outcome[]> {
  const [program = '', ...args] = [...before, process.execPath, PROGRAM, root, String(count)];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }; // strace counts the calls of each thread apart
  if (uid !== undefined) args.push(String(uid));
  const { stdout } = await promisify(execFile)(program, args, {
    env,
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout);
}

function strace(inject: string): string[] {
  const [syscall] = inject.split(':');
  return [
    'strace',
    '-f',
    '-qq',
    '--seccomp-bpf',
    '-o',
    '/dev/null',
    '-e',
    `trace=${syscall}`,
    '-e',
    `inject=${inject}`,
  ];
}

function runsIn(root: string): string[] {
  const runs = join(root, '.omne/var/runs');
  return existsSync(runs) ? readdirSync(runs) : [];
}

/** The code of the error that a promise rejects with. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  return error instanceof EventLogError ? error.code : error;
}

describe('where a folder cannot be synced', () => {
  testWith(['strace'], 'EINVAL, as some file systems say: the run is created', async () => {
    const root = temporaryVolume();
    const [outcome] = await create(root, strace('fsync:error=EINVAL'));
    expect(runsIn(root)).toEqual([outcome?.runId]);
  });

  const unlessRoot = test.skipIf(process.getuid?.() !== 0);
  unlessRoot.for([
    ['a root that may be entered but not listed', '.', 0o711],
    ['a folder of runs where everybody may make one and nobody may list them', '.omne/var/runs', 0o1733],
  ] as const)('%s: the run is created', async ([, folder, mode]) => {
    const root = temporaryVolume();
    mkdirSync(join(root, '.omne/var/runs'), { recursive: true });
    chmodSync(root, 0o755);
    for (const each of ['.omne', '.omne/var', '.omne/var/runs']) chmodSync(join(root, each), 0o777);
    chmodSync(join(root, folder), mode);
    const outcomes = await create(root, [], 2, 65_534);
    expect(runsIn(root)).toEqual(outcomes.map(({ runId }) => runId));
  });
});

describe('a create that fails leaves no run', () => {
  testWith(['strace'], 'EIO from the sync of a folder: the error names the folder', async () => {
    const root = temporaryVolume();
    await (await EventLog.create(root, 'p')).close();
    const before = runsIn(root);
    const [outcome] = await create(root, strace('fsync:error=EIO:when=1'));
    expect(outcome).toMatchObject({ code: 'ERR_SYSTEM', errno: 'EIO' });
    expect(outcome?.path).toMatch(/\.omne\/var\/runs\/p0-\w+$/);
    expect(runsIn(root)).toEqual(before);
  });

  testWith(['prlimit'], 'no descriptor is left: as many folders as logs that opened', async () => {
    const root = temporaryVolume();
    const outcomes = await create(root, ['prlimit', '--nofile=127:127'], 125); // loading takes some sixty: modules are opened side by side
    const opened = outcomes.flatMap(({ runId }) => runId ?? []);
    expect(opened.length).toBeLessThan(125);
    expect(runsIn(root).sort()).toEqual(opened.sort());
    expect(outcomes.at(-1)?.errno).toBe('EMFILE');
  });

  testWith(['tmpfs'], 'no inode is left', async () => {
    const { root } = mountTmpfs('1m', ',nr_inodes=12');
    const opened: string[] = [];
    for (let left = 12; left > 0; left--) {
      const log = await EventLog.create(root, 'p').catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ERR_NO_SPACE' });
      });
      if (log === undefined) break;
      opened.push(log.runId);
      await log.close();
    }
    expect(opened.length).toBeGreaterThan(1);
    expect(runsIn(root).sort()).toEqual(opened);
  });

  test('nor does an open that makes the run of an allocated id; a folder that was there stays', async () => {
    const root = temporaryVolume();
    const runId = await EventLog.allocate(root, 'p');
    const { folder, log } = placesOf(root, runId);
    const failing = () =>
      inRunFolder(placesOf(root, runId), undefined, async () => {
        writeFileSync(log, '');
        throw new EventLogError('ERR_SYSTEM', 'no luck');
      });
    expect(await codeOf(failing())).toBe('ERR_SYSTEM');
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder);
    expect(await codeOf(failing())).toBe('ERR_SYSTEM');
    expect(existsSync(log)).toBe(true);
  });

  test('but a log that holds something, or that another has open, stays', async () => {
    const root = temporaryVolume();
    const runId = await EventLog.allocate(root, 'p');
    const { folder, log } = placesOf(root, runId);
    const failingAfter = (work: () => unknown) =>
      inRunFolder(placesOf(root, runId), undefined, async () => {
        await work();
        throw new EventLogError('ERR_SYSTEM', 'no luck');
      });
    expect(await codeOf(failingAfter(() => writeFileSync(log, 'x')))).toBe('ERR_SYSTEM');
    expect(existsSync(log)).toBe(true);
    rmSync(folder, { recursive: true });
    let peer: EventLog | undefined;
    const open = async () => {
      peer = await EventLog.open(root, runId, { create: true });
    };
    expect(await codeOf(failingAfter(open))).toBe('ERR_SYSTEM');
    await peer?.append({ type: 'pipe.started', pipe: 'p' });
    await peer?.close();
  });
});

testNotOnWindows(
  'no name may hold that there',
  'a path that holds what a replacement text would mean is named as it is',
  async () => {
    const root = join(temporaryVolume(), "a$&b$'c");
    mkdirSync(root);
    const log = await EventLog.create(root, 'p');
    await log.close();
    rmSync(log.path);
    mkdirSync(log.path);
    const error: unknown = await EventLog.open(root, log.runId).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ path: log.path, cause: { path: log.path } });
    expect(String(error)).not.toContain('/proc/self/fd');
  },
);
