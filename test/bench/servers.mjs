// @ts-check
/** What runs take of NATS servers: bytes of disk and memory, and the speed of three that keep every event. Servers of their own. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { mirrorRun, mirrorVolume } from '../../dist/jetstream.js';
import { RUN_ID } from '../../fixtures/generate.mjs';
import {
  freePort,
  newStream,
  runIdOf,
  STREAM,
  SUBJECTS,
  startServer,
  stored,
  until,
  writeRun,
} from './nats.mjs';

/** @typedef {import('./harness.mjs').Setting} Setting */
/** @typedef {import('./harness.mjs').Sample} Sample */

/** In a table the numbers of a full measurement stand, not those of a quick one. */
export const SUBJECT_COUNT = 100_000;
export const REPLICATED_RUNS = 64;
const EVENTS_OF_ONE = 4000;
const EVENTS_OF_MANY = 20_000;
const EVENTS_STORED = 20_000;
const UNDER_WAY = 256;

/** @param {Setting} setting @param {number} count */
const fewer = ({ durationMs }, count) => (durationMs < 100 ? count / 20 : count);

/** Bytes of disk for each event of a run. @param {Setting} setting @returns {Promise<Sample>} */
export async function diskOfEvents(setting) {
  const server = await startServer();
  const started = performance.now();
  writeRun(setting.folder, RUN_ID, fewer(setting, EVENTS_STORED));
  const { events } = await mirrorRun(setting.folder, RUN_ID, { connection: server.connection });
  const elapsedMs = performance.now() - started;
  const { bytes } = await stored(server);
  const amount = sizeOf(server.store);
  await server.stop();
  // What the stream says of itself is less, but near: far less would mean that something else was counted.
  if (bytes > amount || bytes < amount / 2) throw new Error(`${amount} bytes of disk hold ${bytes}`);
  return { operations: events, elapsedMs, amount };
}

/** All files of a folder. @param {string} folder */
function sizeOf(folder) {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries
    .map(entry => statSync(join(folder, entry)))
    .reduce((bytes, entry) => bytes + (entry.isFile() ? entry.size : 0), 0);
}

/** Bytes of memory by which a server grows for each subject. @param {Setting} setting @returns {Promise<Sample>} */
export async function memoryOfSubjects(setting) {
  const server = await startServer();
  await newStream(server);
  const before = await memoryOf(server);
  const client = jetstream(server.connection);
  const count = fewer(setting, SUBJECT_COUNT);
  const started = performance.now();
  let next = 0;
  const inTurn = async () => {
    for (let run = next++; run < count; run = next++) await client.publish(SUBJECTS + runIdOf(run), '{}');
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, inTurn));
  const elapsedMs = performance.now() - started;
  const amount = (await memoryOf(server)) - before;
  await server.stop();
  return { operations: count, elapsedMs, amount };
}

/** The resident memory of a server, as it says itself. @param {import('./nats.mjs').Server} server */
async function memoryOf({ monitor }) {
  const answer = await fetch(`${monitor}/varz`);
  const { mem } = /** @type {{ mem: number }} */ (await answer.json());
  return mem;
}

/** One finished run, to three servers. @param {Setting} setting @returns {Promise<Sample>} */
export async function replicatedRun(setting) {
  writeRun(setting.folder, RUN_ID, fewer(setting, EVENTS_OF_ONE));
  return replicated(async connection => (await mirrorRun(setting.folder, RUN_ID, { connection })).events);
}

/** Many finished runs, to three servers. @param {Setting} setting @returns {Promise<Sample>} */
export async function replicatedRuns(setting) {
  const events = Math.round(fewer(setting, EVENTS_OF_MANY) / REPLICATED_RUNS);
  for (let run = 0; run < REPLICATED_RUNS; run++) writeRun(setting.folder, runIdOf(run), events);
  return replicated(
    async connection => (await mirrorVolume(setting.folder, { connection, once: true })).events,
  );
}

/** @param {(connection: import('@nats-io/transport-node').NatsConnection) => Promise<number>} work @returns {Promise<Sample>} */
async function replicated(work) {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map(port => `nats://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map((port, index) =>
      startServer(
        `server_name: n${index}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      ),
    ),
  );
  const [server] = servers;
  if (server === undefined) throw new Error('no server');
  const { connection } = server;
  // They choose a leader, then take a stream: both are refused until they have found each other.
  await until(() => newStream(server, 3).then(Boolean, () => false));
  const manager = await jetstreamManager(connection);
  await until(async () => {
    const { cluster } = await manager.streams.info(STREAM);
    return Boolean(cluster?.leader) && cluster?.replicas?.filter(({ current }) => current).length === 2;
  });
  const started = performance.now();
  const operations = await work(connection);
  const elapsedMs = performance.now() - started;
  await Promise.all(servers.map(({ stop }) => stop()));
  return { operations, elapsedMs };
}
