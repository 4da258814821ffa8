/** A copy of a log on a server, read while the server loses it. */
import { expect, test } from 'vitest';
import type { RunEvent } from '../../src/index.js';
import { readRemote } from '../../src/jetstream.js';
import { linesOf, RUN_ID, rejection, sampleEvent } from '../support/logs.js';
import { connectTo, RawPublisher } from '../support/raw-publisher.js';
import { NatsServer, noServer } from './nats-server.js';

/** Ten megabytes, each event a message: more than a reader asks for before the first event is taken. */
const COUNT = 1000;
const NAME = 'x'.repeat(10_000);
const EVENTS = Array.from(
  { length: COUNT },
  (_, index) => ({ ...sampleEvent(5 * index), name: NAME }) as RunEvent,
);

test.skipIf(noServer)(
  'a copy that is gone before it was read to its end is an error, not an end',
  async () => {
    const connection = await connectTo(await NatsServer.start());
    const publisher = await RawPublisher.to(connection);
    await publisher.publish(RUN_ID, linesOf(EVENTS), [1]);
    const reader = readRemote(connection, RUN_ID);
    const ids: string[] = [];
    const reading = (async () => {
      for await (const { id } of reader) {
        if (ids.push(id) === 1) await publisher.manager.streams.purge(publisher.stream);
      }
    })();
    expect(await rejection(reading)).toMatchObject({ code: 'ERR_LOG_TRUNCATED' });
    expect(ids).toEqual(EVENTS.slice(0, ids.length).map(({ id }) => id));
    expect(ids.length).toBeLessThan(EVENTS.length);
  },
  60_000, // a reader waits ten seconds for more before it looks whether there is any
);
