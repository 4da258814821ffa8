// @ts-check
/**
 * From the write of an event, in another process, to its hand-over in this one, beside coreutils' `tail -F` and peers. Each
 * tail has the log to itself, and each appended event the tail: they come 5 ms apart.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import TailFile from '@logdna/tail-file';
import { Tail } from 'tail';
import { EventLog } from '../../dist/index.js';
import { RUN_ID } from '../../fixtures/generate.mjs';

/** @typedef {import('./harness.mjs').Row} Row */
/** @typedef {import('./harness.mjs').Setting} Setting */
/** @typedef {{ gate?: string, stdout?: string }} Handed - what counts of an event */

/**
 * Starts to follow the log of a volume from its end, and says how to stop.
 * @typedef {(root: string, path: string, handOver: (event: Handed) => void) => (() => unknown)} Follow
 */

const WRITER = fileURLToPath(new URL('./tail-writer.mjs', import.meta.url));
/** So many events of a measurement count; fewer in a quick one. */
const EVENTS = 2000;
const QUICK_EVENTS = 500;

/** @type {Follow} */
function eventTail(root, _path, handOver) {
  const controller = new AbortController();
  const { signal } = controller;
  (async () => {
    for await (const event of EventLog.tail(root, RUN_ID, { from: 'end', signal })) handOver(event);
  })().catch(error => {
    if (error !== signal.reason) throw error;
  });
  return () => controller.abort();
}

/** @type {Follow} */
function coreutils(_root, path, handOver) {
  const child = spawn('tail', ['-F', '-n', '0', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.setEncoding('utf8').on('data', byLine(handOver));
  return () => child.kill();
}

/** @type {Follow} */
function tailFile(_root, path, handOver) {
  const tail = new TailFile(path, { encoding: 'utf8' });
  tail.on('data', byLine(handOver)).start();
  return () => tail.quit();
}

/** @type {Follow} */
function npmTail(_root, path, handOver) {
  const tail = new Tail(path);
  tail.on('line', (/** @type {string} */ line) => handOver(JSON.parse(line)));
  return () => tail.unwatch();
}

/** @param {(event: Handed) => void} handOver */
function byLine(handOver) {
  let rest = '';
  return (/** @type {string} */ chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handOver(JSON.parse(line));
  };
}

/** A way to follow, measured: the latest measurement gives the median and, in the row below, the 99th percentile. */
class Latency {
  /** @type {number[]} */
  #latest = []; // milliseconds, sorted
  #follow;

  /** @param {Follow} follow */
  constructor(follow) {
    this.#follow = follow;
  }

  /** Measures and tells the median. @param {Setting} setting */
  median = async setting => {
    this.#latest = await latencies(this.#follow, setting);
    return this.#quantile(0.5);
  };

  /** Of the latest measurement. */
  p99 = async () => this.#quantile(0.99);

  /** @param {number} part */
  #quantile(part) {
    const elapsedMs = this.#latest[Math.floor(this.#latest.length * part)] ?? Number.NaN;
    return { operations: 1, elapsedMs };
  }
}

/**
 * @param {Follow} follow
 * @param {Setting} setting
 * @returns {Promise<number[]>}
 */
async function latencies(follow, { folder, durationMs }) {
  const count = durationMs < 100 ? QUICK_EVENTS : EVENTS;
  const path = join(folder, '.omne/var/runs', RUN_ID, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  const writer = spawn(process.execPath, [WRITER, path, String(count)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  /** @type {number[]} */
  const taken = [];
  const { promise: complete, resolve } = withResolvers();
  let trials = 0;
  const stop = follow(folder, path, ({ gate, stdout = '0' }) => {
    const now = process.hrtime.bigint();
    if (gate === 'counts') taken.push(Number(now - BigInt(stdout)) / 1e6);
    else if (++trials === 100) writer.stdin.end('go');
    if (taken.length === count) resolve();
  });
  await complete;
  if (writer.exitCode === null) await once(writer, 'exit');
  await stop();
  return taken.sort((a, b) => a - b);
}

/** `Promise.withResolvers` of younger releases of Node. */
function withResolvers() {
  /** @type {() => void} */
  let resolve = () => undefined;
  /** @type {Promise<void>} */
  const promise = new Promise(fulfil => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

const ours = new Latency(eventTail);
const floor = new Latency(coreutils);
const polling = new Latency(tailFile);
const npm = new Latency(npmTail);

/** @type {(name: string, latency: Latency, more?: Partial<Row>) => Row} */
const median = (name, latency, more) => ({
  name: `${name}, p50`,
  compare: 'time',
  measure: latency.median,
  ...more,
});
/** @type {(name: string, latency: Latency, more?: Partial<Row>) => Row} */
const p99 = (name, latency, more) => ({
  name: `${name}, p99`,
  compare: 'alone',
  measure: latency.p99,
  ...more,
});

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'tail',
  title: 'From the write of an event in another process to its hand-over',
  operation: 'event',
  baseline: { name: 'tail -F', what: 'of coreutils, read through a pipe, p50', measure: floor.median },
  groups: [
    {
      heading: 'EventLog.tail',
      rows: [median('EventTail', ours, { must: 1, aim: 0.8 }), p99('EventTail', ours, { must: 5 })],
    },
    {
      heading: 'Peers',
      rows: [
        p99('coreutils tail -F', floor, { note: 'coreutils' }),
        median('tail (npm)', npm, { note: 'npm' }),
        p99('tail (npm)', npm, { note: 'npm' }),
        median('@logdna/tail-file', polling, { note: 'polling' }),
        p99('@logdna/tail-file', polling, { note: 'polling' }),
      ],
    },
  ],
  notes: {
    coreutils:
      'Followed with -n 0; its lines come through a pipe and are parsed with JSON.parse. Each p99 is of the measurement ' +
      'whose p50 is above; this one of the latest that EventTail was compared with.',
    npm: 'Woken by fs.watch; its lines are parsed with JSON.parse.',
    polling: 'Looks once a second by default: half a second is what it promises.',
  },
};
