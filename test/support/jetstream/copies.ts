/** The copies of runs on a NATS server, read message by message with a plain client, and held against the logs. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect, onTestFinished } from 'vitest';
import { encodeEvent } from '../../../src/index.js';
import { EVENTS_HEADER, POSITION_HEADER } from '../../../src/jetstream/segment.js';
import { DEFAULT_STREAM, subjectOf } from '../../../src/jetstream/subjects.js';
import { readRemote } from '../../../src/jetstream.js';
import type { NatsServer } from '../../jetstream/nats-server.js';
import { logPath } from '../logs.js';

/** One segment of a stream. */
export interface Copied {
  readonly sequence: number;
  readonly body: string;
  readonly position: string;
  readonly events: number;
}

/** A connection that waits for its server for ever, and ends with the test. */
export async function connectTo(...servers: Pick<NatsServer, 'url'>[]): Promise<NatsConnection> {
  const connection = await connect({
    servers: servers.map(({ url }) => url),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 10,
    waitOnFirstConnect: true,
  });
  onTestFinished(() => connection.close());
  return connection;
}

/** All segments of a subject, in the order of the stream. */
export async function messagesOf(
  connection: NatsConnection,
  subject: string,
  stream: string = DEFAULT_STREAM,
): Promise<Copied[]> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 500 });
  const { num_pending, name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subject: subject,
    mem_storage: true,
  });
  const found: Copied[] = [];
  const consumer = await jetstream(connection).consumers.get(stream, name);
  while (found.length < num_pending) {
    const messages = await consumer.fetch({ max_messages: Math.min(1000, num_pending - found.length) });
    for await (const message of messages) {
      found.push({
        sequence: message.seq,
        body: message.string(),
        position: message.headers?.get(POSITION_HEADER) ?? '',
        events: Number(message.headers?.get(EVENTS_HEADER)),
      });
    }
  }
  await manager.consumers.delete(stream, name);
  return found;
}

/** The copy of a run as the bytes of a log. */
export async function copyOf(
  connection: NatsConnection,
  runId: string,
  stream: string = DEFAULT_STREAM,
): Promise<string> {
  return textOf(await messagesOf(connection, subjectOf(runId), stream));
}

/** What segments hold together: each says where it ends in the log, and ends with a line. */
function textOf(messages: readonly Copied[]): string {
  let end = 0;
  const ends = messages.map(({ body }) => String((end += Buffer.byteLength(body))));
  expect(messages.map(({ position }) => position)).toEqual(ends);
  expect(messages.filter(({ body }) => !body.endsWith('\n'))).toEqual([]);
  return messages.map(({ body }) => body).join('');
}

/** How many events the copy of a run holds by now. */
export async function eventCount(
  connection: NatsConnection,
  runId: string,
  stream: string = DEFAULT_STREAM,
): Promise<number> {
  const messages = await messagesOf(connection, subjectOf(runId), stream);
  return messages.reduce((sum, { events }) => sum + events, 0);
}

/** The copy of a run is its log, byte for byte, and a reader, forwards or backwards, finds nothing missing in it. */
export async function expectSame(
  connection: NatsConnection,
  root: string,
  runId: string,
  stream: string = DEFAULT_STREAM,
): Promise<void> {
  const segments = await messagesOf(connection, subjectOf(runId), stream);
  const copy = textOf(segments);
  const log = readFileSync(logPath(root, runId), 'utf8');
  if (copy !== log) expect(copy.split('\n')).toEqual(log.split('\n')); // says where they differ
  expect(segments.map(({ events }) => events)).toEqual(
    segments.map(({ body }) => body.split('\n').length - 1),
  );
  const events = await readRemote(connection, runId, { stream }).toArray();
  expect(events.map(event => `${encodeEvent(event)}\n`).join('') === log).toBe(true);
  const backwards = await readRemote(connection, runId, { stream, reverse: true }).toArray();
  expect(isDeepStrictEqual(backwards.reverse(), events)).toBe(true);
}

/** Waits until something holds; the test's own time limit ends the wait. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await sleep(20);
}
