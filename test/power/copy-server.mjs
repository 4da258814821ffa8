// @ts-check
/** A NATS server outside the machine, which keeps its power: what a mirror in the guest has shipped there must be in the log after a cut. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findTool } from './tools.mjs';

const HOST_SEEN_FROM_GUEST = '10.0.2.2';
const STREAM = 'omne-runs';
const SUBJECTS = 'omne.runs.';
const LF = 10;

/** What a segment holds: the id of each event and where its line ends. @typedef {[id: string, end: number][]} Shipped */

export class CopyServer {
  /** How the guest reaches it. @type {string} */
  url;
  /** Told about each segment that was sent, whether or not the stream has taken it. @type {(runId: string, events: Shipped) => void} */
  shipped = () => undefined;
  #server;
  #connection;

  /** @param {string} folder */
  static async start(folder) {
    const port = await freePort();
    const args = ['--pdeathsig', 'KILL', findTool('nats-server') ?? '', '-js', '-sd', join(folder, 'copies')];
    const server = spawn('setpriv', [...args, '-a', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' });
    const connection = await connect({ servers: `nats://127.0.0.1:${port}`, waitOnFirstConnect: true });
    return new CopyServer(port, server, connection);
  }

  /** @param {number} port @param {import('node:child_process').ChildProcess} server @param {import('@nats-io/transport-node').NatsConnection} connection */
  constructor(port, server, connection) {
    this.url = `nats://${HOST_SEEN_FROM_GUEST}:${port}`;
    this.#server = server;
    this.#connection = connection;
    connection.subscribe(`${SUBJECTS}*`, {
      callback: (_, { subject, headers, data }) => {
        const end = Number(headers?.get('Omne-Position'));
        this.shipped(subject.slice(SUBJECTS.length), eventsIn(Buffer.from(data), end));
      },
    });
  }

  /** Resolves when all that was sent so far has been told. */
  async settled() {
    await this.#connection.flush();
  }

  /** Starts again with no copy: for a drive that is set back to what it was before. */
  async forget() {
    const { streams } = await jetstreamManager(this.#connection);
    for await (const name of streams.names()) if (name === STREAM) await streams.delete(name);
  }

  async stop() {
    await this.#connection.close();
    this.#server.kill('SIGKILL');
  }
}

/** @param {Buffer} segment @param {number} end @returns {Shipped} */
function eventsIn(segment, end) {
  /** @type {Shipped} */
  const events = [];
  for (let start = 0, lf; (lf = segment.indexOf(LF, start)) !== -1; start = lf + 1) {
    const { id } = JSON.parse(segment.toString('utf8', start, lf));
    events.push([id, end - segment.length + lf + 1]);
  }
  return events;
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}
