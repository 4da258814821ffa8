// @ts-check
/**
 * Replaying a log, fully validated, beside the usual ways to read JSON lines, which check nothing. The log is the same for
 * every row, generated once; an operation is one event, counted only when it was handed over.
 */
import { createReadStream, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import ndjson from 'ndjson';
import split2 from 'split2';
import jsonlParser from 'stream-json/jsonl/parser.js';
import { EventLog, eventDecoder, field, omneEvents } from '../../dist/index.js';
import { generateLog, RUN_ID } from '../../fixtures/generate.mjs';
import { timed } from './harness.mjs';

/** @typedef {import('./harness.mjs').Row} Row */
/** @typedef {import('../../fixtures/generate.mjs').Kind} Kind */

const EVENTS = 200_000;
/** The lines are of the same shape; what is compiled is not. */
const own = omneEvents.extend({ 'tool.called': { node_id: field.string(), tool: field.string() } });
const home = mkdtempSync(join(tmpdir(), 'omne-bench-logs-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

/** @type {Map<string, { root: string, path: string, bytes: number }>} */
const logs = new Map();

/**
 * The log of a kind, made when it is first asked for.
 * @param {Kind | 'long'} kind
 * @param {number} events
 */
function logOf(kind, events) {
  const known = logs.get(kind);
  if (known !== undefined) return known;
  const root = join(home, kind);
  const path = join(root, '.omne/var/runs', RUN_ID, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w');
  let bytes = 0;
  const lines = kind === 'long' ? longLines(events) : generateLog(events, kind);
  for (const piece of lines) bytes += writeSync(fd, piece);
  const log = { root, path, bytes };
  logs.set(kind, log);
  return log;
}

/** @param {number} events */
function* longLines(events) {
  const message = 'a line of output, and another one — '.repeat((10 * 1024 * 1024) / 38);
  for (let index = 0; index < events; index++) {
    const id = `01kp8g6dg0${String(index).padStart(16, '0')}`;
    const event = {
      type: 'node.failed',
      id,
      ts: '',
      run_id: RUN_ID,
      node_id: 'n',
      error: { kind: 'crash' },
      message,
    };
    yield Buffer.from(`${JSON.stringify(event)}\n`);
  }
}

/**
 * Counts events over and over until the time is up.
 * @param {number} events - how many each reading must hand over
 * @param {() => Promise<number>} read
 * @returns {Row['measure']}
 */
function counting(events, read) {
  return ({ durationMs }) =>
    timed(durationMs, async due => {
      let total = 0;
      do {
        const counted = await read();
        if (counted !== events) throw new Error(`${counted} events were read, not ${events}`);
        total += counted;
      } while (!due());
      return total;
    });
}

/** @param {AsyncIterable<unknown>} items */
async function count(items) {
  let counted = 0;
  for await (const _ of items) counted++;
  return counted;
}

/** @param {AsyncIterable<readonly unknown[]>} batches */
async function countBatches(batches) {
  let counted = 0;
  for await (const batch of batches) counted += batch.length;
  return counted;
}

/** @param {import('node:stream').Readable} stream */
function countData(stream) {
  return new Promise((resolve, reject) => {
    let counted = 0;
    stream
      .on('data', () => counted++)
      .once('end', () => resolve(counted))
      .once('error', reject);
  });
}

const log = () => logOf('realistic', EVENTS);
const replay = (/** @type {{ root: string }} */ { root }, /** @type {object} */ options = {}) =>
  EventLog.read(root, RUN_ID, options);

/** @type {(name: string, read: () => Promise<number>, more?: Partial<Row>) => Row} */
const rate = (name, read, more) => ({ name, compare: 'rate', measure: counting(EVENTS, read), ...more });

const split = (/** @type {string} */ path) => countData(createReadStream(path).pipe(split2(JSON.parse)));

/**
 * A row that reads a log of some kind, beside split2(JSON.parse) on the same log.
 * @param {string} name
 * @param {Kind | 'long'} kind
 * @param {number} events
 * @param {(log: { root: string, path: string }) => Promise<number>} read
 * @returns {Row}
 */
function on(name, kind, events, read = log => countBatches(replay(log).batches())) {
  return {
    name,
    compare: 'rate',
    measure: counting(events, () => read(logOf(kind, events))),
    against: counting(events, () => split(logOf(kind, events).path)),
    must: 1,
  };
}

const decoded = (/** @type {{ path: string }} */ { path }) =>
  countData(createReadStream(path).pipe(eventDecoder()));

const firstLines = [...generateLog(2000)].flatMap(piece => [...piece].map(byte => Buffer.of(byte)));

/**
 * Decodes a short log of which every chunk is one byte.
 * @param {() => import('node:stream').Duplex} decoder
 */
const byBytes = decoder =>
  counting(2000, () => countData(Readable.from(firstLines, { objectMode: false }).pipe(decoder())));

const wanted = /** @type {const} */ (['node.failed']);
const failed = log() && (await countBatches(replay(log(), { types: wanted }).batches()));
const ofOneNode = await countBatches(replay(log(), { nodeId: 'plan-9' }).batches());

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'read',
  title: `Replay of ${EVENTS.toLocaleString('en')} events, ${Math.round(log().bytes / EVENTS)} bytes each`,
  operation: 'event',
  baseline: {
    name: 'split2',
    what: 'createReadStream(path).pipe(split2(JSON.parse)), counted by `data`',
    measure: counting(EVENTS, () => split(log().path)),
  },
  groups: [
    {
      heading: 'This library, every line validated',
      rows: [
        rate('batches()', () => countBatches(replay(log()).batches()), { must: 3.3, aim: 5 }),
        rate('for await, event by event', () => count(replay(log())), { must: 2.6, aim: 4 }),
        rate(
          'batches(), a vocabulary of its own',
          () => countBatches(replay(log(), { events: own }).batches()),
          {
            must: 3.3,
          },
        ),
        rate('eventDecoder()', () => decoded(log()), { must: 1 }),
        {
          name: 'batches(), types: node.failed',
          compare: 'rate',
          measure: async setting =>
            scaled(
              await counting(failed, () => countBatches(replay(log(), { types: wanted }).batches()))(setting),
              failed,
            ),
        },
        {
          name: 'batches(), nodeId',
          compare: 'rate',
          measure: async setting =>
            scaled(
              await counting(ofOneNode, () => countBatches(replay(log(), { nodeId: 'plan-9' }).batches()))(
                setting,
              ),
              ofOneNode,
            ),
        },
      ],
    },
    {
      heading:
        'Logs of other kinds, each against split2(JSON.parse) on the same log; batches() where nothing else is said',
      rows: [
        on('type last, spaces: no line canonical', 'reordered', EVENTS),
        on('the same, eventDecoder()', 'reordered', EVENTS, decoded),
        on('an escape by number in each line', 'escaped', EVENTS),
        on('a million of the shortest events', 'tiny', 1_000_000),
        on('nearly all Chinese', 'chinese', EVENTS),
        on('nearly all emoji', 'emoji', EVENTS),
        on('lines of 10 MiB', 'long', 8),
        {
          name: 'bytes that come one at a time, eventDecoder()',
          compare: 'rate',
          measure: byBytes(eventDecoder),
          against: byBytes(() => split2(JSON.parse)),
          must: 1,
        },
      ],
    },
    {
      heading: 'Peers, nothing validated',
      rows: [
        rate('split2(JSON.parse), for await', () =>
          count(createReadStream(log().path).pipe(split2(JSON.parse))),
        ),
        rate('readline + JSON.parse', async () => {
          let counted = 0;
          for await (const line of createInterface({ input: createReadStream(log().path) }))
            if (JSON.parse(line)) counted++;
          return counted;
        }),
        rate('ndjson.parse()', () => countData(createReadStream(log().path).pipe(ndjson.parse()))),
        rate('stream-json jsonl', () => countData(createReadStream(log().path).pipe(jsonlParser.asStream()))),
        rate(
          'readFile().split().map(JSON.parse)',
          async () =>
            (await readFile(log().path, 'utf8'))
              .trimEnd()
              .split('\n')
              .map(line => JSON.parse(line)).length,
        ),
      ],
    },
  ],
  notes: {},
};

/**
 * A filtered reading goes past every event: it is these that count.
 * @param {import('./harness.mjs').Sample} sample
 * @param {number} handedOver
 */
function scaled({ operations, elapsedMs }, handedOver) {
  return { operations: (operations / handedOver) * EVENTS, elapsedMs };
}
