/** One owner: of all who would drive a run one does, whoever is killed or stopped; who only appends is not asked. */
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { EventLog, verifyRun } from '../../src/index.js';
import { type Platform, platformOf } from '../../src/volume/platform.js';
import { openDescriptors, rejection } from '../support/logs.js';
import { type Program, startProgram } from '../support/processes/program.js';
import { rounds } from '../support/rounds.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PROCESSES = Math.max(5, rounds(50));
const GATE = { type: 'gate.passed', node_id: 'review', gate: 'ok', method: 'human_cli' } as const;

test('who creates a run drives it: nobody else resumes it, and anybody may append', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  const { root, runId } = log;
  const refused = await rejection(EventLog.resume(root, runId));
  expect(refused).toMatchObject({ code: 'ERR_RUN_OWNED', path: log.path });
  expect(String(refused)).toContain(`run ${runId} is driven by another`);
  expect(await rejection(EventLog.open(root, runId, { owner: true }))).toMatchObject({
    code: 'ERR_RUN_OWNED',
  });
  const gate = await EventLog.open(root, runId);
  await gate.append(GATE);
  await gate.close();
  expect(openDescriptors(log.path)).toBe(1);
  await log.close();
  const resumed = await EventLog.resume(root, runId);
  expect(resumed.state.nodes).toMatchObject([{ nodeId: 'review' }]);
  await resumed.log.close();
});

test('a log that is opened without it does not keep others from driving the run', async () => {
  const created = await EventLog.create(temporaryVolume(), 'feature');
  await created.close();
  const gate = await EventLog.open(created.root, created.runId);
  const { log } = await EventLog.resume(created.root, created.runId);
  await gate.append(GATE);
  await log.append({ type: 'pipe.completed' });
  await gate.close();
  await log.close();
});

test('a refused resume leaves nothing: the run is not live longer, and the next one is as free', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  for (let i = 0; i < 20; i++) await rejection(EventLog.resume(log.root, log.runId));
  await log.close();
  expect(await EventLog.isLive(log.root, log.runId)).toBe(false);
  expect(openDescriptors(log.path)).toBe(0);
});

testNotOnWindows(
  'no process is stopped there',
  `${PROCESSES} processes that resume one run: one drives it at a time, whoever is killed or stopped`,
  async () => {
    const created = await EventLog.create(temporaryVolume(), 'feature');
    const { root, runId } = created;
    const programs = Array.from({ length: PROCESSES }, () => startProgram('drive-run', root, runId));
    for (const program of programs) expect(await program.next()).toBe('ready');
    const owners = claimsOf(programs);
    await created.append({ type: 'pipe.started', pipe: 'feature' });
    await created.close();

    const waits: number[] = [];
    const killed = new Set<Program>();
    for (let round = 0; round < rounds(20); round++) {
      const asked = performance.now();
      const owner = await owners.next();
      waits.push(performance.now() - asked);
      if (round % 2 === 0) {
        owner.signal('SIGSTOP');
        for (let i = 0; i < 5; i++) {
          expect(await rejection(EventLog.resume(root, runId))).toMatchObject({ code: 'ERR_RUN_OWNED' });
          await sleep(20);
        }
        expect(owners.waiting).toBe(0);
        if (round % 4 === 0) owner.signal('SIGCONT');
      }
      killed.add(owner);
      await owner.kill();
    }
    (await owners.next()).say('end');
    for (const program of programs.filter(each => !killed.has(each))) await program.finished();

    expect(Math.max(...waits.slice(1))).toBeLessThan(5000); // a moment, on a machine as busy as it may be
    expect(await verifyRun(root, runId)).toMatchObject({ ok: true, ended: true });
    const gates = await EventLog.read(root, runId, { types: ['gate.passed'] }).toArray();
    const drivers = gates.map(event => (event.type === 'gate.passed' ? event.node_id : ''));
    const terms = drivers.filter((driver, index) => driver !== drivers[index - 1]);
    expect(terms).toEqual([...new Set(terms)]); // nobody appended once another drove the run
  },
  120_000,
);

/** Who says that it drives the run, in the order in which they say so. */
function claimsOf(programs: readonly Program[]): { next(): Promise<Program>; readonly waiting: number } {
  const claims: Program[] = [];
  const waiting: ((program: Program) => void)[] = [];
  const listen = async (program: Program) => {
    for (;;) {
      const line = await program.next();
      if (!line.startsWith('owner')) continue;
      const wake = waiting.shift();
      if (wake === undefined) claims.push(program);
      else wake(program);
    }
  };
  for (const program of programs) listen(program).catch(() => undefined); // it has ended
  return {
    next: () =>
      new Promise(resolve => {
        const claim = claims.shift();
        if (claim === undefined) waiting.push(resolve);
        else resolve(claim);
      }),
    get waiting() {
      return claims.length;
    },
  };
}

/** The library where byte locks are of another kind, or missing. */
async function libraryWith(byteLocks: Platform['byteLocks']): Promise<typeof import('../../src/index.js')> {
  vi.resetModules();
  const linux = platformOf('linux', true);
  vi.doMock('../../src/volume/platform.js', () => ({ PLATFORM: { ...linux, byteLocks } }));
  try {
    return await import('../../src/index.js');
  } finally {
    vi.doUnmock('../../src/volume/platform.js');
    vi.resetModules();
  }
}

testNotOnWindows(
  'it is for macOS',
  'where flock(2) and byte locks mind each other, the folder of captures is the lock',
  async () => {
    const { byteLocks } = platformOf('linux', true);
    if (byteLocks === undefined) throw new Error('Linux has byte locks');
    const library = await libraryWith({ ...byteLocks, apartFromFlock: false });
    const log = await library.EventLog.create(temporaryVolume(), 'feature');
    const { root, runId } = log;
    const nodes = join(dirname(log.path), 'nodes');
    expect(await rejection(library.EventLog.resume(root, runId))).toMatchObject({ code: 'ERR_RUN_OWNED' });
    expect(openDescriptors(nodes)).toBe(1);
    const gate = await library.EventLog.open(root, runId);
    await gate.append(GATE);
    await gate.close();
    await log.close();
    expect(openDescriptors(nodes)).toBe(0);
    const resumed = await library.EventLog.resume(root, runId);
    expect(resumed.state.eventCount).toBe(1);
    await resumed.log.close();
  },
);

testNotOnWindows(
  'it gives Linux other locks',
  'where there are no such locks a run is created, and resumed only by who goes on without',
  async () => {
    const { EventLog: Unlocked } = await libraryWith(undefined);
    const log = await Unlocked.create(temporaryVolume(), 'feature');
    const { root, runId } = log;
    await log.close();
    expect(await Unlocked.isLive(root, runId)).toBe(false);
    expect(await rejection(Unlocked.resume(root, runId))).toMatchObject({ code: 'ERR_LOCK_UNSUPPORTED' });
    const resumed = await Unlocked.resume(root, runId, { lock: false });
    await resumed.log.append(GATE);
    await resumed.log.close();
  },
);
