/** Messages on their way, when nobody waits for them any more. */
import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { subjectOf } from '../../src/jetstream/message.js';
import { NOWHERE } from '../../src/jetstream/ship/copy-place.js';
import { Outbox } from '../../src/jetstream/ship/outbox.js';
import { publisherOf } from '../../src/jetstream/ship/publisher.js';
import { openStream } from '../../src/jetstream/ship/run-stream.js';
import { connectTo, messagesOf } from '../support/jetstream/copies.js';
import { RUN_ID, rejection } from '../support/logs.js';
import { NatsServer, noServer } from './nats-server.js';

describe.skipIf(noServer)('an outbox that is abandoned', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await NatsServer.start();
  });

  test('counts no message whose answer comes later, though it is stored', async () => {
    const connection = await connectTo(server);
    const stream = await openStream(connection, undefined, undefined);
    const answers: Promise<unknown>[] = [];
    let letThrough: () => void = () => undefined;
    const held = new Promise<void>(resolve => {
      letThrough = resolve;
    });
    const request = connection.request.bind(connection);
    connection.request = (...question) => {
      const answer = request(...question).then(async message => {
        await held;
        return message;
      });
      answers.push(answer);
      return answer;
    };
    const closed: unknown[] = [];
    const outbox = new Outbox(stream, publisherOf(stream), subjectOf(RUN_ID), NOWHERE, failure =>
      closed.push(failure),
    );
    const [body, eventId] = [Buffer.from('body'), 'id'];
    await outbox.push({ body, eventId, messageId: 'id', position: 5, ended: false });
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    const reason = new Error('enough');
    outbox.abandon(reason);
    const watching = await connectTo(server);
    await vi.waitFor(async () => expect(await messagesOf(watching, subjectOf(RUN_ID))).toHaveLength(1));
    letThrough();
    await Promise.all(answers);
    await setImmediate(); // whoever waits for the answers has looked at them
    expect([outbox.accepted, outbox.place]).toEqual([0, NOWHERE]);
    expect(closed).toEqual([reason]);
    expect(await rejection(outbox.settled())).toBe(reason);
  });
});
