/** A cluster of three servers on this machine, every event on all three: one is killed, the leader is killed. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun } from '../../src/jetstream.js';
import { type Copied, connectTo, eventually, messagesOf } from '../support/jetstream/copies.js';
import { Writers } from '../support/jetstream/writers.js';
import { logPath } from '../support/logs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';
import { freePort, NatsServer, noServer } from './nats-server.js';

const STREAM = { replicas: 3 };
/** Three servers take some hundred events a second of a run: writers that are quicker would only make the test longer. */
const PAUSE_MS = 200;
/** So many acknowledgements are waited for, before and after each thing that happens. */
const MORE = Math.max(40, rounds(100));

/** Three servers that know each other, by name. */
async function startCluster(): Promise<Map<string, NatsServer>> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const routes = ports.map(port => `nats://127.0.0.1:${port}`).join(', ');
  const servers = new Map<string, NatsServer>();
  const starting = ports.map(async (port, index) => {
    const name = `n${index}`;
    const config = `server_name: ${name}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
    servers.set(name, await NatsServer.start(config));
  });
  await Promise.all(starting);
  return servers;
}

/** Notes what the server acknowledges: subject, position and sequence of every message. */
function notingAcknowledgements(connection: NatsConnection): Map<string, number> {
  const noted = new Map<string, number>();
  const request = connection.request.bind(connection);
  connection.request = async (subject, payload, options) => {
    const reply = await request(subject, payload, options);
    const position = options?.headers?.get('Omne-Position') ?? '';
    const { seq, error }: { seq?: number; error?: unknown } = position === '' ? {} : reply.json();
    if (seq !== undefined && error === undefined) noted.set(`${subject} ${position}`, seq);
    return reply;
  };
  return noted;
}

function textOf(messages: readonly Copied[]): string {
  return messages.map(({ body }) => body).join('');
}

async function leaderOf(manager: JetStreamManager): Promise<string> {
  let leader: string | undefined;
  await eventually(async () => {
    leader = (await manager.streams.info('omne-runs')).cluster?.leader;
    return leader !== undefined && leader !== '';
  });
  return leader ?? '';
}

describe.skipIf(noServer)('three servers that keep every event three times', () => {
  test('lose no acknowledged event, and no order, when one is killed and comes back, then the leader', {
    timeout: 120_000,
  }, async () => {
    const servers = await startCluster();
    const connection = await connectTo(...servers.values());
    const watching = await connectTo(...servers.values());
    const manager = await jetstreamManager(watching, { checkAPI: false, timeout: 1000 });
    await eventually(async () => (await manager.getAccountInfo()) !== undefined);
    const acknowledged = notingAcknowledgements(connection);
    const root = temporaryVolume();
    const writers = await Writers.start(root, 5, PAUSE_MS);
    const mirrors = Promise.all(
      writers.runIds.map(runId => mirrorRun(root, runId, { connection, stream: STREAM })),
    );
    const more = async () => {
      const before = acknowledged.size;
      await eventually(async () => acknowledged.size > before + MORE);
    };
    await more();
    const leader = await leaderOf(manager);
    const follower = [...servers.keys()].find(name => name !== leader) ?? '';
    for (const name of [follower, leader]) {
      await servers.get(name)?.kill();
      await more();
      await servers.get(name)?.restart();
      await more();
    }
    await writers.finish();
    await mirrors;
    // A consumer may be given to a server that still catches up, and sees the copy as it was there: the end has to be waited for.
    const logged = writers.runIds.map(runId => readFileSync(logPath(root, runId), 'utf8'));
    let copies: Copied[][] = [];
    await eventually(async () => {
      copies = await Promise.all(writers.runIds.map(runId => messagesOf(watching, subjectOf(runId))));
      return isDeepStrictEqual(copies.map(textOf), logged);
    });
    const found = new Map<string, number>();
    for (const [index, runId] of writers.runIds.entries()) {
      for (const { position, sequence } of copies[index] ?? [])
        found.set(`${subjectOf(runId)} ${position}`, sequence);
    }
    expect([...acknowledged].filter(([message, sequence]) => found.get(message) !== sequence)).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(5 * MORE);
  });
});
