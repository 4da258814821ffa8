// @ts-check
/** What must not grow with the size of a log or of a volume: opening a long log, and listing many runs. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLog } from '../../dist/index.js';
import { generateLog, RUN_ID } from '../../fixtures/generate.mjs';
import { timed } from './harness.mjs';

const GIB = 1024 ** 3;
const RUNS = 1000;
const EVENTS_EACH = 100;
const home = mkdtempSync(join(tmpdir(), 'omne-bench-large-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
const pathIn = (/** @type {string} */ root, /** @type {string} */ runId) =>
  join(root, '.omne/var/runs', runId, 'events.jsonl');

const long = join(home, 'long');
const many = join(home, 'many');
const one = join(home, 'one');

/** @param {string} path */
function opened(path) {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, 'w');
}

// Without its terminal event, so that it may be appended to; the same block over and over is long enough.
const block = Buffer.concat([...generateLog(100_000)]);
const body = block.subarray(0, block.lastIndexOf('\n', -2) + 1);
const fd = opened(pathIn(long, RUN_ID));
for (let bytes = 0; bytes < GIB; ) bytes += writeSync(fd, body);
closeSync(fd);

const small = Buffer.concat([...generateLog(EVENTS_EACH)]);
for (let run = 0; run < RUNS; run++) {
  const path = pathIn(many, `feature-01kp8g6dg0${String(run).padStart(16, '0')}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, small);
}
const MIB = 1024 ** 2;
const sizes = [1, 16, 256].map(mebibytes => {
  const root = join(home, `${mebibytes}-mib`);
  const fd = opened(pathIn(root, RUN_ID));
  let events = 0;
  for (let bytes = 0; bytes < mebibytes * MIB; ) {
    const end = block.indexOf('\n', Math.min(mebibytes * MIB - bytes, block.length) - 1) + 1;
    bytes += writeSync(fd, block.subarray(0, end));
    events += countLines(block.subarray(0, end));
  }
  closeSync(fd);
  return { name: `batches() of ${mebibytes} MiB`, root, events };
});
sizes.push({
  name: 'batches() of 1 GiB',
  root: long,
  events: Math.ceil(GIB / body.length) * countLines(body),
});

const TINY = 10_000_000;
const tiny = join(home, 'tiny');
const shortest = Buffer.concat([...generateLog(100_000, 'tiny')]);
const tinyFd = opened(pathIn(tiny, RUN_ID));
for (let events = 0; events < TINY; events += countLines(shortest)) writeSync(tinyFd, shortest);
closeSync(tinyFd);
sizes.push({ name: `batches() of 10 million of the shortest events`, root: tiny, events: TINY });

/** @param {Buffer} bytes */
function countLines(bytes) {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
closeSync(opened(pathIn(one, RUN_ID)));
writeFileSync(pathIn(one, RUN_ID), Buffer.concat([...generateLog(RUNS * EVENTS_EACH)]));

/** @type {import('./harness.mjs').Row['measure']} */
const opening = ({ durationMs }) =>
  timed(durationMs, async due => {
    let times = 0;
    for (; !due(); times++) await (await EventLog.open(long, RUN_ID)).close();
    return times;
  });

/** @type {import('./harness.mjs').Row['measure']} */
const lastEvent = ({ durationMs }) =>
  timed(durationMs, async due => {
    let times = 0;
    for (; !due(); times++) await EventLog.read(long, RUN_ID, { last: 1 }).toArray();
    return times;
  });

/**
 * @param {() => AsyncIterable<unknown>} start
 * @param {(item: unknown) => number} eventsOf
 * @param {number} expected - the events of one reading
 * @returns {import('./harness.mjs').Row['measure']}
 */
function counting(start, eventsOf, expected = RUNS * EVENTS_EACH) {
  return ({ durationMs }) =>
    timed(durationMs, async due => {
      let events = 0;
      do for await (const item of start()) events += eventsOf(item);
      while (!due());
      if (events % expected !== 0) throw new Error(`${events} events were counted`);
      return events;
    });
}

/**
 * How memory grows while a run is replayed, in bytes; see the program.
 * @param {string} root
 * @returns {{ peak: number, kept: number, lines: number }}
 */
function memoryOf(root) {
  const program = fileURLToPath(new URL('../support/memory/replay.mjs', import.meta.url));
  return JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', program, root, RUN_ID, '1000'], { encoding: 'utf8' }),
  );
}

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'large',
  title: `A log of 1 GiB; ${RUNS.toLocaleString('en')} runs of ${EVENTS_EACH} events`,
  operation: 'event',
  baseline: {
    name: 'replay',
    what: 'batches() of as many events in one log',
    measure: counting(
      () => EventLog.read(one, RUN_ID).batches(),
      batch => /** @type {unknown[]} */ (batch).length,
    ),
  },
  groups: [
    {
      heading: 'A log of 1 GiB, milliseconds each',
      rows: [
        { name: 'EventLog.open and close', compare: 'alone', measure: opening, must: 20, aim: 5 },
        { name: 'EventLog.read, last: 1', compare: 'alone', measure: lastEvent },
      ],
    },
    {
      heading: 'The cost of an event, whatever the size of the log',
      rows: sizes.map(({ name, root, events }) => ({
        name,
        compare: 'rate',
        measure: counting(
          () => EventLog.read(root, RUN_ID).batches(),
          batch => /** @type {unknown[]} */ (batch).length,
          events,
        ),
      })),
    },
    {
      heading: 'Memory, in a process of its own',
      rows: [
        {
          name: 'the most that replaying 1 GiB takes over its start',
          compare: 'amount',
          unit: 'MiB',
          must: 64,
          measure: async () => ({ operations: 1, elapsedMs: 1, amount: memoryOf(long).peak / MIB }),
        },
        {
          name: 'what one event kept in a thousand takes, for each byte of its line',
          compare: 'amount',
          unit: 'bytes',
          must: 3,
          measure: async () => {
            const { kept, lines } = memoryOf(long);
            return { operations: lines, elapsedMs: 1, amount: kept };
          },
        },
      ],
    },
    {
      heading: 'Many runs',
      rows: [
        {
          name: 'EventLog.runs()',
          compare: 'rate',
          must: 0.25,
          aim: 0.5,
          measure: counting(
            () => EventLog.runs(many),
            run => /** @type {import('../../dist/index.js').RunSummary} */ (run).eventCount,
          ),
        },
      ],
    },
  ],
  notes: {},
};
