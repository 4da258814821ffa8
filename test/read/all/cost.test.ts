/** What it costs to follow a volume: no more than a tail of each run that is live, however many others there are. */
import { appendFileSync, truncateSync, utimesSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { expect, test } from 'vitest';
import { EventLog } from '../../../src/index.js';
import { type Step, UNFINISHED, type WrittenRun, writeRun } from '../../support/cli-runs.js';
import { countFileCalls } from '../../support/file-calls.js';
import { bytesRead } from '../../support/logs.js';
import { quickVolume } from '../../support/quick-volume.js';
import { rounds } from '../../support/rounds.js';

const LIVE = 50;
const ALL = Math.max(500, rounds(2000));
const ROUNDS = 20;
/** Often enough that a poll more or less, which the load of the machine decides, is little of what is counted. */
const POLL_MS = 100;
const IDLE_POLLS = 12;

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
  await polls(IDLE_POLLS / 2); // what the start still causes is of neither
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
  await polls(IDLE_POLLS / 2); // nor what the last lines cause
  const settled = calls();
  await polls(IDLE_POLLS);
  const idle = calls() - settled;
  ending.abort('enough');
  await expect(ended).rejects.toBe('enough');
  return { busy, idle };
}

/** Waits for about so many polls; on a busy machine both come later. */
async function polls(count: number): Promise<void> {
  for (let poll = 0; poll < count; poll++) await sleep(POLL_MS);
}

function lineOf({ runId }: WrittenRun): string {
  const facts = {
    id: ulid(Date.now(), Math.random).toLowerCase(),
    ts: new Date().toISOString(),
    run_id: runId,
  };
  return `${JSON.stringify({ type: 'gate.passed', ...facts, node_id: 'n', gate: 'g', method: 'hook' })}\n`;
}

test(`${ALL} runs of which ${LIVE} are live take no more looks and reads than 50 tails, busy or idle`, async () => {
  const root = quickVolume();
  const start = Date.now() - 3_600_000;
  for (let run = LIVE; run < ALL; run++) writeRun(root, 'p', SHORT, { start: start - run });
  const live = Array.from({ length: LIVE }, (_, run) =>
    writeRun(root, 'p', UNFINISHED, { start: start + run }),
  );
  const calls = countFileCalls();

  const tails = await costOf(live, calls, (signal, seen) => {
    const each = live.map(({ runId }) => EventLog.tail(root, runId, { signal, pollInterval: POLL_MS }));
    const ended = Promise.all(
      each.map(async tail => {
        for await (const _ of tail) seen();
      }),
    );
    ended.catch(() => undefined); // looked at when it was ended
    return { ready: Promise.all(each.map(tail => tail.caughtUp)), ended };
  });
  const whole = await costOf(live, calls, (signal, seen) => {
    const volume = EventLog.tailAll(root, { signal, pollInterval: POLL_MS });
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
}, 120_000);

const LONG = 20;
/** A block or two at the end of its log, and what may be known of its vocabulary. */
const READ_OF_EACH = 24 * 1024;

test('of runs that ended before what is wanted, or before the cursor, only the ends are read, however long their logs are', async () => {
  const root = quickVolume();
  const start = Date.now() - 3_600_000;
  for (let number = 0; number < LONG; number++) {
    const run = writeRun(root, 'p', [[0, { type: 'pipe.started', pipe: 'p' }]], { start });
    truncateSync(run.path, 2 ** 22); // a hole: it takes no memory
    const facts = { id: ulid(start).toLowerCase(), ts: new Date(start).toISOString(), run_id: run.runId };
    appendFileSync(run.path, `\n${JSON.stringify({ type: 'pipe.completed', ...facts })}\n`);
    utimesSync(run.path, start / 1000, start / 1000);
  }
  const { runId } = writeRun(root, 'p', SHORT, { start: Date.now() });
  const cursor = { v: 1, begun: runId, ended: '7zzzzzzzzzzzzzzzzzzzzzzzzz', runs: [[runId, 0, '']] };
  for (const options of [{ since: new Date(start + 120_000) }, { cursor: JSON.stringify(cursor) }]) {
    const before = bytesRead();
    const volume = EventLog.tailAll(root, options);
    const seen: unknown[] = [];
    for await (const item of volume) {
      seen.push(item);
      break;
    }
    expect(seen).toMatchObject([{ runId, event: { type: 'pipe.completed' } }]);
    expect(bytesRead() - before).toBeLessThan(LONG * READ_OF_EACH);
  }
});
