// @ts-check
/**
 * Reading runs from a NATS server on this machine, beside reading their files; what a mirror asks when it starts; what runs take
 * of servers (`servers.mjs`).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { ulid } from 'ulid';
import { EventLog, encodeEvent } from '../../dist/index.js';
import { mirrorRun, mirrorVolume, readRemote, remoteRuns, tailRemote } from '../../dist/jetstream.js';
import { RUN_ID } from '../../fixtures/generate.mjs';
import { timed } from './harness.mjs';
import {
  newStream,
  quantile,
  runIdOf,
  STREAM,
  SUBJECTS,
  startServer,
  stopServers,
  writeRun,
} from './nats.mjs';
import {
  diskOfEvents,
  memoryOfSubjects,
  REPLICATED_RUNS,
  replicatedRun,
  replicatedRuns,
  SUBJECT_COUNT,
} from './servers.mjs';

/** @typedef {import('./harness.mjs').Sample} Sample */
/** @typedef {import('./harness.mjs').Setting} Setting */

const EVENTS = 50_000;
const RUNS = 1000;
const MANY_RUNS = 10_000;
const EVENTS_EACH = 10;
const PUBLISHED = 1000;
const LOOKUPS_UNDER_WAY = 64; // as many as a mirror has

const home = mkdtempSync(join(tmpdir(), 'omne-bench-remote-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));

/** One long run, shipped. */
const long = { root: join(home, 'long'), server: await startServer() };
const log = readFileSync(writeRun(long.root, RUN_ID, EVENTS));
const middle = log.indexOf('\n', log.length / 2) + 1;
await mirrorRun(long.root, RUN_ID, { connection: long.server.connection });

/** Many short ones, shipped. */
const many = await shipped('many', RUNS);
/** Ten times as many; made once they are wanted. @type {ReturnType<typeof shipped> | undefined} */
let tenfold;
const manager = await jetstreamManager(many.server.connection);

/** A run that is published while it is followed. */
const live = await startServer();

/** @param {string} name @param {number} count */
async function shipped(name, count) {
  const volume = { root: join(home, name), server: await startServer(), count };
  for (let run = 0; run < count; run++) writeRun(volume.root, runIdOf(run), EVENTS_EACH);
  await mirrorVolume(volume.root, { connection: volume.server.connection, once: true });
  return volume;
}

/** @param {Setting} setting @param {() => AsyncIterable<unknown>} start */
const counted = ({ durationMs }, start) =>
  timed(durationMs, async due => {
    let events = 0;
    do for await (const _ of start()) events++;
    while (!due());
    if (events % EVENTS !== 0) throw new Error(`${events} events were counted`);
    return events;
  });

const fromMiddle = () => readRemote(long.server.connection, RUN_ID, { from: middle, limit: 1 }).toArray();

/** @param {Setting} setting */
const positioned = ({ durationMs }) =>
  timed(durationMs, async due => {
    let times = 0;
    for (; !due(); times++) await fromMiddle();
    return times;
  });

/** How many requests the reading from a position makes. @returns {Promise<Sample>} */
async function requests() {
  const { connection } = long.server;
  const request = connection.request;
  let amount = 0;
  connection.request = (...parameters) => {
    amount++;
    return request.apply(connection, parameters);
  };
  const started = performance.now();
  await fromMiddle();
  connection.request = request;
  return { operations: 1, elapsedMs: performance.now() - started, amount };
}

/** Milliseconds, sorted, of the latest measurement. @type {{ delays: number[], acknowledgements: number[] }} */
const latest = { delays: [], acknowledgements: [] };

/** Publishes events 5 ms apart as a mirror would, and follows them over another connection. @param {Setting} setting */
async function following({ durationMs }) {
  const count = durationMs < 100 ? PUBLISHED / 20 : PUBLISHED;
  await newStream(live);
  const client = jetstream(live.connection);
  let [sequence, position, total] = [0, 0, 0];
  const publish = async () => {
    const [at, ts] = [process.hrtime.bigint(), `${new Date().toISOString().slice(0, 19)}Z`];
    const body = encodeEvent({
      type: 'gate.passed',
      id: ulid().toLowerCase(),
      ts,
      run_id: RUN_ID,
      node_id: 'n',
      gate: 'g',
      method: 'hook',
      stdout: String(at),
    });
    position += Buffer.byteLength(body) + 1;
    const fields = headers();
    fields.set('Omne-Position', String(position));
    fields.set('Omne-Events', '1');
    fields.set('Omne-Events-Total', String(++total));
    const expect = { lastSubjectSequence: sequence };
    sequence = (await client.publish(SUBJECTS + RUN_ID, `${body}\n`, { headers: fields, expect })).seq;
    return Number(process.hrtime.bigint() - at) / 1e6;
  };
  await publish();
  const connection = await connect({ servers: live.url, noAsyncTraces: true });
  const tail = tailRemote(connection, RUN_ID)[Symbol.asyncIterator]();
  /** @type {number[]} */
  const delays = [];
  const next = async () => {
    const { value } = await tail.next();
    delays.push(Number(process.hrtime.bigint() - BigInt(value.stdout)) / 1e6);
  };
  await next(); // it has started
  /** @type {number[]} */
  const acknowledgements = [];
  for (let event = 0; event < count; event++) {
    const handedOver = next();
    acknowledgements.push(await publish());
    await handedOver;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  await tail.return?.();
  await connection.close();
  latest.delays = delays.slice(1).sort((a, b) => a - b);
  latest.acknowledgements = acknowledgements.sort((a, b) => a - b);
}

/** @param {Setting} setting */
const listed = ({ durationMs }) =>
  timed(durationMs, async due => {
    let runs = 0;
    do for await (const run of remoteRuns(many.server.connection)) runs += run.eventCount / EVENTS_EACH;
    while (!due());
    if (runs % RUNS !== 0) throw new Error(`${runs} runs were listed`);
    return runs;
  });

/** @param {Setting} setting */
const lookedUp = ({ durationMs }) =>
  timed(durationMs, async due => {
    let next = 0;
    const inTurn = async () => {
      while (!due()) {
        const last_by_subj = SUBJECTS + runIdOf(next++ % RUNS);
        if ((await manager.streams.getMessage(STREAM, { last_by_subj })) === null) throw new Error('no run');
      }
    };
    await Promise.all(Array.from({ length: LOOKUPS_UNDER_WAY }, inTurn));
    return next;
  });

/** @param {Setting} setting @param {Awaited<ReturnType<typeof shipped>>} volume */
const restarted = ({ durationMs }, { root, server, count }) =>
  timed(durationMs, async due => {
    let found = 0;
    do {
      const { runs, events } = await mirrorVolume(root, { connection: server.connection, once: true });
      if (runs !== count || events !== 0) throw new Error(`${runs} runs were found, ${events} events sent`);
      found += runs;
    } while (!due());
    return found;
  });

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'remote',
  title: `Runs on a NATS server on this machine, read and looked up; a run of ${EVENTS.toLocaleString('en')} events`,
  operation: 'item',
  baseline: {
    name: 'file',
    what: 'EventLog.read of the same run, event by event',
    measure: setting => counted(setting, () => EventLog.read(long.root, RUN_ID)),
  },
  groups: [
    {
      heading: `A run of ${EVENTS.toLocaleString('en')} events`,
      rows: [
        {
          name: 'readRemote, event by event',
          compare: 'rate',
          must: 0.4,
          aim: 0.7,
          measure: setting => counted(setting, () => readRemote(long.server.connection, RUN_ID)),
        },
        { name: 'readRemote, one event from the middle', compare: 'alone', measure: positioned },
        { name: 'the same, requests', compare: 'amount', unit: 'requests', note: 'from', measure: requests },
      ],
    },
    {
      heading: 'From publish, milliseconds',
      rows: [
        {
          name: 'to the hand-over by tailRemote, p50',
          compare: 'alone',
          note: 'live',
          measure: async setting => {
            await following(setting);
            return quantile(latest.delays, 0.5);
          },
        },
        { name: 'the same, p99', compare: 'alone', measure: async () => quantile(latest.delays, 0.99) },
        {
          name: "to the server's acknowledgement, p50",
          compare: 'alone',
          measure: async () => quantile(latest.acknowledgements, 0.5),
        },
        {
          name: 'the same, p99',
          compare: 'alone',
          measure: async () => quantile(latest.acknowledgements, 0.99),
        },
      ],
    },
    {
      heading: `${RUNS.toLocaleString('en')} runs of ${EVENTS_EACH} events, each run`,
      rows: [
        { name: 'remoteRuns', compare: 'alone', measure: listed },
        {
          name: `its last message, ${LOOKUPS_UNDER_WAY} asked for at a time`,
          compare: 'alone',
          measure: lookedUp,
        },
        {
          name: 'mirrorVolume, all shipped before',
          compare: 'alone',
          note: 'restart',
          measure: setting => restarted(setting, many),
        },
        {
          name: `the same with ${MANY_RUNS.toLocaleString('en')} runs`,
          compare: 'alone',
          measure: async setting => restarted(setting, await (tenfold ??= shipped('tenfold', MANY_RUNS))),
        },
      ],
    },
    {
      heading: 'Shipped to three servers with replicas: 3, each event',
      rows: [
        { name: 'mirrorRun, one finished run', compare: 'alone', note: 'replicas', measure: replicatedRun },
        { name: `mirrorVolume, ${REPLICATED_RUNS} finished runs`, compare: 'alone', measure: replicatedRuns },
      ],
    },
    {
      heading: 'What a server takes',
      rows: [
        { name: 'disk, each event', compare: 'amount', unit: 'bytes', note: 'disk', measure: diskOfEvents },
        {
          name: 'memory, each subject',
          compare: 'amount',
          unit: 'bytes',
          note: 'memory',
          measure: memoryOfSubjects,
        },
      ],
    },
  ],
  close: stopServers,
  notes: {
    from: 'All that readRemote asks the server for: both ends, some steps of halving, and what sends the rest.',
    live: 'Events come 5 ms apart; the publisher is in the same process, on another connection, and does not wait for the disk.',
    restart:
      'What a mirror does that is started again: it asks for the last segment of each run and holds it against the log.',
    replicas: 'All three on this machine too, so they share its cores and its disk.',
    disk: 'All files of the server for one run, of 215 bytes each in its log.',
    memory:
      `By how much the server grows, resident, while ${SUBJECT_COUNT.toLocaleString('en')} subjects are given one short message ` +
      'each; what it caches of the messages is part of it.',
  },
};
