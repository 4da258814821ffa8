/**
 * The server and the mirror are killed (SIGKILL) at random moments while five writers append: in the end the copy of every
 * run is its log, byte for byte. 3 kills each by default; 30 with `OMNE_ROUNDS=1` (after `npm run build`).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mirrorVolume } from '../../src/jetstream.js';
import { connectTo, eventually, expectSame } from '../support/jetstream/copies.js';
import { Writers } from '../support/jetstream/writers.js';
import { programPath } from '../support/programs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const KILLS = rounds(30);
const PROGRAM = programPath('jetstream/mirror-volume');

function startMirror(root: string, server: NatsServer): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, root, server.url], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  expect(child.exitCode).toBe(null); // it would have mirrored for ever
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Waits until the stream has grown. */
async function grown(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 500 });
  let before: number | undefined;
  await eventually(async () => {
    const { state } = await manager.streams.info('omne-runs');
    before ??= state.last_seq;
    return state.last_seq > before;
  });
}

/** A server and five runs that are written. */
async function setting(): Promise<{
  root: string;
  server: NatsServer;
  connection: NatsConnection;
  writers: Writers;
}> {
  const root = temporaryVolume();
  const server = await NatsServer.start();
  const connection = await connectTo(server);
  return { root, server, connection, writers: await Writers.start(root, 5) };
}

async function killServers(): Promise<void> {
  const { root, server, connection, writers } = await setting();
  const mirror = startMirror(root, server);
  for (let killed = 0; killed < KILLS; killed++) {
    await grown(connection);
    await sleep(Math.random() * 60);
    await server.kill();
    await server.restart();
  }
  await writers.finish();
  await mirrorVolume(root, { connection, once: true }); // beside the other one
  for (const runId of writers.runIds) await expectSame(connection, root, runId);
  await kill(mirror);
}

async function killMirrors(): Promise<void> {
  const { root, server, connection, writers } = await setting();
  for (let killed = 0; killed < KILLS; killed++) {
    const mirror = startMirror(root, server);
    if (Math.random() < 0.8) await grown(connection); // else it dies while it starts
    await sleep(Math.random() * 60);
    await kill(mirror);
  }
  await writers.finish();
  await mirrorVolume(root, { connection, once: true });
  for (const runId of writers.runIds) await expectSame(connection, root, runId);
}

describe.skipIf(noServer)(`servers and mirrors, killed ${KILLS} times each while five writers append`, () => {
  test('lose nothing, repeat nothing and keep the order', { timeout: 60_000 + KILLS * 3000 }, async () => {
    await Promise.all([killServers(), killMirrors()]);
  });
});
