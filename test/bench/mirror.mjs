// @ts-check
/**
 * Mirroring to a NATS server on this machine, beside a plain client that publishes the same lines: how fast runs are shipped,
 * how long an event takes from its append to its hand-over by the server, and what the writer notices of it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { EventLog } from '../../dist/index.js';
import { mirrorRun, mirrorVolume } from '../../dist/jetstream.js';
import { generateLog, RUN_ID } from '../../fixtures/generate.mjs';

/** @typedef {import('./harness.mjs').Sample} Sample */
/** @typedef {import('./harness.mjs').Setting} Setting */

const EVENTS = 20_000;
const RUNS = 64;
const APPENDS = 1000;
const SUBJECTS = 'omne.runs.>';
const MIRROR = fileURLToPath(new URL('../support/jetstream/mirror-volume.mjs', import.meta.url));

const home = mkdtempSync(join(tmpdir(), 'omne-bench-mirror-'));
const port = await freePort();
const server = spawn('nats-server', ['-js', '-sd', home, '-a', '127.0.0.1', '-p', String(port)], {
  stdio: 'ignore',
});
await once(server, 'spawn'); // rejects where there is none
process.once('exit', () => {
  server.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});
const servers = `nats://127.0.0.1:${port}`;
const connection = await connect({ servers, waitOnFirstConnect: true, noAsyncTraces: true });
const manager = await jetstreamManager(connection);
await newStream();

/** A new one each time: the server remembers the message ids of one that is only emptied. */
async function newStream() {
  await manager.streams.delete('omne-runs').catch(() => undefined); // there is none the first time
  await manager.streams.add({ name: 'omne-runs', subjects: [SUBJECTS] });
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A benchmark that runs alone keeps the process busy with nothing. */
process.once('beforeExit', () => connection.close());

/** @param {Setting} setting */
const sizeOf = ({ durationMs }) => (durationMs < 100 ? EVENTS / 20 : EVENTS);

/** @param {string} root @param {string} runId @param {number} events */
function writeRun(root, runId, events) {
  const path = join(root, '.omne/var/runs', runId, 'events.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, Buffer.concat([...generateLog(events)]));
  return path;
}

/** @param {() => Promise<number>} work @returns {Promise<Sample>} */
async function emptied(work) {
  await newStream();
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
        await client.publish('omne.runs.plain', line);
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
    const runId = `feature-01kp8g6dg0${String(run).padStart(16, '0')}`;
    writeRun(setting.folder, runId, Math.round(sizeOf(setting) / RUNS));
  }
  return emptied(async () => (await mirrorVolume(setting.folder, { connection, once: true })).events);
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
  await newStream();
  const mirror = mirrored
    ? spawn(process.execPath, [MIRROR, folder, servers], { stdio: 'ignore' })
    : undefined;
  const log = await EventLog.create(folder, 'feature');
  /** @type {number[]} */
  const delays = [];
  const consumer = await jetstream(connection).consumers.get('omne-runs', { filter_subjects: SUBJECTS });
  const messages = await consumer.consume({
    callback: message => {
      const { stdout } = JSON.parse(message.string());
      delays.push(Number(process.hrtime.bigint() - BigInt(stdout)) / 1e6);
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

/** @param {() => boolean} holds */
async function until(holds) {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 1));
}

/** @param {number[]} sorted @param {number} part @returns {Sample} */
function quantile(sorted, part) {
  return { operations: 1, elapsedMs: sorted[Math.floor(sorted.length * part)] ?? Number.NaN };
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
  notes: {
    delay:
      'Events come 5 ms apart. The append itself, which waits for the disk, is part of it; an ordered consumer receives.',
  },
};

export default suite;
