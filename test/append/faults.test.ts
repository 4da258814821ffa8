/**
 * Real kernel faults: strace breaks the n-th system call, a limit stops files from growing. Whatever breaks, an event
 * that was acknowledged is in the log, an event that was refused is not, and the next writer goes on.
 */
import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import type { Plan, Run } from '../support/faults/child.js';
import { codesOf, namesOf } from '../support/faults/outcomes.js';
import { ALL_KEPT, breakRun, newRun, STEPS } from '../support/faults/runs.js';
import { spread } from '../support/rounds.js';
import { testWith } from '../support/tools.js';

const COMMITS = spread([1, 2, 3, 4], 2);

/** Breaks one commit after the other, each in a run of its own. */
function breakEach(plan: Partial<Plan>, inject: string): Promise<(Run & { kept: string[] })[]> {
  return Promise.all(COMMITS.map(n => breakRun(plan, { inject: `${inject}:when=${n}` })));
}

/** Where a commit is broken its calls have one code, those after it another, those before it were kept. */
const codesIf = (broken: number, its: string, after: string) =>
  STEPS.flatMap((calls, step) =>
    calls.map(() => (step + 1 < broken ? 'kept' : step + 1 === broken ? its : after)),
  );
const codesFor = (its: string, after: string) => COMMITS.map(n => codesIf(n, its, after));

describe.each([true, false])('a write that fails (O_DSYNC: %s):', dsync => {
  testWith(['strace'], 'EIO is final, and nothing more is written or synced', async () => {
    const runs = await breakEach({ dsync }, 'write:error=EIO');
    expect(runs.map(run => codesOf(run.outcomes))).toEqual(codesFor('ERR_LOG_FAILED', 'ERR_LOG_FAILED'));
    for (const run of runs) {
      expect(run.outcomes.find(({ code }) => code !== undefined)?.errno).toBe('EIO');
      expect([run.broken, run.callsAfter]).toEqual([1, []]);
      expect(run.kept).toEqual(namesOf(run.outcomes));
      expect(run.outcomes.at(-1)).toEqual({ names: [] }); // it can be closed all the same
    }
  });

  for (const errno of ['ENOSPC', 'EDQUOT']) {
    testWith(['strace'], `${errno} rejects that commit only, and the log works again`, async () => {
      const runs = await breakEach({ dsync }, `write:error=${errno}`);
      expect(runs.map(run => codesOf(run.outcomes))).toEqual(codesFor('ERR_NO_SPACE', 'kept'));
      for (const run of runs) expect(run.kept).toEqual(namesOf(run.outcomes));
    });
  }
});

describe('a sync that fails', () => {
  for (const errno of ['EIO', 'ENOSPC', 'EDQUOT']) {
    testWith(['strace'], `with ${errno} is final and never retried`, async () => {
      const [first, ...others] = await breakEach({ dsync: false }, `fdatasync:error=${errno}`);
      // The first sync is for lines that were there before: nothing was written after them yet.
      const failed = (n: number) => codesIf(n, 'ERR_LOG_FAILED', 'ERR_LOG_FAILED');
      expect([codesOf(first?.outcomes ?? []), first?.callsAfter]).toEqual([failed(1), []]);
      // Each other one is that of a commit, which is taken back.
      expect(others.map(run => codesOf(run.outcomes))).toEqual(COMMITS.slice(1).map(n => failed(n - 1)));
      for (const run of others) expect([run.broken, run.callsAfter]).toEqual([1, ['ftruncate']]);
    });
  }

  testWith(['strace'], 'is final too when it was to make the cut of a torn tail durable', async () => {
    const steps = [[['a']], 'tear', [['b']], [['c']]] as const;
    const run = await breakRun({ steps }, { inject: 'fdatasync:error=EIO:when=2' });
    expect(codesOf(run.outcomes)).toEqual(['kept', 'ERR_LOG_FAILED', 'ERR_LOG_FAILED']);
    expect([run.broken, run.callsAfter]).toEqual([1, []]);
  });
});

testWith(
  ['strace'],
  'a reader that has seen the lines of a sync that fails reports it when it goes on',
  async () => {
    // The sync takes its time, so that all see what it does not bring.
    const inject = 'fdatasync:error=EIO:delay_enter=500ms:when=2';
    const steps = [[['a'], ['b', 'c'], ['d']]];
    const run = await breakRun({ dsync: false, steps }, { inject });
    expect(run.kept).toEqual([]);
    // A mirror has not shipped them: what was final before is all it has.
    expect(run.witnesses.map(({ name, ids }) => [name, ids.length])).toEqual([
      ['tail', 5],
      ['replay', 5],
      ['mirror', 2],
    ]);
    expect(run.witnesses).toMatchObject([
      { error: { code: 'ERR_LOG_TRUNCATED' } },
      { error: expect.anything() },
      {},
    ]);
  },
);

describe('a short write', () => {
  // Room for the first commits, for `c` and `d`; the line of `e` lands in part and has to be cut off again.
  const PADDING = 1000;
  const steps = [[['a']], [['b'], ['c'], ['d', 'e'], ['f']], [['g']]];
  const limitIn = (path: string) => readFileSync(path).length + 5 * PADDING;

  async function shortWrite(dsync: boolean, inject?: string): Promise<Run & { kept: string[] }> {
    const { path } = await newRun();
    const fault = { fileLimit: limitIn(path), ...(inject !== undefined && { inject }) };
    return breakRun({ steps, dsync, paddingBytes: PADDING }, fault);
  }

  for (const dsync of [true, false]) {
    testWith(['prlimit'], `keeps whole lines and rejects the others (O_DSYNC: ${dsync})`, async () => {
      const { outcomes, kept } = await shortWrite(dsync);
      const refused = 'ERR_NO_SPACE';
      expect(codesOf(outcomes)).toEqual(['kept', 'kept', 'kept', refused, refused, refused]);
      const calls = outcomes.filter(({ names }) => names.length > 0);
      expect(calls.map(call => call.kept ?? 'all')).toEqual(['all', 'all', 'all', 1, 0, 0]);
      expect(kept).toEqual(['a', 'b', 'c', 'd']);
    });

    for (const [syscall, n] of [
      ['ftruncate', 1],
      ['fdatasync', dsync ? 2 : 4], // after that for the lines found, and without O_DSYNC those of two writes
    ] as const) {
      testWith(
        ['prlimit', 'strace'],
        `whose rest cannot be cut because ${syscall} fails is final (O_DSYNC: ${dsync})`,
        async () => {
          const run = await shortWrite(dsync, `${syscall}:error=EIO:when=${n}`);
          // What landed whole was durable before.
          expect(codesOf(run.outcomes)).toEqual(['kept', 'kept', 'kept', ...Array(3).fill('ERR_LOG_FAILED')]);
          expect([run.broken, run.callsAfter]).toEqual([1, []]);
        },
      );
    }
  }
});

describe('many appends that wait while the log fails', () => {
  // Lines of 100 kB make four batches of 1 MiB: the first one fails while the others wait.
  const many = Array.from({ length: 40 }, (_, index) => [`many ${index}`]);

  testWith(['strace'], 'all reject, none hangs, none is written', async () => {
    const plan = { steps: [[['a']], many], paddingBytes: 100_000 };
    const run = await breakRun(plan, { inject: 'write:error=EIO:when=2' });
    expect(codesOf(run.outcomes)).toEqual(['kept', ...many.map(() => 'ERR_LOG_FAILED')]);
    expect([run.broken, run.callsAfter, run.kept]).toEqual([1, [], ['a']]);
  });
});

testWith(['strace'], 'a close that fails is reported by an error of the library', async () => {
  const run = await breakRun({}, { inject: 'close:error=EIO:when=1' });
  expect([run.broken, codesOf(run.outcomes)]).toEqual([1, ALL_KEPT]);
  expect(run.outcomes.at(-1)).toEqual({ names: [], code: 'ERR_SYSTEM', errno: 'EIO' });
});

describe('EINTR', () => {
  for (const syscall of ['pread64', 'flock', 'write', 'ftruncate', 'fdatasync']) {
    testWith(['strace'], `from ${syscall} changes nothing`, async () => {
      const inject = `${syscall}:error=EINTR:when=1..2`;
      const run = await breakRun({ dsync: false }, { inject }, 'half a line');
      expect([run.broken, codesOf(run.outcomes)]).toEqual([2, ALL_KEPT]);
    });
  }
});
