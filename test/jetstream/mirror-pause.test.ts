/** A server that stops answering, its connections open, and then goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EventLog } from '../../src/index.js';
import { mirrorRun } from '../../src/jetstream.js';
import { connectTo, eventCount, eventually, expectSame } from '../support/jetstream/copies.js';
import { appendSome, finish, startedRun } from '../support/jetstream/writing.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const PAUSE_MS = 20_000;

describe.skipIf(noServer)('a server that is frozen for 20 s', () => {
  test('has every event once when it goes on, and the writer never waited', { timeout: 90_000 }, async () => {
    const server = await NatsServer.start();
    const connection = await connectTo(server);
    const root = temporaryVolume();
    const log: EventLog = await startedRun(root, 100);
    const mirroring = mirrorRun(root, log.runId, { connection });
    await eventually(async () => (await eventCount(connection, log.runId)) === 100);
    server.pause();
    const end = performance.now() + PAUSE_MS;
    let appended = 0;
    for (; performance.now() < end; appended++) {
      await appendSome(log, 20);
      await sleep(200); // the pace of a writer: nothing is waited for
    }
    expect(appended).toBeGreaterThan(50);
    server.resume();
    await finish(log);
    expect(await mirroring).toMatchObject({ runId: log.runId });
    await expectSame(connection, root, log.runId);
  });
});
