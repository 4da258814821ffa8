/** Logs leave the thread pool that they share with the rest of the process usable. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

/** What `latency.mjs` prints: reads and commits done, and how long reads took, in milliseconds. */
interface Latency {
  readonly reads: number;
  readonly commits: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const LOGS = 16;
const DURATION_MS = 1000;
/** Far above what a read takes, far below what it takes after a disk that hangs. */
const BOUND_MS = 100;

const PROGRAM = new URL('../support/faults/latency.mjs', import.meta.url).pathname;

async function measure(logs: readonly EventLog[], wrap: readonly string[] = []): Promise<Latency> {
  const [root = ''] = logs.map(log => log.root);
  const args = [PROGRAM, root, `${DURATION_MS}`, ...logs.map(log => log.runId)];
  const [program = '', ...rest] = [...wrap, process.execPath, ...args];
  const { stdout } = await promisify(execFile)(program, rest);
  return JSON.parse(stdout);
}

async function newLogs(): Promise<EventLog[]> {
  const root = temporaryVolume();
  const logs = await Promise.all(Array.from({ length: LOGS }, () => EventLog.create(root, 'busy')));
  await Promise.all(logs.map(log => log.close()));
  return logs;
}

test(`while ${LOGS} logs commit without a pause, an unrelated file is read in no time`, async () => {
  const alone = await measure([]);
  const busy = await measure(await newLogs());
  console.log('readFile in ms, alone:', alone, `beside ${LOGS} logs:`, busy);
  expect(busy.commits).toBeGreaterThan(LOGS);
  expect(busy.p99).toBeLessThan(BOUND_MS);
});

testWith(
  ['strace'],
  `while the disk of ${LOGS} logs hangs, an unrelated file is read in no time`,
  async () => {
    const logs = await newLogs();
    const paths = logs.flatMap(log => ['-P', log.path]);
    const hang = ['-e', 'trace=write', '-e', `inject=write:delay_enter=${DURATION_MS / 4}ms`];
    const busy = await measure(logs, ['strace', '-f', '--seccomp-bpf', '-o', '/dev/null', ...paths, ...hang]);
    console.log(`readFile in ms, beside ${LOGS} logs on a disk that hangs:`, busy);
    expect(busy.commits).toBeGreaterThanOrEqual(LOGS);
    expect(busy.p99).toBeLessThan(BOUND_MS);
  },
);
