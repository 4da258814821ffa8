/** Mirroring one run to a real NATS server. */
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { EventLog } from '../src/index.js';
import { DEFAULT_STREAM, POSITION_HEADER, subjectOf } from '../src/jetstream/message.js';
import { mirrorRun } from '../src/jetstream.js';
import { NatsServer, noServer } from './nats-server.js';
import { connectTo, copyOf, expectSame, messagesOf } from './support/jetstream/copies.js';
import { logPath, REFERENCE, RUN_ID, rejection, writeLog } from './support/logs.js';
import { temporaryVolume } from './support/volume.js';

const MAX_PAYLOAD = 64 * 1024;

describe.skipIf(noServer)('mirrorRun', () => {
  let server: NatsServer;
  let streams = 0;

  beforeAll(async () => {
    server = await NatsServer.start(`max_payload: ${MAX_PAYLOAD}`);
  });

  /** A stream of its own for each test needs subjects of its own: each test clears away the one before. */
  async function freshStream(
    config: { duplicateWindow?: number } = {},
  ): Promise<{ connection: NatsConnection; stream: string }> {
    const connection = await connectTo(server);
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    const stream = `runs-${streams++}`;
    if (config.duplicateWindow !== undefined) {
      await manager.streams.add({
        name: stream,
        subjects: ['omne.runs.>'],
        duplicate_window: config.duplicateWindow * 1e6,
      });
    }
    return { connection, stream };
  }

  /** A run of so many node events and the terminal one, its log closed. */
  async function finishedRun(root: string, events: number): Promise<string> {
    const log = await EventLog.create(root, 'feature');
    await log.appendAll(
      Array.from(
        { length: events },
        (_, index) => ({ type: 'node.started', node_id: `n${index}`, kind: 'bash' }) as const,
      ),
    );
    await log.append({ type: 'pipe.completed' });
    await log.close();
    return log.runId;
  }

  test('a finished run is shipped event by event, with its ids and positions', async () => {
    const { connection, stream } = await freshStream();
    const root = temporaryVolume();
    const runId = await finishedRun(root, 1000);
    const log = readFileSync(logPath(root, runId));
    expect(await mirrorRun(root, runId, { connection, stream })).toEqual({
      runId,
      events: 1001,
      position: log.length,
    });
    await expectSame(connection, root, runId, stream);
    const [first] = await messagesOf(connection, subjectOf(runId), stream);
    expect(first?.messageId).toBe(JSON.parse(first?.body ?? '').id);
  });

  test('a run that was shipped takes one look and sends nothing', async () => {
    const { connection, stream } = await freshStream();
    const root = temporaryVolume();
    const runId = await finishedRun(root, 10);
    await mirrorRun(root, runId, { connection, stream });
    expect(await mirrorRun(root, runId, { connection, stream })).toMatchObject({ events: 0 });
    await expectSame(connection, root, runId, stream);
  });
});
