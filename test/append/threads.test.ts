/** Logs leave the thread pool that they share with the rest of the process usable. */
import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EventLog } from '../../src/index.js';
import { files } from '../../src/volume/file-calls.js';
import { lineOf, sampleEvent } from '../support/logs.js';
import { programPath } from '../support/programs.js';
import { fullStrength } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { diskVolume, temporaryVolume } from '../support/volume.js';

/** What `latency.mjs` prints: reads and commits done, and how long reads took, in milliseconds. */
interface Latency {
  readonly reads: number;
  readonly commits: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

afterEach(() => {
  vi.restoreAllMocks();
});

const LOGS = 16;
const DURATION_MS = fullStrength ? 1000 : 400;
/** How long a disk hangs at each write. */
const HANG_MS = 250;
/** Far above what a read takes, far below what it takes after a disk that hangs. */
const BOUND_MS = 100;

const PROGRAM = programPath('faults/latency');

async function measure(logs: readonly EventLog[], wrap: readonly string[] = []): Promise<Latency> {
  const [root = ''] = logs.map(log => log.root);
  const args = [PROGRAM, root, `${DURATION_MS}`, ...logs.map(log => log.runId)];
  const [program = '', ...rest] = [...wrap, process.execPath, ...args];
  const { stdout } = await promisify(execFile)(program, rest);
  return JSON.parse(stdout);
}

/** Measures until no other program was in the way: logs that hold the pool up are in the way each time. */
async function measureUndisturbed(work: () => Promise<Latency>): Promise<Latency> {
  let found = await work();
  for (let tries = 1; found.p99 >= BOUND_MS && tries < 5; tries++) found = await work();
  return found;
}

async function newLogs(): Promise<EventLog[]> {
  const root = diskVolume();
  const logs = await Promise.all(Array.from({ length: LOGS }, () => EventLog.create(root, 'busy')));
  await Promise.all(logs.map(log => log.close()));
  return logs;
}

test(`while ${LOGS} logs commit without a pause, an unrelated file is read in no time`, async () => {
  const alone = await measure([]);
  const busy = await measureUndisturbed(async () => measure(await newLogs()));
  console.log('readFile in ms, alone:', alone, `beside ${LOGS} logs:`, busy);
  expect(busy.commits).toBeGreaterThan(LOGS);
  expect(busy.p99).toBeLessThan(BOUND_MS);
}, 60_000);

testWith(
  ['strace'],
  `while the disk of ${LOGS} logs hangs, an unrelated file is read in no time`,
  async () => {
    const logs = await newLogs();
    const paths = logs.flatMap(log => ['-P', log.path]);
    const hang = ['-e', 'trace=write', '-e', `inject=write:delay_enter=${HANG_MS}ms`];
    const strace = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', ...paths, ...hang];
    const busy = await measureUndisturbed(() => measure(logs, strace));
    console.log(`readFile in ms, beside ${LOGS} logs on a disk that hangs:`, busy);
    expect(busy.commits).toBeGreaterThanOrEqual(LOGS);
    expect(busy.p99).toBeLessThan(BOUND_MS);
  },
  60_000,
);

describe('where every sync takes a second, an unrelated file is read before the first of eight', () => {
  const WAYS = {
    append: 'first appends to logs that were reopened',
    sync: 'syncs of logs that are read',
  };
  const program = programPath('faults/beside-disk');
  for (const [way, what] of Object.entries(WAYS)) {
    testWith(['strace'], what, async () => {
      const logs = (await newLogs()).slice(0, 8);
      for (const log of logs) appendFileSync(log.path, lineOf({ ...sampleEvent(0), run_id: log.runId }));
      const calls = 'fsync,fdatasync,ftruncate';
      const slow = ['-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=1s`];
      const strace = ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', ...slow, process.execPath];
      const [tracer = '', ...args] = [
        ...strace,
        program,
        way,
        logs[0]?.root ?? '',
        ...logs.map(log => log.runId),
      ];
      const { stdout } = await promisify(execFile)(tracer, args);
      expect(stdout).toBe('read\n');
    });
  }
});

describe('never more than three calls are at the disk at once', () => {
  /** Counts how many syncs are under way at once; each waits until a third is, and then for a fourth, a few turns of the event loop. */
  function watchDisk(): () => number {
    let underway = 0;
    let most = 0;
    const sync = async () => {
      most = Math.max(most, ++underway);
      const begin = performance.now();
      while (most < 3 && performance.now() - begin < 500) await turn();
      for (let i = 0; i < 5; i++) await turn();
      underway--;
    };
    vi.spyOn(files, 'fsync').mockImplementation(sync);
    vi.spyOn(files, 'fdatasync').mockImplementation(sync);
    return () => most;
  }

  const eight = <T>(work: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 8 }, (_, i) => work(i)));

  test('while runs are made', async () => {
    const volume = temporaryVolume();
    const most = watchDisk();
    const logs = await eight(() => EventLog.create(volume, 'busy'));
    await Promise.all(logs.map(log => log.close()));
    expect(most()).toBe(3);
  });

  test('while torn tails are saved and cut', async () => {
    const logs = await newLogs();
    for (const log of logs) appendFileSync(log.path, '{"type":');
    const most = watchDisk();
    const opened = await Promise.all(logs.map(log => EventLog.open(log.root, log.runId)));
    await Promise.all(opened.map(log => log.close()));
    expect(opened.every(log => log.recovered !== undefined)).toBe(true);
    expect(most()).toBe(3);
  });

  test('while captures are synced', async () => {
    const volume = temporaryVolume();
    const logs = await eight(() => EventLog.create(volume, 'busy'));
    const captures = await Promise.all(logs.map(log => log.capture('n')));
    const most = watchDisk();
    await Promise.all(captures.map(capture => capture.sync()));
    await Promise.all(logs.map(log => log.close()));
    expect(most()).toBe(3);
  });
});
