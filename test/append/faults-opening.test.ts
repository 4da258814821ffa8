/** Real kernel faults, from strace and a file size limit, while a log is opened, repaired or created. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { EventLog } from '../../src/index.js';
import { placesOf } from '../../src/volume/places.js';
import { type Fault, type Plan, type Run, runBroken } from '../support/faults/child.js';
import { FileWitnesses } from '../support/faults/file-witnesses.js';
import { codesOf, expectSound } from '../support/faults/outcomes.js';
import { ALL_KEPT, breakRun, newRun, STARTED, STEPS } from '../support/faults/runs.js';
import { spread } from '../support/rounds.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

describe('opening', () => {
  const TORN = '{"type":"gate.passed","id":"01';

  /** Opens a torn log under a fault that keeps it from being opened, with readers beside it; the log must be untouched. */
  async function openBroken(fault: (path: string) => Fault, tail = TORN): Promise<Run & { files: string[] }> {
    const { root, runId, path } = await newRun(tail);
    const before = readFileSync(path);
    const witnesses = new FileWitnesses(root, runId);
    const run = await runBroken({ root, runId, steps: STEPS }, fault(path));
    expect(readFileSync(path)).toEqual(before);
    const files = readdirSync(dirname(path));
    await expectSound(root, runId, [STARTED, ...run.outcomes]);
    await witnesses.finish(false);
    return { ...run, files };
  }

  testWith(['strace'], 'EIO while the end of the log is read changes nothing', async () => {
    for (const n of [1, 2]) {
      const run = await openBroken(() => ({ inject: `pread64:error=EIO:when=${n}` }));
      expect(run.outcomes).toEqual([{ names: [], code: 'ERR_SYSTEM', errno: 'EIO' }]);
      expect([run.broken, run.calls.filter(name => name !== 'pread64')]).toEqual([1, []]);
    }
  });

  testWith(['strace'], 'a torn tail whose copy cannot be synced is not cut', async () => {
    // No path can be given: the name of the copy is not known before. Its sync is the first one.
    const copy = await openBroken(() => ({ inject: 'fsync:error=EIO:when=1', paths: 'all' }));
    expect(copy.outcomes).toEqual([{ names: [], code: 'ERR_SYSTEM', errno: 'EIO' }]);
    expect(copy.files).toEqual(['events.jsonl']);
    const folder = await openBroken(path => ({ inject: 'fsync:error=EIO:when=1', paths: [dirname(path)] }));
    expect(folder.outcomes).toEqual([{ names: [], code: 'ERR_SYSTEM', errno: 'EIO' }]);
    expect(folder.broken).toBe(1);
  });

  testWith(
    ['prlimit'],
    'a torn tail whose copy finds no room is not cut, and no half of a copy is left',
    async () => {
      const run = await openBroken(() => ({ fileLimit: 4000 }), 'x'.repeat(5000));
      expect(run.outcomes).toEqual([{ names: [], code: 'ERR_NO_SPACE', errno: 'EFBIG' }]);
      expect(run.files).toEqual(['events.jsonl']);
    },
  );

  for (const syscall of ['ftruncate', 'fdatasync']) {
    testWith(
      ['strace'],
      `EIO from ${syscall} while a torn tail is cut is reported, and loses nothing`,
      async () => {
        const run = await breakRun({}, { inject: `${syscall}:error=EIO:when=1` }, TORN);
        expect(run.outcomes).toEqual([{ names: [], code: 'ERR_SYSTEM', errno: 'EIO' }]);
        expect([run.broken, run.callsAfter, run.kept]).toEqual([1, [], []]);
      },
    );
  }
});

describe('creating', () => {
  const RUN_ID = 'faulty-01kp8g6dg0zg6axb6gqz17wf7m';
  const codes = { EIO: 'ERR_SYSTEM', ENOSPC: 'ERR_NO_SPACE' } as const;

  /** Breaks the first call, then the second, until there are no more; returns how many there were. */
  async function breakCreation(make: 'create' | 'ensure', fault: string, code: string): Promise<number> {
    for (let n = 1; ; n++) {
      const root = temporaryVolume();
      const { folder, log } = placesOf(root, RUN_ID);
      const var_ = dirname(dirname(folder));
      const paths = [root, dirname(var_), var_, join(var_, '.ulid-last'), dirname(folder), folder, log];
      const inject = `${fault}:when=${n}`;
      const plan: Plan = { root, runId: RUN_ID, make, steps: STEPS };
      const run = await runBroken(plan, { inject, paths: make === 'create' ? 'all' : paths });
      if (run.broken === 0) {
        expect(codesOf(run.outcomes)).toEqual(ALL_KEPT);
        return n - 1;
      }
      expect(run.outcomes).toMatchObject([{ names: [], code }]); // nothing was said to be there
      await using next =
        make === 'create'
          ? await EventLog.create(root, 'faulty')
          : await EventLog.open(root, RUN_ID, { create: true });
      await expectSound(root, next.runId, []);
    }
  }

  for (const errno of spread(['EIO', 'ENOSPC'] as const, 2)) {
    // The folders from the root to the run, and what was above them when they were made.
    testWith(['strace'], `${errno} from the sync of any folder is reported`, async () => {
      expect(await breakCreation('ensure', `fsync:error=${errno}`, codes[errno])).toBeGreaterThanOrEqual(5);
    });

    testWith(['strace'], `${errno} from the sync of the run id or of the log is reported`, async () => {
      expect(await breakCreation('create', `fdatasync:error=${errno}`, codes[errno])).toBe(2);
    });

    testWith(['strace'], `${errno} from making any folder is reported`, async () => {
      expect(await breakCreation('create', `mkdir:error=${errno}`, codes[errno])).toBeGreaterThanOrEqual(4);
    });
  }
});
