/** What it costs to follow a volume: no more than a tail of each run that is live, however many others there are. */
import fs, { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { expect, onTestFinished, test, vi } from 'vitest';
import { EventLog } from '../../../src/index.js';
import { type Step, UNFINISHED, type WrittenRun, writeRun } from '../../support/cli-runs.js';
import { quickVolume } from '../../support/quick-volume.js';

const LIVE = 50;
const ALL = 2000;
const ROUNDS = 20;
const IDLE_MS = 1200;

/** All by which a reader looks at files, or at folders. */
const CALLS = [
  'lstatSync',
  'statSync',
  'fstatSync',
  'readSync',
  'read',
  'openSync',
  'open',
  'readdir',
] as const;

/** Counts the calls, which go through all the same. */
function countCalls(): () => number {
  const spies = CALLS.map(name => vi.spyOn(fs, name));
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore();
  });
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
}

/** A run that has ended. */
const SHORT: readonly Step[] = [[0, { type: 'pipe.completed' }]];

interface Cost {
  readonly busy: number;
  readonly idle: number;
}

/** What a way to follow the live runs takes while they are written to, round by round, and then while they are not. */
async function costOf(
  live: readonly WrittenRun[],
  calls: () => number,
  follow: (signal: AbortSignal, seen: () => void) => { ready: Promise<unknown>; ended: Promise<unknown> },
): Promise<Cost> {
  const ending = new AbortController();
  let seen = 0;
  let heard: () => void = () => undefined;
  const { ready, ended } = follow(ending.signal, () => {
    seen++;
    heard();
  });
  await ready;
  await sleep(IDLE_MS / 2); // the first polls after the start are of neither
  seen = 0;
  const before = calls();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const run of live) appendFileSync(run.path, lineOf(run));
    while (seen < round * LIVE)
      await new Promise<void>(resolve => {
        heard = resolve;
      });
  }
  const busy = calls() - before;
  await sleep(IDLE_MS);
  const idle = calls() - before - busy;
  ending.abort('enough');
  await expect(ended).rejects.toBe('enough');
  return { busy, idle };
}

function lineOf({ runId }: WrittenRun): string {
  const facts = { id: ulid().toLowerCase(), ts: new Date().toISOString(), run_id: runId };
  return `${JSON.stringify({ type: 'gate.passed', ...facts, node_id: 'n', gate: 'g', method: 'hook' })}\n`;
}

test('2,000 runs of which 50 are live take no more looks and reads than 50 tails, busy or idle', async () => {
  const root = quickVolume();
  const start = Date.now() - 3_600_000;
  for (let run = LIVE; run < ALL; run++) writeRun(root, 'p', SHORT, { start: start - run });
  const live = Array.from({ length: LIVE }, (_, run) =>
    writeRun(root, 'p', UNFINISHED, { start: start + run }),
  );
  const calls = countCalls();

  const tails = await costOf(live, calls, (signal, seen) => {
    const each = live.map(({ runId }) => EventLog.tail(root, runId, { signal }));
    const ended = Promise.all(
      each.map(async tail => {
        for await (const _ of tail) seen();
      }),
    );
    ended.catch(() => undefined); // looked at when it was ended
    return { ready: Promise.all(each.map(tail => tail.caughtUp)), ended };
  });
  const whole = await costOf(live, calls, (signal, seen) => {
    const volume = EventLog.tailAll(root, { signal });
    const follow = async () => {
      for await (const _ of volume) seen();
    };
    const ended = follow();
    ended.catch(() => undefined);
    return { ready: volume.caughtUp, ended };
  });
  if (process.env['OMNE_REPORT'] !== undefined) console.log({ tails, whole });
  expect(whole.busy).toBeLessThanOrEqual(tails.busy);
  expect(whole.idle).toBeLessThanOrEqual(tails.idle);
}, 60_000);
