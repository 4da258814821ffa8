/** A link of 50 ms between mirrors, readers and server, as it is, and one whose connections drop and whose bytes come late. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume, readRemote, tailRemote } from '../../src/jetstream.js';
import { connectTo, eventually, expectSame, messagesOf } from '../support/jetstream/copies.js';
import { type Link, startLink } from '../support/jetstream/link.mjs';
import { Writers } from '../support/jetstream/writers.js';
import { finishedRun } from '../support/jetstream/writing.js';
import { logPath, REFERENCE, RUN_ID, writeLog } from '../support/logs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const ROUND_TRIP_MS = 50;
const DROPS = rounds(10);

describe.skipIf(noServer)(`over a link of ${ROUND_TRIP_MS} ms`, () => {
  const server = NatsServer.forAll();

  async function linked(): Promise<{ connection: NatsConnection; link: Link; near: NatsConnection }> {
    const link = await startLink(server.port, ROUND_TRIP_MS);
    onTestFinished(() => link.close());
    const connection = await connect({
      servers: link.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
      reconnectJitter: 10,
      timeout: 1000, // for a connection that is dropped before it was there
      ignoreClusterUpdates: true,
    });
    onTestFinished(() => connection.close());
    return { connection, link, near: await connectTo(server) };
  }

  test('a run takes a round trip for each segment, not for each event, whoever else ships', async () => {
    const { connection, near } = await linked();
    const root = temporaryVolume();
    const events = Math.max(3000, rounds(5000));
    const [runId, other] = [await finishedRun(root, events), await finishedRun(root, events)];
    const begun = performance.now();
    await Promise.all([runId, other].map(each => mirrorRun(root, each, { connection })));
    const tripsMs = performance.now() - begun;
    for (const each of [runId, other]) {
      await expectSame(near, root, each);
      const segments = await messagesOf(near, subjectOf(each));
      expect(segments.length).toBe(Math.ceil(readFileSync(logPath(root, each)).length / (128 * 1024 - 250)));
      // Some are spent on setting up; a busy machine makes each of them longer.
      expect(tripsMs).toBeLessThan((segments.length + 10) * ROUND_TRIP_MS * 4);
    }
  });

  test('a run is read with few round trips, and found from its end', async () => {
    const { connection, near } = await linked();
    const root = temporaryVolume();
    writeLog(root, REFERENCE);
    await mirrorRun(root, RUN_ID, { connection: near });
    const before = connection.stats().outMsgs;
    expect(await readRemote(connection, RUN_ID).toArray()).toHaveLength(1000);
    expect(await readRemote(connection, RUN_ID, { last: 3 }).toArray()).toHaveLength(3);
    expect(connection.stats().outMsgs - before).toBeLessThan(15);
  });

  test(`connections that drop ${DROPS} times, and bytes that come late, cost no byte and no order`, {
    timeout: 30_000 + DROPS * 3000,
  }, async () => {
    const { connection, link, near } = await linked();
    const root = temporaryVolume();
    const writers = await Writers.start(root, 3);
    const stop = new AbortController();
    const mirroring = mirrorVolume(root, { connection, pollInterval: 50, signal: stop.signal });
    const second = Promise.all(writers.runIds.map(runId => mirrorRun(root, runId, { connection })));
    const tails = writers.runIds.map(runId =>
      tailRemote(connection, runId, { appearTimeout: 60_000 }).toArray(),
    );
    for (let dropped = 0; dropped < DROPS; dropped++) {
      await eventually(async () => (await connection.rtt()) > 0);
      await sleep(ROUND_TRIP_MS * 6 * Math.random());
      link.drop();
    }
    await writers.finish();
    await second;
    const read = await Promise.all(tails);
    stop.abort(new Error('enough'));
    await expect(mirroring).rejects.toThrow('enough');
    for (const [index, runId] of writers.runIds.entries()) {
      await expectSame(near, root, runId);
      expect(read[index]).toEqual(await EventLog.read(root, runId).toArray());
    }
  });
});
