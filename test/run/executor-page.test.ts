/** The executor of the chapter "Writing an executor", as it is printed there: run, killed, and resumed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { deriveRunState, EventLog, iterations, type RunState, verifyRun } from '../../src/index.js';
import { runToEnd } from '../support/command.js';
import { mountTmpfs } from '../support/faults/disks.js';
import { collect } from '../support/logs.js';
import { programs, withoutTypes } from '../support/pages.js';
import { packageFolder } from '../support/programs.js';
import { rounds, spread } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PROGRAM =
  programs().find(({ heading, page }) => heading === 'The executor' && page.includes('executor'))?.code ?? '';
const NODES = ['fetch', 'fix', 'lint', 'publish'];

/** The program with other nodes. */
function programOf(...nodes: readonly object[]): string {
  const changed = PROGRAM.replace(
    /^const NODES: Node\[\] = [\s\S]*?^\];$/m,
    () => `const NODES: Node[] = ${JSON.stringify(nodes)};`,
  );
  expect(changed).not.toBe(PROGRAM);
  return changed;
}

/** A volume with the program of the page in it. */
async function volumeWithProgram(program = PROGRAM, root = temporaryVolume()): Promise<string> {
  await mkdir(join(root, 'node_modules'));
  await symlink(packageFolder(), join(root, 'node_modules', 'omne-event-log'), 'dir');
  await writeFile(join(root, 'executor.mjs'), withoutTypes(program));
  return root;
}

async function stateOf(root: string, runId: string): Promise<RunState> {
  expect(await verifyRun(root, runId)).toMatchObject({ ok: true, ended: true, problems: [], warnings: [] });
  const events = await EventLog.read(root, runId).toArray();
  const done = events.flatMap(event => (event.type === 'node.completed' ? [event.node_id] : []));
  expect(done.sort()).toEqual(NODES); // each of them once
  return deriveRunState(events);
}

test('the executor is short, and runs its pipe: beside each other, with a retry, a loop and a gate', async () => {
  expect(PROGRAM.split('\n').length).toBeLessThan(85);
  const root = await volumeWithProgram();
  const { code, stdout, stderr } = await runToEnd([process.execPath, 'executor.mjs'], { cwd: root });
  expect([code, stderr]).toEqual([0, '']);
  const runId = stdout.trim();
  const state = await stateOf(root, runId);
  expect(state.status).toBe('completed');
  const node = (id: string) => state.nodes.find(({ nodeId }) => nodeId === id);
  expect(node('fetch')).toMatchObject({ attempts: 2, failedAttempts: 1, interruptedAttempts: 0 });
  expect(node('fix')).toMatchObject({ attempts: 1, iterations: 3 });
  expect(node('publish')).toMatchObject({ gates: [{ gate: 'check', method: 'hook' }] });
  expect(await readFile(join(root, node('lint')?.outputPath ?? ''), 'utf8')).toBe('linted\n');
  const [first] = await collect(iterations(root, runId, 'fix'));
  expect(await first?.text()).toBe('fix\n--- iteration 2 ---\n');
});

test('the executor, killed after any event and resumed, completes each node once and ends the run', async () => {
  const last = 17; // the event before the end of an undisturbed run
  const tries = Math.max(3, rounds(5));
  for (let index = 0; index < tries; index++) {
    const events = 1 + Math.round((index * (last - 1)) / (tries - 1));
    const root = await volumeWithProgram();
    const { child, ended, runId } = await started(root);
    let seen = 0;
    for await (const _event of EventLog.tail(root, runId, { pollInterval: 5 })) {
      if (++seen === events) break;
    }
    child.kill('SIGKILL');
    await ended;
    const { code, stderr } = await runToEnd([process.execPath, 'executor.mjs', runId], { cwd: root });
    if (stderr.includes('ERR_RUN_ENDED')) continue; // it was quicker than the kill
    expect([code, stderr], `after event ${events}`).toEqual([0, '']);
    expect((await stateOf(root, runId)).status).toBe('completed');
  }
}, 120_000);

/** Starts the program, and resolves with the run id that it prints. */
async function started(root: string) {
  const child = spawn(process.execPath, ['executor.mjs'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const [runId]: string[] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, ended, runId: runId ?? '' };
}

describe('the limit of time', () => {
  const limited = programs().find(({ heading }) => heading === 'A limit of time')?.code ?? '';

  /** What the program prints with another line of shell and another limit. */
  async function kindOf(line: string, limitMs: number): Promise<string> {
    const changed = limited.replace(
      /failureOf\('[^']*', output, \d+\)/,
      `failureOf('${line}', output, ${limitMs})`,
    );
    expect(changed).not.toBe(limited);
    const root = await volumeWithProgram(changed);
    const { code, stdout, stderr } = await runToEnd([process.execPath, 'executor.mjs'], { cwd: root });
    expect([code, stderr]).toEqual([0, '']);
    return stdout.trim();
  }

  test('fails no node that ends in time, and calls no crash a timeout', async () => {
    expect(await kindOf('true', 60_000)).toBe('undefined');
    expect(await kindOf('exit 3', 60_000)).toBe('crash');
  });

  test.skipIf(process.platform !== 'linux')(
    'ends what the node has started, down to the last process', // /proc says which run
    async () => {
      const forever = `sleep ${process.pid}000000`; // nobody else sleeps so long
      expect(await kindOf(`${forever} & ${forever}`, 300)).toBe('timeout');
      await vi.waitUntil(() => !commandLines().includes(forever), { timeout: 60_000 });
    },
    90_000,
  );
});

/** The command lines of all processes. */
function commandLines(): string[] {
  return readdirSync('/proc').flatMap(pid => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1).join(' ')];
    } catch {
      return []; // no process, or it has gone
    }
  });
}

/** Whether a process runs; one that nobody has waited for does not. */
function runs(pid: string): boolean {
  return existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

test.skipIf(process.platform !== 'linux')(
  'what a killed executor had started ends with it, down to the last process', // /proc says which run
  async () => {
    const sh = 'sleep 1000 & echo $! > pids; echo $$ >> pids; mv pids ready; wait';
    const root = await volumeWithProgram(programOf({ id: 'slow', kind: 'bash', sh }));
    const { child, ended } = await started(root);
    const ready = join(root, 'ready');
    await vi.waitUntil(() => existsSync(ready), { timeout: 60_000 });
    const pids = readFileSync(ready, 'utf8').trim().split('\n');
    onTestFinished(() => {
      for (const pid of pids.filter(runs)) process.kill(Number(pid), 'SIGKILL');
    });
    expect(pids.map(runs)).toEqual([true, true]);
    child.kill('SIGKILL');
    await ended;
    await vi.waitUntil(() => !pids.some(runs), { timeout: 60_000 });
  },
  150_000,
);

test.skipIf(process.platform !== 'linux')(
  'a resumed run waits until nothing of the killed executor goes on, also what its watchdog does not reach', // /proc says which run
  async () => {
    // The first attempt starts a process in a group of its own, which no watchdog kills; the second starts none.
    const sh =
      'test -e ready || { setsid sh -c "echo \\$\\$ > pid; mv pid ready; sleep 1000" & sleep 1000; }; echo second';
    const root = await volumeWithProgram(programOf({ id: 'slow', kind: 'bash', sh }));
    const { child, ended, runId } = await started(root);
    const ready = join(root, 'ready');
    await vi.waitUntil(() => existsSync(ready), { timeout: 60_000 });
    const pid = readFileSync(ready, 'utf8').trim();
    onTestFinished(() => {
      if (runs(pid)) process.kill(Number(pid), 'SIGKILL');
    });
    child.kill('SIGKILL');
    await ended;
    const resumed = runToEnd([process.execPath, 'executor.mjs', runId], { cwd: root });
    const isWaiting = () => heldBy(`${runId}/events.jsonl.children`).includes('cat');
    await vi.waitUntil(isWaiting, { timeout: 60_000 });
    const before = await EventLog.read(root, runId).toArray();
    expect(before.map(({ type }) => type)).toEqual(['pipe.started', 'node.started']);
    process.kill(-Number(pid), 'SIGKILL');
    const { code, stderr } = await resumed;
    expect([code, stderr]).toEqual([0, '']);
    expect(await readFile(join(root, '.omne/var/runs', runId, 'nodes/slow.out'), 'utf8')).toBe('second\n');
  },
  150_000,
);

/** The names of the processes that have a file open. */
function heldBy(file: string): string[] {
  return readdirSync('/proc').flatMap(pid => {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`));
      return open.some(path => path.endsWith(file)) ? [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()] : [];
    } catch {
      return []; // no process, or it has gone
    }
  });
}

test('a need that is no node before it is refused before there is a run', async () => {
  for (const needs of spread([['absent'], ['b'], ['a']], 2)) {
    const nodes = [
      { id: 'a', kind: 'bash', sh: 'true', needs },
      { id: 'b', kind: 'bash', sh: 'true' },
    ];
    const root = await volumeWithProgram(programOf(...nodes));
    const { code, stdout, stderr } = await runToEnd([process.execPath, 'executor.mjs'], { cwd: root });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`node a needs ${needs[0]}, which is no node before it`);
  }
});

test('a node that fails for good aborts the run, those that need it do not start, and the exit code says so', async () => {
  const nodes = [
    { id: 'a', kind: 'bash', sh: 'false', retries: 1 },
    { id: 'b', kind: 'bash', sh: 'true', needs: ['a'] },
    { id: 'c', kind: 'bash', sh: 'true' },
  ];
  const root = await volumeWithProgram(programOf(...nodes));
  const { code, stdout, stderr } = await runToEnd([process.execPath, 'executor.mjs'], { cwd: root });
  expect([code, stderr]).toEqual([1, '']);
  const state = deriveRunState(await EventLog.read(root, stdout.trim()).toArray());
  expect(state).toMatchObject({ status: 'aborted', reason: 'not completed: a, b' });
  expect(state.nodes.map(({ nodeId, attempts, status }) => [nodeId, attempts, status])).toEqual([
    ['a', 2, 'failed'],
    ['c', 1, 'completed'],
  ]);
});

testWith(
  ['tmpfs'],
  'a disk that is full for a moment ends the executor and not the run, which goes on when it is resumed',
  async () => {
    // The end of `a` begins a new page of the file system, which it does not have. `b` fails once there is room again.
    const pad = { inputs: [{ key: 'pad', value: 'x'.repeat(3400) }] };
    const b =
      'test -e freed && exit; touch b; until test -e filler; do sleep 0.01; done; while test -e filler; do sleep 0.01; done; exit 1';
    const a = 'test -e freed && exit; until test -e b; do sleep 0.01; done; cat /dev/zero > filler; true';
    const text = programOf(
      { id: 'a', kind: 'bash', sh: `${a} 2> /dev/null` },
      { id: 'b', kind: 'bash', sh: b, retries: 3 },
    ).replace("pipe: 'release' }", `pipe: 'release', ...${JSON.stringify(pad)} }`);
    const root = await volumeWithProgram(text, mountTmpfs('1m').root);
    writeFileSync(
      join(root, 'room.mjs'),
      `import { EventLog } from 'omne-event-log';
    import { rmSync } from 'node:fs';
    const { append } = EventLog.prototype;
    EventLog.prototype.append = async function (draft) {
      try {
        return await append.call(this, draft);
      } finally {
        if (draft.type === 'node.completed') rmSync('filler', { force: true });
      }
    };`,
    );
    const command = [process.execPath, '--import', './room.mjs', 'executor.mjs'] as const;
    const { code, stdout, stderr } = await runToEnd(command, { cwd: root });
    expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_NO_SPACE')]);
    const runId = stdout.trim();
    const before = deriveRunState(await EventLog.read(root, runId).toArray());
    expect(before.status).toBe('running');
    expect(before.nodes.map(({ nodeId, attempts }) => [nodeId, attempts])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    writeFileSync(join(root, 'freed'), '');
    expect(await runToEnd([...command, runId], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
    const after = deriveRunState(await EventLog.read(root, runId).toArray());
    expect([after.status, ...after.nodes.map(({ status }) => status)]).toEqual([
      'completed',
      'completed',
      'completed',
    ]);
  },
  120_000,
);
