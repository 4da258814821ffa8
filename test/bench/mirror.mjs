// @ts-check
/**
 * Mirroring to a NATS server on this machine, beside a plain client that publishes the same lines: how fast runs are shipped,
 * how long an event takes from its append to its hand-over by the server, and what the writer notices of it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { EventLog } from '../../dist/index.js';
import { mirrorRun, mirrorVolume } from '../../dist/jetstream.js';
import { RUN_ID } from '../../fixtures/generate.mjs';
import { startLink } from '../support/jetstream/link.mjs';
import {
  newStream,
  quantile,
  runIdOf,
  STREAM,
  SUBJECTS,
  startServer,
  stopServers,
  until,
  writeRun,
} from './nats.mjs';

/** @typedef {import('./harness.mjs').Sample} Sample */
/** @typedef {import('./harness.mjs').Setting} Setting */

const EVENTS = 20_000;
const RUNS = 64;
const VOLUMES = 8;
const APPENDS = 1000;
/** Of the long link; what eight volumes ship over it at once is more, so that each run takes as many round trips. */
const ROUND_TRIP_MS = 50;
const EVENTS_OVER_LINK = 10_000;
const MIRROR = fileURLToPath(new URL('../support/jetstream/mirror-volume.mjs', import.meta.url));

const server = await startServer();
const { connection } = server;

/** @param {Setting} setting */
const sizeOf = ({ durationMs }) => (durationMs < 100 ? EVENTS / 20 : EVENTS);

/** @param {() => Promise<number>} work @returns {Promise<Sample>} */
async function emptied(work) {
  await newStream(server);
  const started = performance.now();
  const operations = await work();
  return { operations, elapsedMs: performance.now() - started };
}

/** @param {Setting} setting */
async function plainClient(setting) {
  const lines = readFileSync(writeRun(setting.folder, RUN_ID, sizeOf(setting)), 'utf8')
    .trimEnd()
    .split('\n');
  const client = jetstream(connection);
  return emptied(async () => {
    let next = 0;
    const inTurn = async () => {
      for (let line = lines[next++]; line !== undefined; line = lines[next++]) {
        await client.publish(`${SUBJECTS}plain`, line);
      }
    };
    await Promise.all(Array.from({ length: 256 }, inTurn));
    return lines.length;
  });
}

/** @param {Setting} setting */
async function oneRun(setting) {
  writeRun(setting.folder, RUN_ID, sizeOf(setting));
  return emptied(async () => (await mirrorRun(setting.folder, RUN_ID, { connection })).events);
}

/** @param {Setting} setting */
async function manyRuns(setting) {
  for (let run = 0; run < RUNS; run++) {
    writeRun(setting.folder, runIdOf(run), Math.round(sizeOf(setting) / RUNS));
  }
  return emptied(async () => (await mirrorVolume(setting.folder, { connection, once: true })).events);
}

/**
 * As from so many machines: each volume with a mirror and a connection of its own, all into one stream.
 * @param {string[]} volumes
 * @param {string} url
 */
async function fromMachines(volumes, url) {
  const connections = await Promise.all(volumes.map(() => connect({ servers: url, noAsyncTraces: true })));
  const mirrored = (/** @type {string} */ volume, /** @type {number} */ index) =>
    mirrorVolume(volume, { connection: connections[index] ?? connection, once: true });
  try {
    return await emptied(async () => {
      const all = await Promise.all(volumes.map(mirrored));
      return all.reduce((sum, { events }) => sum + events, 0);
    });
  } finally {
    await Promise.all(connections.map(own => own.close()));
  }
}

/** @param {Setting} setting @param {number} count */
const volumesIn = ({ folder }, count) =>
  Array.from({ length: count }, (_, index) => join(folder, `volume-${index}`));

/** @param {Setting} setting */
async function manyVolumes(setting) {
  const volumes = volumesIn(setting, VOLUMES);
  for (let run = 0; run < RUNS; run++) {
    writeRun(volumes[run % VOLUMES] ?? '', runIdOf(run), Math.round((VOLUMES * sizeOf(setting)) / RUNS));
  }
  return fromMachines(volumes, server.url);
}

/** What each of so many volumes with one run ships over a long link. @param {Setting} setting @param {number} count */
async function overLink(setting, count) {
  const volumes = volumesIn(setting, count);
  const events = setting.durationMs < 100 ? EVENTS_OVER_LINK / 20 : EVENTS_OVER_LINK;
  for (const [index, volume] of volumes.entries()) writeRun(volume, runIdOf(index), events);
  const link = await startLink(Number(new URL(server.url).port), ROUND_TRIP_MS);
  const { operations, elapsedMs } = await fromMachines(volumes, link.url);
  await link.close();
  return { operations: operations / count, elapsedMs };
}

/** Milliseconds, sorted: the latest measurement gives the median and the row below it the 99th percentile. */
/** @type {{ delays: number[], appends: number[] }} */
const latest = { delays: [], appends: [] };

/**
 * Appends events 5 ms apart, with or without a mirror in another process, and takes the times.
 * @param {Setting} setting
 * @param {boolean} mirrored
 */
async function appending({ folder, durationMs }, mirrored) {
  const count = durationMs < 100 ? APPENDS / 20 : APPENDS;
  await newStream(server);
  const mirror = mirrored
    ? spawn(process.execPath, [MIRROR, folder, server.url], { stdio: 'ignore' })
    : undefined;
  const log = await EventLog.create(folder, 'feature');
  /** @type {number[]} */
  const delays = [];
  const consumer = await jetstream(connection).consumers.get(STREAM, { filter_subjects: `${SUBJECTS}>` });
  const messages = await consumer.consume({
    callback: message => {
      for (const line of message.string().trimEnd().split('\n')) {
        const { stdout } = JSON.parse(line);
        delays.push(Number(process.hrtime.bigint() - BigInt(stdout)) / 1e6);
      }
    },
  });
  /** @type {(stdout: string) => Promise<unknown>} */
  const append = stdout =>
    log.append({ type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook', stdout });
  const now = () => String(process.hrtime.bigint());
  await append(now());
  if (mirrored) await until(() => delays.length === 1); // it has started
  /** @type {number[]} */
  const appends = [];
  for (let event = 0; event < count; event++) {
    const started = performance.now();
    await append(now());
    appends.push(performance.now() - started);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  if (mirrored) await until(() => delays.length === count + 1);
  await messages.close();
  await log.close();
  if (mirror !== undefined) {
    mirror.kill('SIGKILL');
    await once(mirror, 'exit');
  }
  latest.delays = delays.slice(1).sort((a, b) => a - b);
  latest.appends = appends.sort((a, b) => a - b);
}

/** @type {import('./harness.mjs').Suite} */
const suite = {
  name: 'mirror',
  title: `Mirroring to a NATS server on this machine: ${EVENTS.toLocaleString('en')} events as they are in a pipe run`,
  operation: 'event',
  baseline: {
    name: 'plain client',
    what: 'publishing the same lines with 256 under way, in no order and with no check',
    measure: plainClient,
  },
  groups: [
    {
      heading: 'Shipped',
      rows: [
        { name: 'mirrorRun, one finished run', compare: 'rate', measure: oneRun },
        { name: `mirrorVolume, ${RUNS} finished runs`, compare: 'rate', measure: manyRuns },
        {
          name: `mirrorVolume, ${VOLUMES} volumes of ${RUNS / VOLUMES} finished runs, a connection each`,
          compare: 'rate',
          measure: manyVolumes,
        },
      ],
    },
    {
      heading: `Shipped over a link of ${ROUND_TRIP_MS} ms round trip, events of each run`,
      rows: [
        { name: 'one volume', compare: 'alone', note: 'link', measure: setting => overLink(setting, 1) },
        {
          name: `${VOLUMES} volumes at once into one stream`,
          compare: 'alone',
          measure: setting => overLink(setting, VOLUMES),
        },
      ],
    },
    {
      heading: 'From the call of append to the hand-over by the server, milliseconds',
      rows: [
        {
          name: 'mirrorVolume in another process, p50',
          compare: 'alone',
          note: 'delay',
          measure: async setting => {
            await appending(setting, true);
            return quantile(latest.delays, 0.5);
          },
        },
        { name: 'the same, p99', compare: 'alone', measure: async () => quantile(latest.delays, 0.99) },
      ],
    },
    {
      heading: 'append, one by one, milliseconds',
      rows: [
        { name: 'mirrored, p50', compare: 'alone', measure: async () => quantile(latest.appends, 0.5) },
        { name: 'mirrored, p99', compare: 'alone', measure: async () => quantile(latest.appends, 0.99) },
        {
          name: 'not mirrored, p50',
          compare: 'alone',
          measure: async setting => {
            await appending(setting, false);
            return quantile(latest.appends, 0.5);
          },
        },
        { name: 'not mirrored, p99', compare: 'alone', measure: async () => quantile(latest.appends, 0.99) },
      ],
    },
  ],
  close: stopServers,
  notes: {
    link: `Finished runs of ${EVENTS_OVER_LINK.toLocaleString('en')} events; the link delays each byte by half of the round trip.`,
    delay:
      'Events come 5 ms apart. The append itself, which waits for the disk, is part of it; an ordered consumer receives.',
  },
};

export default suite;
