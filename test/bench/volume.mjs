// @ts-check
/**
 * Following a volume of 2,000 runs of which 50 are live: one `tailAll`, beside a tail of each of the 50. What is counted is the processor
 * time of the process that follows, not how long it took: another one writes, at its own pace. Needs Linux.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generateLog } from '../../fixtures/generate.mjs';

const RUNS = 2000;
const LIVE = 50;
const EVENTS_EACH = 100;
/** A line to each live run, so many times; fewer in a quick one. */
const TIMES = 100;
const QUICK_TIMES = 10;
const APART_MS = 10;
const FOLLOWER = fileURLToPath(new URL('./volume-follower.mjs', import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'omne-bench-volume-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

const ended = Buffer.concat([...generateLog(EVENTS_EACH)]);
const unended = ended.subarray(0, ended.lastIndexOf('\n', -2) + 1);
const anHourAgo = Date.now() / 1000 - 3600;
const runs = Array.from({ length: RUNS }, (_, index) => {
  const runId = `feature-01kp8g6dg0${String(index).padStart(16, '0')}`;
  const path = join(home, '.omne/var/runs', runId, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, ended);
  utimesSync(path, anHourAgo, anHourAgo);
  return { runId, path };
});
const live = runs.slice(-LIVE);

/** @typedef {{ cpuMs: number, bytesRead: number, rss: number }} Spent */
/** @typedef {{ start: Spent, events: Spent }} Cost */

/** A way to follow, measured: the latest measurement gives its rows. */
class Following {
  /** @type {Cost | undefined} */
  latest;
  #way;

  /** @param {'all' | 'each'} way */
  constructor(way) {
    this.#way = way;
  }

  /** Measures, and gives the processor time of an event. @param {import('./harness.mjs').Setting} setting */
  measure = async ({ durationMs }) => {
    const times = durationMs < 100 ? QUICK_TIMES : TIMES;
    for (const { path } of live) writeFileSync(path, unended);
    const args = [home, this.#way, String(times * LIVE), ...live.map(({ runId }) => runId)];
    const child = fork(FOLLOWER, args, { execArgv: ['--expose-gc'] });
    const [start] = await once(child, 'message');
    const heard = once(child, 'message');
    for (let time = 0; time < times; time++) {
      for (const { runId, path } of live) appendFileSync(path, lineOf(runId, time));
      await sleep(APART_MS);
    }
    const [events] = await heard;
    child.kill();
    this.latest = { start, events };
    return { operations: times * LIVE, elapsedMs: events.cpuMs };
  };
}

/** @param {string} runId @param {number} number */
function lineOf(runId, number) {
  const ids = `"id":"01kp8g6dg1${String(number).padStart(16, '0')}","ts":"${new Date().toISOString()}","run_id":"${runId}"`;
  return `{"type":"gate.passed",${ids},"node_id":"n","gate":"g","method":"hook","stdout":"${'x'.repeat(60)}"}\n`;
}

const all = new Following('all');
const each = new Following('each');

/** What both took, as a multiple. @param {(cost: Cost) => number} part @returns {import('./harness.mjs').Row['measure']} */
const ratio = part => async () => ({ operations: 1, elapsedMs: 1, amount: of(all, part) / of(each, part) });
/** @param {Following} following @param {(cost: Cost) => number} part */
const amount = (following, part) => async () => ({
  operations: 1,
  elapsedMs: 1,
  amount: of(following, part),
});
/** @param {Following} following @param {(cost: Cost) => number} part */
const of = ({ latest }, part) => (latest === undefined ? Number.NaN : part(latest));

const memory = (/** @type {Cost} */ { events }) => events.rss / 1024 ** 2;
const startRead = (/** @type {Cost} */ { start }) => start.bytesRead / 1024;

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'volume',
  title: `A volume of ${RUNS.toLocaleString('en')} runs of ${EVENTS_EACH} events, of which ${LIVE} are live and written to; processor time of who follows`,
  operation: 'event',
  baseline: { name: '50 tails', what: 'an EventLog.tail of each live run', measure: each.measure },
  groups: [
    {
      heading: 'EventLog.tailAll',
      rows: [
        { name: 'an event of a live run', compare: 'time', must: 1, measure: all.measure },
        {
          name: 'memory of the process, as a multiple',
          compare: 'amount',
          unit: 'x',
          measure: ratio(memory),
        },
        { name: 'memory of the process', compare: 'amount', unit: 'MiB', measure: amount(all, memory) },
      ],
    },
    {
      heading: 'Its start, with `since` the present',
      rows: [
        {
          name: 'until it has caught up',
          compare: 'alone',
          measure: async () => ({ operations: 1, elapsedMs: of(all, ({ start }) => start.cpuMs) }),
        },
        {
          name: 'what it reads, each run',
          compare: 'amount',
          unit: 'KiB',
          measure: async () => ({ operations: RUNS, elapsedMs: 1, amount: of(all, startRead) }),
        },
      ],
    },
    {
      heading: 'The 50 tails, from the end',
      rows: [
        {
          name: 'until they have caught up',
          compare: 'alone',
          measure: async () => ({ operations: 1, elapsedMs: of(each, ({ start }) => start.cpuMs) }),
        },
        { name: 'memory of the process', compare: 'amount', unit: 'MiB', measure: amount(each, memory) },
      ],
    },
  ],
  notes: {},
};
