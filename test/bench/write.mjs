// @ts-check
/**
 * Durable appends, beside the least that they can cost in this language (`least.mjs`), on the disk and in memory, and beside
 * `writeSync` and `fdatasyncSync` of the same bytes in a loop. Every row writes to a new file and counts an event only when it is acknowledged as durable.
 */
import fs from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import sonicBoom from 'sonic-boom';
import { EventLog, encodeEvent } from '../../dist/index.js';
import { timed } from './harness.mjs';
import { LeastLog } from './least.mjs';

/** @typedef {import('./harness.mjs').Row} Row */
/** @typedef {Row['measure']} Measure */
/** @typedef {Pick<Row, 'must' | 'aim'>} Limits */
/** @typedef {import('../../dist/index.js').EventDraft} EventDraft */

/**
 * Something that makes events durable: `write` resolves when the events of this turn are.
 * @typedef {{ write: (turn: number) => Promise<unknown>, close: () => Promise<void> }} Target
 */

/** What a loop node writes, over and over. @type {EventDraft[]} */
const DRAFTS = [
  { type: 'node.started', node_id: 'implement', kind: 'loop', name: 'Implement the plan', model: 'large' },
  { type: 'iteration.started', node_id: 'implement', iteration: 3, byte_offset: 48_213 },
  { type: 'gate.passed', node_id: 'implement', gate: 'tests-pass', method: 'hook', stdout: '812 passed\n' },
  { type: 'node.completed', node_id: 'implement', output_path: '.omne/var/implement.out' },
];

/** The same as lines, for the floor and the peers. */
const LINES = DRAFTS.map(draft => {
  const id = '01kp8g6dg0zg6axb6gqz17wf7n';
  const event = { id, ts: '2026-04-15T12:00:00.000Z', run_id: `bench-${id}`, ...draft };
  return `${encodeEvent(/** @type {import('../../dist/index.js').RunEvent} */ (event))}\n`;
});
const LINE_BYTES = LINES.map(line => Buffer.from(line));

const BATCH = 64;
const BATCH_OF_DRAFTS = Array.from({ length: BATCH }, (_, turn) => cycle(DRAFTS, turn));
const BATCH_OF_LINES = Array.from({ length: BATCH }, (_, turn) => cycle(LINES, turn));

/** @type {Measure} */
async function floor({ folder, durationMs }) {
  const fd = fs.openSync(join(folder, 'floor.jsonl'), 'a');
  const sample = await timed(durationMs, due => {
    let turn = 0;
    for (; !due(); turn++) {
      fs.writeSync(fd, cycle(LINE_BYTES, turn));
      fs.fdatasyncSync(fd);
    }
    return turn;
  });
  fs.closeSync(fd);
  return sample;
}

/**
 * So many writers at once, each waiting for its own events before it goes on.
 * @param {number} writers
 * @param {(folder: string) => Promise<Target>} openTarget
 * @param {number} [events] - how many events one turn writes
 * @returns {Measure}
 */
function writing(writers, openTarget, events = 1) {
  return async ({ folder, durationMs }) => {
    const target = await openTarget(folder);
    const { operations, elapsedMs } = await timed(durationMs, async due => {
      let turn = 0;
      const writer = async () => {
        while (!due()) await target.write(turn++);
      };
      await Promise.all(Array.from({ length: writers }, writer));
      return turn;
    });
    await target.close();
    return { operations: operations * events, elapsedMs };
  };
}

/** @param {import('../../dist/index.js').LogOptions} [options] */
function eventLog(options) {
  return async (/** @type {string} */ folder) => {
    const log = await EventLog.create(folder, 'bench', options);
    return {
      write: (/** @type {number} */ turn) => log.append(cycle(DRAFTS, turn)),
      close: () => log.close(),
    };
  };
}

/** @param {string} folder */
async function batchedEventLog(folder) {
  const log = await EventLog.create(folder, 'bench');
  return { write: () => log.appendAll(BATCH_OF_DRAFTS), close: () => log.close() };
}

/** @param {string} folder */
async function least(folder) {
  const log = new LeastLog(folder);
  return {
    write: (/** @type {number} */ turn) => log.append(cycle(DRAFTS, turn)),
    close: () => log.close(),
  };
}

/** @param {string} folder */
async function batchedLeast(folder) {
  const log = new LeastLog(folder);
  return { write: () => log.appendAll(BATCH_OF_DRAFTS), close: () => log.close() };
}

/** Where a folder lies in memory: there a sync costs nothing, and what is left is the work of the program. */
const MEMORY = '/dev/shm';

/**
 * The same in memory.
 * @param {Measure} measure
 * @returns {Measure}
 */
function inMemory(measure) {
  return async ({ durationMs }) => {
    const folder = fs.mkdtempSync(join(MEMORY, 'omne-bench-'));
    try {
      return await measure({ folder, durationMs });
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  };
}

/**
 * Rows against the least.
 * @param {(measure: Measure) => Measure} place
 * @param {readonly [Limits, Limits, Limits, Limits]} limits
 */
function rowsAgainstLeast(place, [alone, few, many, batches]) {
  /** @type {(name: string, writers: number, limits: Limits) => Row} */
  const row = (name, writers, limits) =>
    time(name, place(writing(writers, eventLog())), { ...limits, against: place(writing(writers, least)) });
  return [
    row('append, one by one', 1, alone),
    row('64 concurrent appenders', 64, few),
    row('512 concurrent appenders', 512, many),
    time('appendAll of 64', place(writing(1, batchedEventLog, BATCH)), {
      ...batches,
      against: place(writing(1, batchedLeast, BATCH)),
    }),
  ];
}

/** @param {string} folder */
async function appendedFile(folder) {
  const path = join(folder, 'peer.jsonl');
  const write = (/** @type {number} */ turn) => appendFile(path, cycle(LINES, turn), { flush: true });
  return { write, close: async () => undefined };
}

/** @param {readonly string[]} texts - what the turns write */
function fileHandle(texts) {
  return async (/** @type {string} */ folder) => {
    const handle = await open(join(folder, 'peer.jsonl'), 'a');
    const write = async (/** @type {number} */ turn) => {
      await handle.write(cycle(texts, turn));
      await handle.datasync();
    };
    return { write, close: () => handle.close() };
  };
}

/**
 * @param {readonly string[][]} batches - the lines each turn writes
 * @param {import('sonic-boom').SonicBoomOpts} [options]
 */
function sonic(batches, options) {
  return async (/** @type {string} */ folder) => {
    const stream = new sonicBoom.SonicBoom({ ...options, dest: join(folder, 'peer.jsonl'), fsync: true });
    stream.setMaxListeners(0); // every flush that waits is a listener
    await new Promise((resolve, reject) => stream.once('ready', resolve).once('error', reject));
    const write = (/** @type {number} */ turn) =>
      new Promise((resolve, reject) => {
        for (const line of cycle(batches, turn)) stream.write(line);
        stream.flush(error => (error ? reject(error) : resolve(undefined)));
      });
    /** @type {() => Promise<void>} */
    const close = () =>
      new Promise((resolve, reject) => {
        stream.once('close', resolve).once('error', reject);
        stream.end();
      });
    return { write, close };
  };
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} turn
 */
function cycle(items, turn) {
  return /** @type {T} */ (items[turn % items.length]);
}

/** @type {(name: string, measure: Measure, more?: Partial<Row>) => Row} */
const time = (name, measure, more) => ({ name, compare: 'time', measure, ...more });
/** @type {(name: string, measure: Measure, more?: Partial<Row>) => Row} */
const rate = (name, measure, more) => ({ name, compare: 'rate', measure, ...more });

const unlocked = eventLog({ lock: false });
const handleOfLines = fileHandle(LINES);
const handleOfBatches = fileHandle([BATCH_OF_LINES.join('')]);
const sonicOfLines = sonic(LINES.map(line => [line]));
const sonicOfBatches = sonic([BATCH_OF_LINES], { minLength: 65_535, maxWrite: 65_536 });

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'write',
  title: `Durable appends of ${Math.round(LINES.join('').length / LINES.length)} bytes`,
  operation: 'event',
  baseline: { name: 'floor', what: 'writeSync + fdatasyncSync in a loop', measure: floor },
  groups: [
    {
      heading: 'EventLog against the least: JSON.stringify, one O_DSYNC write a batch, one promise an event',
      rows: rowsAgainstLeast(
        measure => measure,
        [
          { must: 1.3, aim: 1.1 },
          { must: 1.4, aim: 1.1 },
          { must: 1.3, aim: 1 },
          { must: 1.4, aim: 1 },
        ],
      ),
    },
    ...(fs.existsSync(MEMORY)
      ? [
          {
            heading: 'The same in memory',
            rows: rowsAgainstLeast(inMemory, [
              { must: 1.6, aim: 1.3 },
              { must: 1.5, aim: 1.1 },
              { must: 1.4, aim: 1 },
              { must: 1.5, aim: 1 },
            ]),
          },
        ]
      : []),
    {
      heading: 'EventLog',
      rows: [
        time('append, one by one', writing(1, eventLog())),
        rate('64 concurrent appenders', writing(64, eventLog())),
        rate('512 concurrent appenders', writing(512, eventLog())),
        rate('appendAll of 64', writing(1, batchedEventLog, BATCH)),
      ],
    },
    {
      heading: 'EventLog with lock: false',
      rows: [
        time('append, one by one', writing(1, unlocked)),
        rate('64 concurrent appenders', writing(64, unlocked)),
        rate('512 concurrent appenders', writing(512, unlocked)),
      ],
    },
    {
      heading: 'Peers, a sync for each line',
      rows: [
        time('fs.promises.appendFile, flush: true', writing(1, appendedFile), { note: 'appendFile' }),
        time('FileHandle.write + datasync', writing(1, handleOfLines), { note: 'handle' }),
        time('sonic-boom, fsync: true', writing(1, sonicOfLines), { note: 'sonic' }),
      ],
    },
    {
      heading: 'Peers, a sync for many lines',
      rows: [
        rate('FileHandle.write of 64 lines + datasync', writing(1, handleOfBatches, BATCH), {
          note: 'handle',
        }),
        rate('sonic-boom, 64 lines a flush', writing(1, sonicOfBatches, BATCH), { note: 'sonicOfBatches' }),
        rate('sonic-boom, 64 concurrent writers', writing(64, sonicOfLines), { note: 'sonic' }),
        rate('sonic-boom, 512 concurrent writers', writing(512, sonicOfLines), { note: 'sonic' }),
      ],
    },
  ],
  notes: {
    appendFile:
      'Opens, writes, fsyncs and closes the file for each line: four trips to the thread pool. All peers write ready-made ' +
      'lines: nothing is checked, no id is given, no lock is taken, nobody looks at what other processes appended.',
    handle: 'Two trips to the thread pool: the write, the fdatasync.',
    sonic:
      'Each write(line) is followed by flush(callback), which is how sonic-boom acknowledges. It writes all that waits, ' +
      '16 KiB at a time, in the thread pool, then calls fsyncSync: the whole program stands still for each sync. The ' +
      'callback comes when nothing waits any more; a sync that fails is an uncaught exception.',
    sonicOfBatches:
      'minLength 65535 and maxWrite 65536 make 64 lines one write and one fsync; by default they are two.',
  },
};
