/** Power cuts and killed processes, on a disk in memory that loses what was not synced. */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAX_BATCH_BYTES } from '../../src/append/commit-queue.js';
import { Committer } from '../../src/append/committer.js';
import { inspectEnd } from '../../src/append/recovery.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft } from '../../src/format/encode.js';
import { ALL_BITS } from '../support/crash-disk.js';
import { CrashMachine, type Incident } from '../support/crash-machine.js';
import { CrashRun, type Step } from '../support/crash-run.js';
import { RUN_ID } from '../support/logs.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { completedRun, logOf } from '../support/small-run.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

const RUNS = fullStrength ? rounds(3000) : 60;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const fillers = fc.oneof(
  { weight: 8, arbitrary: fc.nat(60) },
  { weight: 4, arbitrary: fc.nat(2000) },
  { weight: 2, arbitrary: fc.nat(12_000) },
);
const entries = fc.array(fc.array(fillers, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
const writers = fc.nat(1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('append'), writer: writers, entries }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pause'), turns: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reopen'), writer: writers }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('clock'), by: fc.integer({ min: -5000, max: 5000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), writer: writers }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('power cut') }) },
);
const kinds = fc.constantFrom<Incident['kind'][]>(
  'power',
  'power',
  'kill',
  'kill',
  'short',
  'full',
  'broken',
);
const machines = fc.record({
  incidents: fc.array(fc.record({ after: fc.nat(12), kind: kinds }), { maxLength: 10, size: 'max' }),
  dice: fc.array(fc.nat(ALL_BITS), { maxLength: 80, size: 'max' }),
  ranged: fc.boolean(),
});
const programs = fc.array(steps, { minLength: 1, maxLength: 14, size: 'max' });

test('whatever fails or crashes, the log holds what was acknowledged, in order, and nothing that was refused', async () => {
  await fc.assert(
    fc.asyncProperty(programs, machines, async (program, machine) => {
      const run = new CrashRun(machine);
      for (const step of program) await run.step(step);
      await run.finish();
    }),
    { numRuns: RUNS },
  );
}, 100_000);

test('a tail that has seen the terminal event waits until its commit is over', async () => {
  for (let after = 0; after < 16; after++) {
    const run = new CrashRun({ incidents: [{ after, kind: 'broken' }] });
    await run.step({ do: 'append', writer: 0, entries: [[0]] });
    await run.step({ do: 'end', writer: 0 });
    await run.step({ do: 'reopen', writer: 1 });
    await run.step({ do: 'append', writer: 1, entries: [[0]] });
    await run.finish();
  }
});

/** Opens the log in a new process. */
async function opened(machine: CrashMachine): Promise<Committer> {
  const committer = new Committer(machine.open().file, { lock: false });
  await committer.start();
  return committer;
}

/** Appends an event, or several in one call; tells what became of them. */
function append(committer: Committer, gate: string, filler = 0, count = 1): Promise<unknown> {
  const stdout = 'x'.repeat(filler);
  const events = Array.from({ length: count }, () =>
    prepareDraft({ type: 'gate.passed', node_id: 'n', gate, method: 'hook', stdout }, RUN_ID),
  );
  const bytes = events.reduce((sum, event) => sum + event.bytes, 0);
  return new Promise(settle => {
    const entry = { events, bytes, last: false };
    void committer.commit([{ ...entry, resolve: () => settle('kept'), reject: settle }]).then(tell => tell());
  });
}

/** Cuts the power, then opens the log and tells which gates are in it. */
async function gatesAfterPowerCut(machine: CrashMachine): Promise<string[]> {
  machine.powerCut();
  await opened(machine);
  const text = machine.disk.content.toString();
  return [...text.matchAll(/"gate":"([^"]*)"/g)].map(([, gate = '']) => gate);
}

/** Whole lines that fill several pages. */
const someLines = logOf(completedRun(12).filter(event => event.type === 'node.failed'));

test('whole lines that a dead writer never synced do not take later, acknowledged events with them', async () => {
  const machine = new CrashMachine({ ranged: true });
  machine.disk.write(Buffer.concat(Array(6).fill(someLines)));
  expect(await append(await opened(machine), 'acknowledged')).toBe('kept');
  expect(await gatesAfterPowerCut(machine)).toEqual(['acknowledged']);
});

test('a batch whose sync failed is not built upon: later, acknowledged events survive without it', async () => {
  const machine = new CrashMachine({ ranged: true });
  const writer = await opened(machine);
  expect(await append(writer, 'first')).toBe('kept');
  machine.expect({ after: 2, kind: 'broken' }); // after the write, at its flush
  expect(await append(writer, 'unknown', 10_000)).toMatchObject({ code: 'ERR_LOG_FAILED' });
  expect(await append(await opened(machine), 'acknowledged')).toBe('kept');
  expect(await gatesAfterPowerCut(machine)).toEqual(['first', 'acknowledged']);
});

test('a recovery interrupted after its copy succeeds the next time, also when the clock went back', async () => {
  vi.setSystemTime('2001-01-01');
  const machine = new CrashMachine();
  machine.disk.write(someLines.subarray(0, -5));
  machine.expect({ after: 2, kind: 'kill' }); // after the copy
  void opened(machine);
  await turn();
  expect(machine.disk.saved.size).toBe(1);
  expect(await append(await opened(machine), 'acknowledged')).toBe('kept');
});

test('a lost page is found wherever it lies in a batch of the greatest size', async () => {
  const aborted = (reason: string) => logOf([{ type: 'pipe.aborted', id: '', ts: '', run_id: '', reason }]);
  const before = aborted('before');
  const line = aborted('x'.repeat(256 - aborted('').length));
  const log = Buffer.concat([before, ...Array<Buffer>(MAX_BATCH_BYTES / line.length).fill(line)]);
  for (const page of [0, 1, 2, 700, 1023].map(number => number * 1024)) {
    const hole = Math.max(before.length, page); // nothing that was synced before is lost
    const damaged = Buffer.from(log).fill(0, hole, page + 1024);
    const read = async (buffer: Buffer, position: number) => damaged.copy(buffer, 0, position);
    const { end } = await inspectEnd(read, damaged.length, { path: 'log' });
    expect(end).toBe(log.subarray(0, hole).lastIndexOf('\n') + 1);
  }
});

test.each([
  [30, 100_000],
  [1, 3_000_000],
])(
  'a power cut in one append of %i events of %i bytes leaves no line that is no event',
  async (count, filler) => {
    for (const after of [2, 6, 10]) {
      // Everything has its full length, and one page in 31 is lost.
      const machine = new CrashMachine({
        incidents: [{ after, kind: 'power' }],
        dice: Array(9).fill(ALL_BITS - (1 << 7)),
      });
      void append(await opened(machine), 'large', filler, count);
      await turn();
      await gatesAfterPowerCut(machine);
      const lines = machine.disk.content.toString().split('\n').slice(0, -1);
      for (const line of lines) expect(decodeEvent(line).type).toBe('gate.passed');
    }
  },
);
