// @ts-check
/** NATS servers to measure with: on free ports of 127.0.0.1, in folders of their own, gone with the process at the latest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { generateLog } from '../../fixtures/generate.mjs';

/** The stream that a mirror uses when no other is named. */
export const STREAM = 'omne-runs';
export const SUBJECTS = 'omne.runs.';

/**
 * A server that takes connections, a connection to it, and where it keeps its streams and tells of itself.
 * @typedef {object} Server
 * @property {string} url
 * @property {string} monitor
 * @property {string} store
 * @property {import('@nats-io/transport-node').NatsConnection} connection
 * @property {() => Promise<void>} stop
 */

/** How to end each server. @type {Set<{ kill: () => void, stop: () => Promise<void> }>} */
const running = new Set();
process.once('exit', () => {
  for (const { kill } of running) kill();
});

/** Stops all servers and closes the connections to them. */
export async function stopServers() {
  await Promise.all([...running].map(({ stop }) => stop()));
}

/** @param {string} [config] - added to its configuration file @returns {Promise<Server>} */
export async function startServer(config = '') {
  const home = mkdtempSync(join(tmpdir(), 'omne-bench-nats-'));
  const [port, monitor, store] = [await freePort(), await freePort(), join(home, 'store')];
  const own = `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitor}"\njetstream { store_dir: ${JSON.stringify(store)} }`;
  writeFileSync(join(home, 'server.conf'), `${own}\n${config}\n`);
  const server = spawn('nats-server', ['-c', join(home, 'server.conf')], { stdio: 'ignore' });
  const kill = () => {
    server.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  const ends = { kill, stop: async () => kill() };
  running.add(ends);
  await once(server, 'spawn'); // rejects where there is none
  const exited = once(server, 'exit');
  const url = `nats://127.0.0.1:${port}`;
  const connection = await connect({
    servers: url,
    waitOnFirstConnect: true,
    reconnectTimeWait: 50,
    noAsyncTraces: true,
  });
  ends.stop = async () => {
    running.delete(ends);
    await connection.close();
    server.kill('SIGKILL');
    await exited;
    kill();
  };
  return { url, monitor: `http://127.0.0.1:${monitor}`, store, connection, stop: ends.stop };
}

/**
 * Makes the stream again: the server remembers the message ids of one that is only emptied.
 * @param {Server} server
 * @param {number} [replicas]
 */
export async function newStream({ connection }, replicas = 1) {
  const manager = await jetstreamManager(connection);
  await manager.streams.delete(STREAM).catch(() => undefined); // there is none the first time
  await manager.streams.add({ name: STREAM, subjects: [`${SUBJECTS}>`], num_replicas: replicas });
  return manager;
}

/** What the stream says it holds. @param {Server} server */
export async function stored({ connection }) {
  return (await (await jetstreamManager(connection)).streams.info(STREAM)).state;
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The id of the run with a number. @param {number} number */
export function runIdOf(number) {
  return `feature-01kp8g6dg0${String(number).padStart(16, '0')}`;
}

/** @param {string} root @param {string} runId @param {number} events */
export function writeRun(root, runId, events) {
  const path = join(root, '.omne/var/runs', runId, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat([...generateLog(events)]));
  return path;
}

/** @param {() => boolean | Promise<boolean>} holds */
export async function until(holds) {
  while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 1));
}

/** One of many times in milliseconds. @param {number[]} sorted @param {number} part @returns {import('./harness.mjs').Sample} */
export function quantile(sorted, part) {
  return { operations: 1, elapsedMs: sorted[Math.floor(sorted.length * part)] ?? Number.NaN };
}
