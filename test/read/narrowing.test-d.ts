/** What the option `types` makes of the events that readers are typed to give. Never run: the compiler is the test. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { expectTypeOf, test } from 'vitest';
import {
  EventLog,
  type EventReader,
  type EventStream,
  type EventType,
  eventDecoder,
  type NodeCompleted,
  type NodeFailed,
  type PipeAborted,
  type RunEvent,
} from '../../src/index.js';
import { readRemote, tailRemote } from '../../src/jetstream.js';

declare const log: EventLog;
declare const some: readonly EventType[];
declare const connection: NatsConnection;

test('one type, or several, are what is given', async () => {
  const options = { types: ['node.failed', 'pipe.aborted'], limit: 3 } as const;
  const { limit: _, ...follow } = options;
  for (const stream of [
    EventLog.read('.', 'r', options),
    EventLog.tail('.', 'r', follow),
    log.read(options),
    log.tail(follow),
    readRemote(connection, 'r', options),
    tailRemote(connection, 'r', follow),
  ]) {
    for await (const event of stream) expectTypeOf(event).toEqualTypeOf<NodeFailed | PipeAborted>();
    for await (const events of stream.batches())
      expectTypeOf(events).toEqualTypeOf<(NodeFailed | PipeAborted)[]>();
    expectTypeOf(stream.toArray()).resolves.toEqualTypeOf<(NodeFailed | PipeAborted)[]>();
  }
  for await (const { output_path } of log.tail({ types: ['node.completed'], from: 'end' }))
    expectTypeOf(output_path).toEqualTypeOf<NodeCompleted['output_path']>();
});

test('without it, and where the types are not known when it is compiled, any event is', () => {
  expectTypeOf(log.read()).toEqualTypeOf<EventReader>();
  expectTypeOf(log.read({ limit: 1 }).toArray()).resolves.toEqualTypeOf<RunEvent[]>();
  expectTypeOf(log.tail({ types: some }).toArray()).resolves.toEqualTypeOf<RunEvent[]>();
  expectTypeOf(readRemote(connection, 'r').toArray()).resolves.toEqualTypeOf<RunEvent[]>();
});

test('a reader of some types is a stream of any, and not the other way round', () => {
  expectTypeOf(log.read({ types: ['node.failed'] })).toExtend<EventStream>();
  expectTypeOf(log.read()).not.toExtend<EventReader<'node.failed'>>();
});

test('a type that does not exist does not compile', () => {
  // @ts-expect-error a slip of the pen
  log.read({ types: ['node.faild'] });
});

test('a decoder gives them too, and is a stream for pipelines', async () => {
  const decoder = createReadStream('f').pipe(eventDecoder({ types: ['node.failed'] }));
  for await (const event of decoder.iterator()) expectTypeOf(event).toEqualTypeOf<NodeFailed>();
  expectTypeOf(decoder.toArray()).resolves.toEqualTypeOf<NodeFailed[]>();
  expectTypeOf(eventDecoder().toArray()).resolves.toEqualTypeOf<RunEvent[]>();
  await pipeline(createReadStream('f'), eventDecoder(), async (events: AsyncIterable<RunEvent>) => {
    for await (const event of events) expectTypeOf(event).toEqualTypeOf<RunEvent>();
  });
});
