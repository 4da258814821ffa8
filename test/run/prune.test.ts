/** Pruning: what goes, what stays, and that nothing else is touched, whatever happens meanwhile. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EventLog, verifyRun } from '../../src/index.js';
import {
  ABORTED,
  abandon,
  COMPLETED,
  UNFINISHED,
  type WrittenRun,
  writeCapture,
  writeRun,
} from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { rejection } from '../support/logs.js';
import { programPath } from '../support/programs.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const DAY = 86_400_000;
const PRUNER = programPath('processes/prune');

/** A run that began so many days ago, and was last written to then. */
function oldRun(root: string, pipe: string, days: number, steps = COMPLETED): WrittenRun {
  const run = writeRun(root, pipe, steps, { start: Date.now() - days * DAY });
  const then = new Date(Date.now() - days * DAY);
  utimesSync(run.path, then, then);
  return run;
}

async function listed(root: string): Promise<string[]> {
  const runIds: string[] = [];
  for await (const { runId } of EventLog.runs(root)) runIds.push(runId);
  return runIds;
}

describe('EventLog.prune', () => {
  test('removes runs that ended before the age given, with all their files, and says what that freed', async () => {
    const root = temporaryVolume();
    const [old, older, young] = [oldRun(root, 'p', 40), oldRun(root, 'p', 60, ABORTED), oldRun(root, 'p', 3)];
    writeCapture(old, 'n', 'x'.repeat(5000));
    const report = await EventLog.prune(root, { olderThan: 30 * DAY });
    expect(report.runs.map(({ runId, status }) => [runId, status])).toEqual([
      [older.runId, 'aborted'],
      [old.runId, 'completed'],
    ]);
    expect(report.runs[1]?.bytes).toBeGreaterThan(5000);
    expect(report).toMatchObject({ kept: 1, failures: [] });
    expect(report.bytes).toBe(report.runs.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(await listed(root)).toEqual([young.runId]);
    expect(existsSync(old.folder)).toBe(false);
    expect(readdirSync(join(root, '.omne/var/pruned'))).toEqual([]);
  });

  test('keeps the newest runs of each pipe, however old', async () => {
    const root = temporaryVolume();
    const a = [50, 40, 30].map(days => oldRun(root, 'a', days).runId);
    const b = [45, 35].map(days => oldRun(root, 'b', days).runId);
    await EventLog.prune(root, { keep: 2 });
    expect((await listed(root)).sort()).toEqual([...a.slice(1), ...b].sort());
    await EventLog.prune(root, { keep: 0, olderThan: 38 * DAY, pipe: 'a' });
    expect((await listed(root)).sort()).toEqual([...a.slice(2), ...b].sort());
  });

  test('goes by the file where the clock of the log was ahead, and by the log where the file was copied later', async () => {
    const root = temporaryVolume();
    const future = writeRun(
      root,
      'p',
      COMPLETED.map(([at, draft]) => [at + 4000 * DAY, draft] as const),
      { start: Date.now() - 50 * DAY },
    );
    const then = new Date(Date.now() - 50 * DAY);
    utimesSync(future.path, then, then);
    const copied = writeRun(root, 'p', COMPLETED, { start: Date.now() - 50 * DAY });
    expect((await EventLog.prune(root, { olderThan: 30 * DAY })).runs.map(({ runId }) => runId)).toEqual([
      future.runId,
    ]);
    expect(await listed(root)).toEqual([copied.runId]);
  });

  test('removes only runs that ended as asked', async () => {
    const root = temporaryVolume();
    const [good] = [oldRun(root, 'p', 50), oldRun(root, 'p', 40, ABORTED)];
    await EventLog.prune(root, { olderThan: 0, status: 'aborted' });
    expect(await listed(root)).toEqual([good?.runId]);
  });

  test('changes nothing in a dry run, and reports what would go', async () => {
    const root = temporaryVolume();
    const run = oldRun(root, 'p', 50);
    const report = await EventLog.prune(root, { olderThan: DAY, dryRun: true });
    expect(report.runs.map(({ runId }) => runId)).toEqual([run.runId]);
    expect(await listed(root)).toEqual([run.runId]);
    expect(existsSync(join(root, '.omne/var/pruned'))).toBe(false);
  });

  test('needs an age or a number to keep, and refuses what it does not know', async () => {
    const root = temporaryVolume();
    expect(await rejection(EventLog.prune(root, {}))).toBeInstanceOf(TypeError);
    expect(
      String(await rejection(Reflect.apply(EventLog.prune, EventLog, [root, { olderthan: 5 }]))),
    ).toContain('olderThan');
    expect(await rejection(EventLog.prune(root, { olderThan: -1 }))).toBeInstanceOf(TypeError);
  });

  test('finds nothing to do in a volume without runs', async () => {
    expect(await EventLog.prune(temporaryVolume(), { keep: 0 })).toEqual({
      runs: [],
      bytes: 0,
      kept: 0,
      failures: [],
    });
  });
});

describe('a run that has not ended', () => {
  test('stays, unless orphans are asked for and nobody has it open', async () => {
    const root = temporaryVolume();
    const left = writeRun(root, 'p', UNFINISHED);
    abandon(left);
    await EventLog.prune(root, { olderThan: 0 });
    expect(await listed(root)).toEqual([left.runId]);
    const log = await EventLog.open(root, left.runId);
    await EventLog.prune(root, { olderThan: 0, orphans: true });
    expect(await listed(root)).toEqual([left.runId]);
    await log.close();
    expect((await EventLog.prune(root, { olderThan: 0, orphans: true })).runs).toMatchObject([
      { status: 'running' },
    ]);
    expect(await listed(root)).toEqual([]);
  });

  test('stays while it was written to within a minute', async () => {
    const root = temporaryVolume();
    const left = writeRun(root, 'p', UNFINISHED);
    await EventLog.prune(root, { olderThan: 0, orphans: true });
    expect(await listed(root)).toEqual([left.runId]);
  });
});

describe('a run that somebody has open', () => {
  test('stays although it has ended', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    await log.append({ type: 'pipe.completed' });
    expect((await EventLog.prune(root, { olderThan: 0 })).runs).toEqual([]);
    await log.close();
    expect((await EventLog.prune(root, { olderThan: 0 })).runs).toHaveLength(1);
  });

  test('is read to its end by a reader, and a tail of it says that it is gone', async () => {
    const root = temporaryVolume();
    const run = oldRun(root, 'p', 50);
    const reader = EventLog.read(root, run.runId)[Symbol.asyncIterator]();
    await reader.next();
    const tail = EventLog.tail(root, run.runId, { stopAtTerminal: false, pollInterval: 20 });
    const following = rejection(tail.toArray());
    await tail.caughtUp;
    await EventLog.prune(root, { olderThan: DAY });
    expect(await following).toMatchObject({ code: 'ERR_LOG_REPLACED' });
    let count = 1;
    while (!(await reader.next()).done) count++;
    expect(count).toBe(COMPLETED.length);
    expect(await rejection(EventLog.read(root, run.runId).toArray())).toMatchObject({
      code: 'ERR_RUN_NOT_FOUND',
    });
  });

  test('is never pruned in the moment in which it is opened: an append is refused, or the run is there with it', async () => {
    for (let round = 0; round < rounds(60); round++) {
      const root = quickVolume();
      const left = writeRun(root, 'p', UNFINISHED);
      abandon(left);
      const writing = EventLog.open(root, left.runId).then(async log => {
        const event = await log.append({ type: 'node.started', node_id: 'again', kind: 'bash' });
        return { log, event };
      });
      const [written, pruned] = await Promise.allSettled([
        writing,
        EventLog.prune(root, { olderThan: 0, orphans: true }),
      ]);
      expect(pruned.status).toBe('fulfilled');
      if (written.status === 'fulfilled') {
        const events = await EventLog.read(root, left.runId).toArray();
        expect(events.at(-1)).toEqual(written.value.event);
        await written.value.log.close();
      } else {
        expect(written.reason).toMatchObject({
          code: expect.stringMatching(/^ERR_(RUN_NOT_FOUND|LOG_REPLACED)$/),
        });
        expect(await listed(root)).toEqual([]);
      }
    }
  });
});

describe('confinement', () => {
  test('links in a run go, and what they lead to stays', async () => {
    const root = temporaryVolume();
    const outside = temporaryVolume();
    writeFileSync(join(outside, 'precious'), 'x');
    const run = oldRun(root, 'p', 50);
    mkdirSync(join(run.folder, 'nodes'));
    symlinkSync(outside, join(run.folder, 'nodes', 'link'));
    symlinkSync(join(outside, 'precious'), join(run.folder, 'file'));
    expect((await EventLog.prune(root, { olderThan: DAY })).runs).toHaveLength(1);
    expect(readFileSync(join(outside, 'precious'), 'utf8')).toBe('x');
  });

  test('a link in the place of a run, of its log, or of the folder of pruned runs is never followed', async () => {
    const root = temporaryVolume();
    const outside = temporaryVolume();
    const elsewhere = oldRun(outside, 'p', 50);
    const linked = oldRun(root, 'p', 51);
    renameSync(linked.folder, join(outside, 'moved'));
    symlinkSync(elsewhere.folder, linked.folder);
    const logLinked = oldRun(root, 'p', 52);
    renameSync(logLinked.path, `${logLinked.path}.real`);
    symlinkSync(elsewhere.path, logLinked.path);
    const report = await EventLog.prune(root, { olderThan: 0 });
    expect(report.failures.map(({ error }) => error.code)).toEqual(['ERR_UNSAFE_PATH', 'ERR_UNSAFE_PATH']);
    expect(existsSync(elsewhere.path)).toBe(true);
    const run = oldRun(root, 'q', 50);
    symlinkSync(outside, join(root, '.omne/var/pruned'));
    expect(await rejection(EventLog.prune(root, { olderThan: 0, pipe: 'q' }))).toMatchObject({
      code: 'ERR_UNSAFE_PATH',
    });
    expect(existsSync(run.path)).toBe(true);
    expect(existsSync(elsewhere.path)).toBe(true);
  });
});

test('killed at any moment, it leaves whole runs or none, and the next one removes the rest', async () => {
  const root = quickVolume();
  const others = [oldRun(root, 'other', 1), oldRun(root, 'other', 2)].map(({ runId }) => runId);
  for (let round = 0; round < (fullStrength ? rounds(100) : 4); round++) {
    const runs = Array.from({ length: 12 }, (_, index) => {
      const run = oldRun(root, 'p', 40 + index);
      for (const node of ['a', 'b', 'c', 'd']) writeCapture(run, node, 'output\n'.repeat(200));
      return run;
    });
    const child = spawn(process.execPath, [PRUNER, root], { stdio: ['ignore', 'pipe', 'inherit'] });
    await killSoon(child, Math.random() * 12);
    for (const runId of await listed(root)) {
      expect(await verifyRun(root, runId)).toMatchObject({ ok: true, ended: true });
      if (runId.startsWith('p-'))
        expect(readdirSync(join(root, '.omne/var/runs', runId, 'nodes'))).toHaveLength(4);
    }
    await EventLog.prune(root, { olderThan: 30 * DAY });
    expect(await listed(root)).toEqual(others.toSorted((a, b) => (a.slice(-26) < b.slice(-26) ? -1 : 1)));
    expect(readdirSync(join(root, '.omne/var/pruned'))).toEqual([]);
    expect(runs.filter(({ folder }) => existsSync(dirname(join(folder, 'x'))))).toEqual([]);
  }
}, 120_000);

testWith(
  ['strace'],
  'syncs what it has renamed before it removes anything, so a power cut leaves no half run',
  async () => {
    const root = temporaryVolume();
    for (const days of [40, 41, 42]) writeCapture(oldRun(root, 'p', days), 'a', 'output\n');
    const trace = join(root, 'trace');
    const calls = 'trace=rename,fsync,unlink,rmdir';
    const args = [
      '-f',
      '-y',
      '-qq',
      '--seccomp-bpf',
      '-o',
      trace,
      '-e',
      calls,
      process.execPath,
      PRUNER,
      root,
    ];
    await promisify(execFile)('strace', args);
    const seen = readFileSync(trace, 'utf8').split('\n');
    const at = (call: RegExp) => seen.flatMap((line, index) => (call.test(line) ? [index] : []));
    const renames = at(/rename\(/);
    const syncs = ['pruned', 'runs'].map(name => at(new RegExp(`fsync\\(\\d+<.*/${name}>`)));
    const removals = at(/(unlink|rmdir)\(/);
    expect([renames.length, syncs.map(found => found.length)]).toEqual([3, [1, 1]]);
    for (const [sync = -1] of syncs) {
      expect(sync).toBeGreaterThan(renames.at(-1) ?? Number.POSITIVE_INFINITY);
      expect(sync).toBeLessThan(removals[0] ?? -1);
    }
    expect(await listed(root)).toEqual([]);
  },
);

/** Kills a pruner so many milliseconds after it began. */
async function killSoon(child: ChildProcess, afterMs: number): Promise<void> {
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout ?? child, 'data'), closed]);
  const until = performance.now() + afterMs;
  while (performance.now() < until && child.exitCode === null) await new Promise(setImmediate);
  child.kill('SIGKILL');
  await closed;
}

describe('omne-log prune', () => {
  test('removes, and says what; --json as one object; --dry-run changes nothing', async () => {
    const root = temporaryVolume();
    const run = oldRun(root, 'p', 50);
    oldRun(root, 'p', 1);
    const dry = await omneLog(['prune', '--root', root, '--older-than', '30d', '--dry-run']);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toMatch(new RegExp(`${run.runId} +49 d ago`));
    expect(dry.stdout).toMatch(/1 run would go, .* would be freed, 1 kept/);
    const json = await omneLog(['prune', '--root', root, '--older-than', '30d', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      dryRun: false,
      runs: [{ runId: run.runId }],
      kept: 1,
      failures: [],
    });
    expect((await omneLog(['prune', '--root', root, '--keep', '1'])).stdout).toBe(
      '0 runs removed, 0 B freed, 1 kept\n',
    );
  });

  test('refuses to guess which runs go', async () => {
    const root = temporaryVolume();
    for (const args of [[], ['--older-than', 'yesterday'], ['--keep', 'few'], ['--older-than', '30']]) {
      expect((await omneLog(['prune', '--root', root, ...args])).code).toBe(2);
    }
  });

  test('exits with 1 and names each run that could not be removed', async () => {
    const root = temporaryVolume();
    const run = oldRun(root, 'p', 50);
    renameSync(run.path, `${run.path}.real`);
    symlinkSync(`${run.path}.real`, run.path);
    const { code, stderr } = await omneLog(['prune', '--root', root, '--keep', '0']);
    expect(code).toBe(1);
    expect(stderr).toContain(run.runId);
  });
});
