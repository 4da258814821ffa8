/** A run that is being made is no damage, whichever of its parts are there; and what stays unfinished is. */
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EventLog, verifyRun } from '../../src/index.js';
import { foldedRuns } from '../../src/run/list-runs.js';
import { RunTally } from '../../src/run/statistics.js';
import type { RunsAnswer } from '../../src/web.js';
import { omneLog } from '../support/command.js';
import { logPath } from '../support/logs.js';
import { Program, startProgram } from '../support/processes/program.js';
import { programPath } from '../support/programs.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';
import { askJson, serverOf } from '../support/web-client.js';

const RUN = 'new-01kp8g6dg0zg6axb6gqz17wf7m';
const FIRST_LINE = `{"type":"pipe.started","id":"01kp8g6dg0zg6axb6gqz17wf7n","ts":"2026-04-15T00:00:00.000Z","run_id":"${RUN}","pipe":"new"}\n`;

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What the listings say: with counts, without, and of the server. */
async function rowsOf(root: string, port: number) {
  const answer = await askJson<RunsAnswer>(port, '/api/v1/runs');
  const tally = new RunTally();
  for await (const run of foldedRuns(root, {})) tally.add(run);
  return {
    rows: [
      ...(await collect(EventLog.runs(root))),
      ...(await collect(EventLog.runs(root, { counts: false }))),
      ...answer.runs,
    ],
    damaged: tally.statistics.damaged,
    left: tally.statistics.left,
  };
}

/** Finds nothing wrong, by any way of looking. */
async function expectNoDamage(root: string, port: number): Promise<void> {
  const { rows, damaged, left } = await rowsOf(root, port);
  for (const row of rows) expect(row).not.toHaveProperty('problem');
  for (const row of rows) expect(row).toMatchObject({ status: 'running', orphan: false });
  expect({ damaged, left }).toEqual({ damaged: 0, left: 0 });
}

/** The folders of a run as they are on its way; each gets its folder, and what holds it there. */
const STATES: readonly (readonly [string, (folder: string) => void])[] = [
  ['a folder', () => undefined],
  [
    'a vocabulary that is being written',
    folder => writeFileSync(join(folder, 'vocabulary.json.new-01kp8g6dg0zg6axb6gqz17wf7m'), '{"eve'),
  ],
  ['an empty log', folder => writeFileSync(join(folder, 'events.jsonl'), '')],
  ['output, and no log', folder => mkdirSync(join(folder, 'nodes'))],
];

describe('a run of which there is no more than', () => {
  test.each(STATES)('%s is no damage', async (_, make) => {
    const root = temporaryVolume();
    const folder = dirname(logPath(root, RUN));
    mkdirSync(folder, { recursive: true });
    make(folder);
    const { port } = await serverOf(root);
    await expectNoDamage(root, port);
    const { stdout } = await omneLog(['ls', '--root', root]);
    expect(stdout).toMatch(/^▸ .*no event yet/);
    expect(await omneLog(['verify', '--all', '--root', root])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/, 0 with problems\n$/),
    });
    expect((await omneLog(['stats', '--root', root])).stdout).not.toContain('damaged');
  });

  test('a folder is a problem once nothing happened there for a minute', async () => {
    const root = temporaryVolume();
    const folder = dirname(logPath(root, RUN));
    mkdirSync(folder, { recursive: true });
    const ago = (seconds: number) => new Date(Date.now() - 1000 * seconds);
    const { port } = await serverOf(root);
    utimesSync(folder, ago(55), ago(55));
    await expectNoDamage(root, port);
    utimesSync(folder, ago(61), ago(61));
    const runs = await collect(EventLog.runs(root));
    expect(runs).toMatchObject([{ problem: expect.stringContaining('has no log'), orphan: true }]);
    expect(await omneLog(['verify', '--all', '--root', root])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('1 with problems'),
    });
  });
});

describe('a line that is being written', () => {
  test('is waited for by verify as long as its writer holds the log', async () => {
    const root = temporaryVolume();
    const path = logPath(root, RUN);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, FIRST_LINE.slice(0, 40));
    const writer = startProgram('hold-lock', path);
    expect(await writer.next()).toBe('held');
    const report = verifyRun(root, RUN);
    writeFileSync(path, FIRST_LINE);
    writer.hangUp();
    expect(await report).toMatchObject({ ok: true, events: 1, tornBytes: 0 });
  });

  test('is torn where nobody writes', async () => {
    const root = temporaryVolume();
    const path = logPath(root, RUN);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, FIRST_LINE.slice(0, 40));
    expect(await verifyRun(root, RUN)).toMatchObject({ ok: false, tornBytes: 40 });
  });
});

const PROGRAM = programPath('processes/create-run');
/** All by which files come to be, or are locked. */
const CALLS = 'mkdir,mkdirat,openat,fcntl,flock,fsync,fdatasync,rename,renameat,renameat2,write,pwrite64';

testWith(
  ['strace'],
  'a process that makes a run is stopped at each of its steps, and nobody sees damage',
  async () => {
    const root = temporaryVolume();
    const { port } = await serverOf(root);
    const stops = [`trace=${CALLS}`, `inject=${CALLS}:signal=SIGSTOP`].flatMap(what => ['-e', what]);
    // -D: the program is the child, and strace beside it.
    const maker = new Program('strace', [
      '-D',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      ...stops,
      process.execPath,
      PROGRAM,
      root,
    ]);
    const isMade = maker.next().then(() => true);
    const seen = new Set<string>();
    for (let made = false; !made; ) {
      made = await Promise.race([isMade, new Promise<false>(resolve => setTimeout(resolve, 1, false))]);
      if (!isStopped(maker.pid)) continue;
      const parts = partsOf(root);
      if (!seen.has(parts)) {
        seen.add(parts);
        await expectNoDamage(root, port);
        if (parts !== '') expect((await omneLog(['verify', '--all', '--root', root])).code).toBe(0);
      }
      maker.signal('SIGCONT');
    }
    // The folder, the vocabulary in the writing and whole, the log without a line and with one.
    expect(seen.size).toBeGreaterThanOrEqual(5);
    const { rows } = await rowsOf(root, port);
    expect(rows.slice(0, 2)).toMatchObject([{ live: true }, { live: true }]);
  },
  60_000,
);

/** Whether a process is held by a signal, or for a moment by its tracer. */
function isStopped(pid: number): boolean {
  return /^[Tt]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1) ?? '');
}

/** What there is of the runs of a volume. */
function partsOf(root: string): string {
  const runs = join(root, '.omne', 'var', 'runs');
  const names = (() => {
    try {
      return readdirSync(runs, { recursive: true, encoding: 'utf8' });
    } catch {
      return []; // not there yet
    }
  })();
  const parts = names.map(name => `${name.replace(/new-\w{26}/g, '*')} ${sizeOf(join(runs, name))}`);
  return parts.sort().join('\n');
}

function sizeOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? String(stat.size) : '';
}
