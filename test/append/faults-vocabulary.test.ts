/** Real kernel faults and a kill while the vocabulary of a run is written. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { EventLog, omneEvents, verifyRun } from '../../src/index.js';
import { runVocabulary } from '../../src/read/run-vocabulary.js';
import { placesOf } from '../../src/volume/places.js';
import { type Fault, type Plan, PROGRAM, runBroken } from '../support/faults/child.js';
import { codesOf } from '../support/faults/outcomes.js';
import { ALL_KEPT, STEPS } from '../support/faults/runs.js';
import { rejection } from '../support/logs.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const RUN_ID = 'faulty-01kp8g6dg0zg6axb6gqz17wf7m';
const runsOf = (root: string) => join(root, '.omne/var/runs');
const runIdsIn = (root: string) => (existsSync(runsOf(root)) ? readdirSync(runsOf(root)) : []);

async function listed(root: string): Promise<object[]> {
  const all: object[] = [];
  for await (const run of EventLog.runs(root)) all.push(run);
  return all;
}

describe('creating a run with a vocabulary of its own', () => {
  /** Creates a run under a fault; nothing of it may stay, and another one can be created. */
  async function createBroken(fault: Fault) {
    const root = temporaryVolume();
    mkdirSync(runsOf(root), { recursive: true });
    const plan: Plan = { root, runId: RUN_ID, make: 'create', own: 3, steps: STEPS };
    const run = await runBroken(plan, { paths: 'all', ...fault });
    expect(runIdsIn(root)).toEqual([]);
    expect(await listed(root)).toEqual([]);
    const again = await runBroken(plan, {});
    expect(codesOf(again.outcomes)).toEqual(ALL_KEPT);
    return run;
  }

  for (const [errno, code] of [
    ['EIO', 'ERR_SYSTEM'],
    ['ENOSPC', 'ERR_NO_SPACE'],
  ] as const) {
    testWith(['strace'], `${errno} from putting it in its place leaves nothing`, async () => {
      const { outcomes, broken } = await createBroken({ inject: `rename:error=${errno}:when=1` });
      expect([broken, outcomes]).toEqual([1, [{ names: [], code, errno }]]);
    });

    testWith(['strace'], `${errno} from its sync leaves nothing`, async () => {
      // The folders above are there: the first sync is that of the file, whose name cannot be known before.
      const { outcomes, broken } = await createBroken({ inject: `fsync:error=${errno}:when=1` });
      expect([broken > 0, outcomes]).toEqual([true, [{ names: [], code, errno }]]);
    });

    testWith(['strace'], `${errno} from the sync of its folder leaves nothing`, async () => {
      const root = temporaryVolume();
      const plan: Plan = { root, runId: RUN_ID, make: 'ensure', own: 3, steps: STEPS };
      const paths = [placesOf(root, RUN_ID).folder];
      const { outcomes, broken } = await runBroken(plan, { inject: `fsync:error=${errno}:when=1`, paths });
      expect([broken, outcomes]).toEqual([1, [{ names: [], code, errno }]]);
      expect(runIdsIn(root)).toEqual([]);
      expect(codesOf((await runBroken(plan, {})).outcomes)).toEqual(ALL_KEPT);
    });
  }

  testWith(['prlimit'], 'no room for it leaves nothing', async () => {
    const { outcomes } = await createBroken({ fileLimit: 300 });
    expect(outcomes).toEqual([{ names: [], code: 'ERR_NO_SPACE', errno: 'EFBIG' }]);
  });

  for (const [sync, left] of [
    [1, /^vocabulary\.json\.new-\w+$/],
    [2, /^vocabulary\.json$/],
  ] as const) {
    testWith(
      ['strace'],
      `a kill at sync ${sync}, before the log is there, leaves a run that never began`,
      async () => {
        const root = temporaryVolume();
        mkdirSync(runsOf(root), { recursive: true });
        const plan: Plan = { root, runId: RUN_ID, make: 'ensure', own: 3, steps: STEPS };
        const inject = ['-e', 'trace=fsync', '-e', `inject=fsync:signal=SIGKILL:when=${sync}`];
        const args = [
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          ...inject,
          process.execPath,
          PROGRAM,
          JSON.stringify(plan),
        ];
        const child = spawn('strace', args, { env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
        expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
        const { folder } = placesOf(root, RUN_ID);
        expect(readdirSync(folder)).toEqual([expect.stringMatching(left)]);
        const gone = { code: 'ERR_RUN_NOT_FOUND' };
        expect(await rejection(EventLog.open(root, RUN_ID))).toMatchObject(gone);
        expect(await rejection(verifyRun(root, RUN_ID))).toMatchObject(gone);
        expect(await rejection(EventLog.read(root, RUN_ID).toArray())).toMatchObject(gone);
        const none = { runId: RUN_ID, eventCount: 0, bytes: 0 };
        expect(await listed(root)).toMatchObject([{ ...none, orphan: false }]);
        const before = new Date(Date.now() - 600_000);
        utimesSync(folder, before, before);
        const noLog = expect.stringContaining('no event yet: the run has no log');
        expect(await listed(root)).toMatchObject([{ ...none, orphan: true, problem: noLog }]);
        expect(codesOf((await runBroken(plan, {})).outcomes)).toEqual(ALL_KEPT);
        expect(await verifyRun(root, RUN_ID)).toMatchObject({ ok: true });
      },
    );
  }
});

describe('adding to the vocabulary of a run', () => {
  /** Opens a run of the built-in events, or of one type of its own, with three more, under a fault. */
  async function addBroken(own: number, fault: Fault, errno: string) {
    const root = temporaryVolume();
    const before: Plan = { root, runId: RUN_ID, make: 'ensure', own, steps: [] };
    await runBroken(before, {});
    const { folder } = placesOf(root, RUN_ID);
    const file = join(folder, 'vocabulary.json');
    const text = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    const { make: _, ...opening } = before;
    const run = await runBroken({ ...opening, own: own + 3, steps: STEPS }, { paths: 'all', ...fault });
    expect(run.outcomes).toMatchObject([{ names: [], errno }]);
    expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text);
    expect(readdirSync(folder).filter(name => name.includes('.new-'))).toEqual([]);
    expect(codesOf((await runBroken({ ...opening, own: own + 3, steps: STEPS }, {})).outcomes)).toEqual(
      ALL_KEPT,
    );
    const events = await runVocabulary(placesOf(root, RUN_ID));
    expect(events.types).toHaveLength(omneEvents.types.length + own + 3);
  }

  testWith(['strace'], 'keeps the old one where the new one cannot be put in its place', async () => {
    await addBroken(1, { inject: 'rename:error=EIO:when=1' }, 'EIO');
    await addBroken(0, { inject: 'rename:error=ENOSPC:when=1' }, 'ENOSPC');
  });

  testWith(['strace'], 'keeps the old one where the new one cannot be synced', async () => {
    await addBroken(1, { inject: 'fsync:error=EIO:when=1' }, 'EIO');
  });

  testWith(['prlimit'], 'keeps the old one where there is no room for the new one', async () => {
    await addBroken(0, { fileLimit: 300 }, 'EFBIG');
  });
});
