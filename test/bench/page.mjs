// @ts-check
/**
 * The live page in Chromium: from an append to the document of a page, the first paint of a long run and of a long list, and what
 * two hundred clients of one run cost. Needs Chromium (`CHROMIUM_PATH`, /usr/bin/chromium by default).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { EventLog } from '../../dist/index.js';
import { createRunServer } from '../../dist/web.js';

const EVENTS = 100_000;
const NODES = 2000;
const RUNS = 10_000;
const APPENDS = 200;
const QUICK_APPENDS = 20;
const CLIENTS = 200;

const home = mkdtempSync(join(tmpdir(), 'omne-bench-page-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

mkdirSync(join(home, 'long'));
const log = await EventLog.create(join(home, 'long'), 'long');
/** @type {import('../../dist/index.js').EventDraft[]} */
const drafts = Array.from({ length: EVENTS / 2 }, (_, index) => `n${index % NODES}`).flatMap(node_id => [
  /** @type {const} */ ({ type: 'node.started', node_id, kind: 'bash' }),
  /** @type {const} */ ({ type: 'node.completed', node_id, output_path: 'o' }),
]);
for (let first = 0; first < EVENTS; first += 5000) await log.appendAll(drafts.slice(first, first + 5000));
const small = await EventLog.create(join(home, 'long'), 'small');
await small.append({ type: 'pipe.started', pipe: 'small' });

for (let index = 0; index < RUNS; index++) {
  const run_id = `p-01kp8g6dg0${String(index).padStart(16, '0')}`;
  const event = (/** @type {string} */ type, /** @type {object} */ more) =>
    `${JSON.stringify({ type, id: `01kp8g6dg0${String(index).padStart(16, '0')}`, ts: '2026-04-15T12:00:00.000Z', run_id, ...more })}\n`;
  const path = join(home, 'many/.omne/var/runs', run_id, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, event('pipe.started', { pipe: 'p' }) + event('pipe.completed', {}));
}

const long = await createRunServer(join(home, 'long'), { token: false });
const many = await createRunServer(join(home, 'many'), { token: false });
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});

/** How long until something is seen on a page. @type {(url: string, selector: string) => () => Promise<Sample>} */
const painted = (url, selector) => async () => {
  const page = await browser.newPage();
  const start = performance.now();
  await page.goto(url);
  await page.locator(selector).first().waitFor();
  const elapsedMs = performance.now() - start;
  await page.close();
  return { operations: 1, elapsedMs };
};

/** @typedef {import('./harness.mjs').Sample} Sample */
/** @typedef {import('./harness.mjs').Setting} Setting */

/** @type {number[]} */
let latest = []; // milliseconds, sorted

/** Appends, one every 20 ms, and when the page shows that many events. @param {Setting} setting */
async function latencies({ durationMs }) {
  const count = durationMs < 100 ? QUICK_APPENDS : APPENDS;
  const page = await browser.newPage();
  await page.goto(`${long.url}runs/${small.runId}`);
  await page.locator('.facts').waitFor();
  const before = await page.evaluate(`{
    const shown = () => Number(/([\\d,]+) events?/.exec(document.querySelector('.facts').textContent)[1].replaceAll(',', ''));
    window.seen = [];
    new MutationObserver(() => window.seen.push([shown(), Date.now()])).observe(document.querySelector('.head'), {
      subtree: true, characterData: true, childList: true });
    shown();
  }`);
  /** @type {number[]} */
  const appended = [];
  for (let index = 0; index < count; index++) {
    await small.append({ type: 'node.started', node_id: `n${index % 10}`, kind: 'bash' });
    appended.push(Date.now());
    await new Promise(done => setTimeout(done, 20));
  }
  while (!(await page.evaluate(`window.seen.some(([shown]) => shown === ${Number(before) + count})`)))
    await new Promise(done => setTimeout(done, 20));
  /** @type {[number, number][]} */
  const seen = await page.evaluate('window.seen');
  await page.close();
  // An event is seen when so many or more are.
  latest = appended
    .map((at, index) => (seen.find(([shown]) => shown > Number(before) + index)?.[1] ?? Number.NaN) - at)
    .map(ms => Math.max(0, ms))
    .sort((a, b) => a - b);
}

const quantile = (/** @type {number} */ part) => ({
  operations: 1,
  elapsedMs: latest[Math.floor((latest.length - 1) * part)] ?? Number.NaN,
});

/** Two hundred streams of one run: how long until the last has an event, and what the server's memory grows by. */
let growth = 0;
async function crowd() {
  global.gc?.();
  const before = process.memoryUsage().rss;
  /** @type {http.ClientRequest[]} */
  const requests = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  const streams = Array.from({ length: CLIENTS }, async () => {
    const request = http.get(`${long.url}api/v1/stream?run=${small.runId}`, { agent: false });
    requests.push(request);
    await new Promise((opened, failed) => {
      request.on('error', failed);
      request.once('response', response => {
        response.setEncoding('utf8').on('data', text => {
          if (text.includes('crowd')) for (const tell of waiting.splice(0, 1)) tell();
          opened(undefined);
        });
      });
    });
  });
  await Promise.all(streams);
  const reached = Array.from(
    { length: CLIENTS },
    () => new Promise(done => waiting.push(() => done(undefined))),
  );
  const start = performance.now();
  await small.append({ type: 'node.started', node_id: 'crowd', kind: 'bash' });
  await Promise.all(reached);
  const elapsedMs = performance.now() - start;
  growth = process.memoryUsage().rss - before;
  for (const request of requests) request.destroy();
  return { operations: 1, elapsedMs };
}

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'page',
  title: 'The live page in Chromium, server and browser on this machine',
  operation: 'page',
  baseline: {
    name: 'nothing',
    what: 'all figures stand alone',
    measure: async () => ({ operations: 1, elapsedMs: 1 }),
  },
  groups: [
    {
      heading: 'From an append to the document, milliseconds',
      rows: [
        {
          name: 'p50',
          compare: 'alone',
          aim: 20,
          measure: async setting => {
            await latencies(setting);
            return quantile(0.5);
          },
        },
        { name: 'p99', compare: 'alone', aim: 20, measure: async () => quantile(0.99) },
      ],
    },
    {
      heading: 'First paint on a warm server, milliseconds',
      rows: [
        {
          name: 'a run of 100,000 events',
          compare: 'alone',
          aim: 1000,
          measure: painted(`${long.url}runs/${log.runId}`, '.node'),
        },
        { name: 'a list of 10,000 runs', compare: 'alone', aim: 500, measure: painted(many.url, 'a.run') },
      ],
    },
    {
      heading: '200 clients on one run',
      rows: [
        { name: 'until the last has an event', compare: 'alone', measure: crowd, note: 'crowd' },
        {
          name: 'memory, each client',
          compare: 'amount',
          unit: 'kB',
          measure: async () => ({ operations: CLIENTS, elapsedMs: 1, amount: Math.max(0, growth) / 1000 }),
          note: 'crowd',
        },
      ],
    },
  ],
  notes: { crowd: 'Clients and server share a process, so the memory is that of both.' },
  close: async () => {
    await browser.close();
    await Promise.all([long.close(), many.close()]);
    await Promise.all([log.close(), small.close()]);
  },
};
