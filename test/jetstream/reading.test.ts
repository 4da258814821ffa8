/** What only a remote reader meets: servers that go away, streams that forget, consumers that vanish. */
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EventLog, type RunEvent } from '../../src/index.js';
import { DEFAULT_STREAM, subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume, readRemote, tailRemote } from '../../src/jetstream.js';
import {
  collect,
  expectedEvents,
  lineOf,
  linesOf,
  REFERENCE,
  RUN_ID,
  rejection,
  sampleEvent,
  sampleEvents,
} from '../support/logs.js';
import { connectTo, RawPublisher } from '../support/raw-publisher.js';
import { rounds } from '../support/rounds.js';
import { completedRun, logOf, SMALL_RUN } from '../support/small-run.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const EVENTS = sampleEvents(40);
const RUN = completedRun(20);
const code = (name: string) => expect.objectContaining({ code: name });

const server = NatsServer.forAll();

/** A connection and an empty stream. */
async function fresh(
  on: NatsServer = server,
): Promise<{ connection: NatsConnection; publisher: RawPublisher }> {
  const connection = await connectTo(on);
  const manager = await jetstreamManager(connection);
  await manager.streams.delete(DEFAULT_STREAM).catch(() => undefined); // with all consumers that a test left
  return { connection, publisher: await RawPublisher.to(connection) };
}

const endOf = (events: readonly RunEvent[]): number => Buffer.byteLength(linesOf(events));

describe.skipIf(noServer)('what a stream holds', () => {
  test('a run whose first events were too old to be kept is read from the first that is kept', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(RUN_ID, linesOf(EVENTS), [1]);
    await publisher.manager.streams.purge(publisher.stream, { filter: subjectOf(RUN_ID), keep: 10 });
    const kept = EVENTS.slice(30);
    expect(await readRemote(connection, RUN_ID).toArray()).toEqual(kept);
    expect(await readRemote(connection, RUN_ID, { from: endOf(EVENTS.slice(0, 4)) }).toArray()).toEqual(kept);
    const from = endOf(EVENTS.slice(0, 33));
    expect(await readRemote(connection, RUN_ID, { from }).toArray()).toEqual(EVENTS.slice(33));
    expect(await readRemote(connection, RUN_ID, { last: 20 }).toArray()).toEqual(kept);
    expect(await readRemote(connection, RUN_ID, { reverse: true }).toArray()).toEqual([...kept].reverse());
    const reader = readRemote(connection, RUN_ID, {
      onMalformed: ({ line }) => expect(line).toBeUndefined(),
    });
    for await (const _ of reader) break;
    expect(reader.position).toBe(endOf(EVENTS.slice(0, 31)));
  });

  test('events missing between others are an error after the events before them', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(RUN_ID, linesOf(EVENTS), [1]);
    const { state } = await publisher.manager.streams.info(publisher.stream);
    await publisher.manager.streams.deleteMessage(publisher.stream, state.first_seq + 7);
    const seen: RunEvent[] = [];
    const error = await rejection(
      (async () => {
        for await (const event of readRemote(connection, RUN_ID)) seen.push(event);
      })(),
    );
    expect(seen).toEqual(EVENTS.slice(0, 7));
    expect(error).toEqual(code('ERR_LOG_CORRUPT'));
    expect(error).toHaveProperty('offset', endOf(seen));
    expect(error).toHaveProperty('path', `nats://omne-runs/${subjectOf(RUN_ID)}`);
  });

  test('a segment missing between others is an error, whichever way they are read', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(RUN_ID, REFERENCE, [2000]);
    const positions: number[] = [];
    const reader = readRemote(connection, RUN_ID);
    for await (const _ of reader) positions.push(reader.position);
    const missed = await publisher.manager.streams.getMessage(publisher.stream, { seq: 71 });
    const offset = Number(missed?.header.get('Omne-Position')) - (missed?.data.length ?? 0);
    await publisher.manager.streams.deleteMessage(publisher.stream, 71);
    const missing = { code: 'ERR_LOG_CORRUPT', offset };
    const cut = readRemote(connection, RUN_ID);
    expect(await rejection(cut.toArray())).toMatchObject(missing);
    expect(cut.position).toBe(offset);
    expect(await rejection(tailRemote(connection, RUN_ID).toArray())).toMatchObject(missing);
    const last = readRemote(connection, RUN_ID, { last: 900, types: ['node.started', 'gate.passed'] });
    expect(await rejection(last.toArray())).toMatchObject({ code: 'ERR_LOG_CORRUPT' });
    const backwards = readRemote(connection, RUN_ID, { reverse: true });
    expect(await rejection(collect(backwards))).toMatchObject({ code: 'ERR_LOG_CORRUPT' });
  });

  test('a tail goes on when all it has read is dropped, and the run goes on or is sent again', async () => {
    const { connection, publisher } = await fresh();
    const lines = RUN.map(event => logOf([event]).toString());
    const ends = lines.map((_, index) => Buffer.byteLength(lines.slice(0, index + 1).join('')));
    const send = (from: number, to: number) =>
      publisher.publishRaw(SMALL_RUN, lines.slice(from, to).join(''), {
        'Omne-Position': String(ends[to - 1]),
        'Omne-Events': String(to - from),
        'Omne-Events-Total': String(to),
      });
    for (const index of [0, 1, 2]) await send(index, index + 1);
    const tail = tailRemote(connection, SMALL_RUN);
    const following = tail.toArray();
    await tail.caughtUp;
    await publisher.manager.streams.purge(publisher.stream);
    await send(3, 4); // the mirror knows how far it had come
    await vi.waitFor(() => expect(tail.position).toBe(ends[3]));
    await publisher.manager.streams.purge(publisher.stream);
    await send(0, 2); // another does not, and its segments are others
    await send(2, 7);
    await send(7, RUN.length);
    expect(await following).toEqual(RUN);
  });

  test('a reading by an id that hands out nothing has its position after that event', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(RUN_ID, linesOf(EVENTS));
    const reader = readRemote(connection, RUN_ID, { after: EVENTS.at(-1)?.id ?? '' });
    expect([await reader.toArray(), reader.position]).toEqual([[], endOf(EVENTS)]);
  });

  test('a message that is no part of a log is an error, not passed over, whichever way it is met', async () => {
    const { connection, publisher } = await fresh();
    const [first, second] = sampleEvents(2).map(lineOf);
    const corrupt = code('ERR_LOG_CORRUPT');
    for (const [body, head] of [
      [second ?? '', {}],
      [second ?? '', { 'Omne-Position': '1e3', 'Omne-Events': '1', 'Omne-Events-Total': '2' }],
      [second ?? '', { 'Omne-Position': '900', 'Omne-Events': 'one', 'Omne-Events-Total': '2' }],
      [second ?? '', { 'Omne-Position': '5', 'Omne-Events': '1', 'Omne-Events-Total': '2' }],
      ['no newline', { 'Omne-Position': '900', 'Omne-Events': '1', 'Omne-Events-Total': '2' }],
      ['', { 'Omne-Position': '900', 'Omne-Events': '1', 'Omne-Events-Total': '2' }],
    ] as const) {
      await publisher.manager.streams.purge(publisher.stream);
      await publisher.publishRaw(RUN_ID, first ?? '', {
        'Omne-Position': String(Buffer.byteLength(first ?? '')),
        'Omne-Events': '1',
        'Omne-Events-Total': '1',
      });
      const tail = tailRemote(connection, RUN_ID)[Symbol.asyncIterator]();
      expect(await tail.next()).toMatchObject({ value: sampleEvent(0) });
      await publisher.publishRaw(RUN_ID, body, head);
      await expect(tail.next()).rejects.toEqual(corrupt);
      await expect(readRemote(connection, RUN_ID).toArray()).rejects.toEqual(corrupt);
      await expect(readRemote(connection, RUN_ID, { reverse: true }).toArray()).rejects.toEqual(corrupt);
    }
  });

  test('a run that is not there, or a line that is no event, is an error backwards too', async () => {
    const { connection, publisher } = await fresh();
    const backwards = (runId: string) =>
      rejection(readRemote(connection, runId, { reverse: true }).toArray());
    expect(await backwards(RUN_ID)).toMatchObject({
      code: 'ERR_RUN_NOT_FOUND',
      path: `nats://omne-runs/${subjectOf(RUN_ID)}`,
    });
    await publisher.publish(RUN_ID, `${lineOf(sampleEvent(0))}nonsense\n`);
    const offset = endOf([sampleEvent(0)]);
    expect(await backwards(RUN_ID)).toMatchObject({ code: 'ERR_MALFORMED_LINE', offset });
  });

  test('run ids with dots, also two in a row, are runs of their own', async () => {
    const { connection, publisher } = await fresh();
    const runIds = ['a.b', 'a..b', 'a...b', 'a'].map(pipe => `${pipe}-${SMALL_RUN.slice(-26)}`);
    for (const [index, runId] of runIds.entries()) await publisher.publish(runId, lineOf(sampleEvent(index)));
    for (const [index, runId] of runIds.entries()) {
      expect(await readRemote(connection, runId).toArray()).toEqual([sampleEvent(index)]);
    }
  });

  test.for([
    ['of one event', [1]],
    ['of many', [20_000]],
    ['of several sizes', [1, 700, 5000]],
  ] as const)(
    'a place in a long run among many is found with a few requests, in segments %s',
    async ([, sizes]) => {
      const { connection, publisher } = await fresh();
      const others = linesOf(sampleEvents(rounds(1000)));
      for (let part = 0; part < 5; part++) {
        await publisher.publish(`other-${SMALL_RUN.slice(-26)}`, others, [1]);
        const events = Array.from({ length: 400 }, (_, index) => sampleEvent(400 * part + index));
        await publisher.publish(RUN_ID, linesOf(events), sizes);
      }
      const reading = await connectTo(server);
      const from = endOf(sampleEvents(1234));
      const before = reading.stats();
      const [first] = await readRemote(reading, RUN_ID, { from, limit: 1 }).toArray();
      expect(first).toEqual(sampleEvent(1234));
      expect(reading.stats().outMsgs - before.outMsgs).toBeLessThan(25);
      const [other] = await readRemote(reading, RUN_ID, { after: sampleEvent(1776).id, limit: 1 }).toArray();
      expect(other).toEqual(sampleEvent(1777));
      const last = readRemote(reading, RUN_ID, { last: 700 });
      expect(await last.toArray()).toEqual(
        Array.from({ length: 700 }, (_, index) => sampleEvent(1300 + index)),
      );
      expect(await readRemote(connection, RUN_ID, { last: 3, nodeId: 'nobody' }).toArray()).toEqual([]);
      expect(reading.stats().outMsgs - before.outMsgs).toBeLessThan(125);
    },
  );

  test('an id in a copy of some megabytes is found by halving', async () => {
    const { publisher } = await fresh();
    const count = 12_000;
    await publisher.publish(RUN_ID, linesOf(sampleEvents(count)), [100_000]);
    const reading = await connectTo(server);
    for (const index of [0, 77, 6_000, count - 2]) {
      const before = reading.stats();
      const [next] = await readRemote(reading, RUN_ID, { after: sampleEvent(index).id, limit: 1 }).toArray();
      expect(next).toEqual(sampleEvent(index + 1));
      expect(reading.stats().inBytes - before.inBytes).toBeLessThan(2_500_000);
    }
    const none = readRemote(reading, RUN_ID, { after: `${sampleEvent(6000).id}0`, limit: 1 });
    expect(await none.toArray()).toEqual([sampleEvent(6001)]);
  });

  test('is read from its last event back to an id also where ids do not rise', async () => {
    const { connection, publisher } = await fresh();
    const events = [...'mzbcd'].map((id, index) => ({ ...sampleEvent(index), id }));
    await publisher.publish(RUN_ID, linesOf(events));
    for (const after of [...'mzbcd', 'a', 'n', '~']) {
      const expected = expectedEvents(events, { after }).reverse();
      for (const limit of [0, 2, undefined]) {
        const options = limit === undefined ? { after } : { after, limit };
        const found = await readRemote(connection, RUN_ID, { ...options, reverse: true }).toArray();
        expect([options, found]).toEqual([options, expected.slice(0, limit)]);
      }
    }
  });

  test('is read backwards as a whole also where not all of a step can be held, be it many messages or large ones', async () => {
    const { connection, publisher } = await fresh();
    const reason = 'x'.repeat(900_000);
    const many = Math.max(2000, rounds(5000));
    const large = Array.from({ length: Math.max(10, rounds(30)) }, (_, index): RunEvent => {
      const { id, ts, run_id } = sampleEvent(many + index);
      return { type: 'pipe.aborted', id, ts, run_id, reason };
    });
    const events = [...sampleEvents(many), ...large, ...sampleEvents(many + 100).slice(many + 50)];
    await publisher.publish(RUN_ID, linesOf(events));
    const found = await readRemote(connection, RUN_ID, { reverse: true }).toArray();
    expect(found.length).toBe(events.length);
    expect(found.map(({ id }) => id)).toEqual(events.map(({ id }) => id).reverse());
  });

  test('there is a clear error where there is no such stream, and a tail waits for it', async () => {
    const { connection } = await fresh();
    const stream = 'elsewhere';
    const missing = code('ERR_STREAM_NOT_FOUND');
    await expect(readRemote(connection, RUN_ID, { stream }).toArray()).rejects.toEqual(missing);
    await expect(tailRemote(connection, RUN_ID, { stream, appearTimeout: 50 }).toArray()).rejects.toEqual(
      missing,
    );
  });

  test('a tail that waits for a run ends when its consumer does', async () => {
    const { connection } = await fresh();
    const tail = tailRemote(connection, RUN_ID, { appearTimeout: 60_000 });
    const iterator = tail[Symbol.asyncIterator]();
    const next = iterator.next();
    await connection.flush(); // the question is on its way
    expect(await iterator.return()).toEqual({ done: true, value: undefined });
    expect(await next).toEqual({ done: true, value: undefined });
    await expect(tail.caughtUp).rejects.toEqual(code('ERR_LOG_CLOSED'));
  });

  test('a tail from a position past the copy waits for it, and says so when no line starts there', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 3)));
    const ahead = logOf(RUN.slice(0, 6)).length;
    const [right, wrong] = [ahead, ahead + 1].map(from => tailRemote(connection, SMALL_RUN, { from }));
    const following = [right?.toArray(), wrong?.toArray().catch((error: unknown) => error)];
    await Promise.all([right?.caughtUp, wrong?.caughtUp]);
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(3)));
    expect(await following[0]).toEqual(RUN.slice(6));
    expect(await following[1]).toEqual(code('ERR_INVALID_POSITION'));
  });
});

describe.skipIf(noServer)('what happens while a tail follows', () => {
  const KILLS = Math.max(3, rounds(8));

  /** Follows `RUN`: its first half is there, the rest is published when `meanwhile` is over. */
  async function followThrough(
    on: NatsServer,
    meanwhile: (publisher: RawPublisher) => Promise<void>,
  ): Promise<void> {
    const { connection, publisher } = await fresh(on);
    const half = RUN.length / 2;
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, half)));
    const tail = tailRemote(connection, SMALL_RUN);
    const following = tail.toArray();
    await tail.caughtUp;
    await meanwhile(publisher);
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(half)));
    expect(await following).toEqual(RUN);
    await expect.poll(() => publisher.consumers()).toEqual([]);
  }

  test('a server that is killed and started again costs no event', async () => {
    const own = await NatsServer.start();
    await followThrough(own, async ({ connection }) => {
      await own.kill();
      await own.restart();
      await vi.waitFor(() => connection.rtt(), { timeout: 10_000 });
    });
  });

  test('a server that freezes for some seconds costs no event', async () => {
    const own = await NatsServer.start();
    await followThrough(own, async () => {
      own.pause();
      await sleep(4000); // longer than the tail waits for a sign of life
      own.resume();
    });
  });

  test('a server that is killed again and again while a run is written and mirrored costs no event', async () => {
    const own = await NatsServer.start();
    const [mirroring, reading] = [await connectTo(own), await connectTo(own)];
    const log = await EventLog.create(temporaryVolume(), 'busy');
    await log.append({ type: 'pipe.started', pipe: 'busy' });
    const ending = new AbortController();
    const mirrored = mirrorRun(log.root, log.runId, { connection: mirroring, signal: ending.signal });
    const tails = Array.from(
      { length: 3 },
      () => tailRemote(reading, log.runId, { appearTimeout: 60_000 }).toArray(), // on a busy machine the kills take half of that
    );
    let kills = 0;
    const killing = (async () => {
      for (; kills < KILLS; kills++) {
        await sleep(50 + Math.random() * 500);
        await own.kill();
        await own.restart();
      }
    })();
    for (let index = 0; kills < KILLS; index++) {
      await log.append({ type: 'gate.passed', node_id: 'n', gate: String(index), method: 'hook' });
      await sleep(2); // the pace of a writer
    }
    await killing;
    await log.append({ type: 'pipe.completed' });
    await log.close();
    const written = await EventLog.read(log.root, log.runId).toArray();
    await mirrored;
    for (const events of await Promise.all(tails)) expect(events).toEqual(written);
  }, 120_000);

  test('a server that has lost its last messages, and gives their numbers to others, costs no event', async () => {
    const own = await NatsServer.start();
    const { connection, publisher } = await fresh(own);
    const log = await EventLog.create(temporaryVolume(), 'lost');
    const append = async (count: number) => {
      for (let index = 0; index < count; index++) {
        await log.append({ type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' });
      }
    };
    const mirrored = async (count: number) => {
      const ending = new AbortController();
      const mirror = mirrorRun(log.root, log.runId, { connection, signal: ending.signal }).catch(
        () => undefined,
      );
      await vi.waitFor(async () => {
        expect(await readRemote(connection, log.runId).toArray()).toHaveLength(count);
      }, 10_000);
      ending.abort();
      await mirror;
    };
    const [store, backup] = [join(own.folder, 'store'), join(own.folder, 'backup')];
    await append(3);
    await mirrored(3);
    await own.stop();
    cpSync(store, backup, { recursive: true });
    await own.restart();
    await vi.waitFor(() => connection.rtt(), { timeout: 10_000 });
    await append(3);
    const tail = tailRemote(connection, log.runId);
    const seen: RunEvent[] = [];
    const following = (async () => {
      for await (const event of tail) seen.push(event);
    })();
    await mirrored(6);
    await vi.waitFor(() => expect(seen).toHaveLength(6), 10_000);
    await own.kill();
    rmSync(store, { recursive: true });
    cpSync(backup, store, { recursive: true });
    await own.restart();
    await vi.waitFor(() => connection.rtt(), { timeout: 10_000 });
    for (let index = 0; index < 4; index++) {
      await publisher.publishRaw(SMALL_RUN, lineOf(sampleEvent(index)), {});
    }
    await append(2);
    await log.append({ type: 'pipe.completed' });
    await mirrored(9);
    await following;
    expect(seen).toEqual(await EventLog.read(log.root, log.runId).toArray());
    await log.close();
  });

  test('a consumer that is deleted on the server is replaced', async () => {
    await followThrough(server, async publisher => {
      await expect.poll(() => publisher.consumers()).toHaveLength(1);
      const names = await publisher.consumers();
      await publisher.manager.consumers.delete(publisher.stream, names[0] ?? '');
    });
  });

  test('messages that somebody else takes from its consumer cost no event', async () => {
    const { connection, publisher } = await fresh();
    const ends = RUN.slice(0, 6);
    await publisher.publish(SMALL_RUN, logOf(ends.slice(0, 1)));
    const seen: RunEvent[] = [];
    const ending = new AbortController();
    const tail = tailRemote(connection, SMALL_RUN, { signal: ending.signal });
    const following = rejection(
      (async () => {
        for await (const event of tail) seen.push(event);
      })(),
    );
    await tail.caughtUp;
    await expect.poll(() => publisher.consumers()).toHaveLength(1);
    const [name = ''] = await publisher.consumers();
    const other = await jetstream(await connectTo(server)).consumers.get(publisher.stream, name);
    const waiting = async () => (await other.info()).num_waiting;
    await expect.poll(waiting).toBe(1);
    const taken = other.next({ expires: 10_000 });
    await expect.poll(waiting).toBe(2);
    await publisher.publish(SMALL_RUN, logOf(ends.slice(1)), [1]);
    expect(await taken).not.toBeNull();
    await vi.waitFor(() => expect(seen).toEqual(ends), 10_000);
    expect(await publisher.consumers()).not.toContain(name);
    ending.abort(new Error('enough'));
    await following;
  });

  test('a stream that is deleted ends it with an error', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 2)));
    const tail = tailRemote(connection, SMALL_RUN);
    const following = rejection(tail.toArray());
    await tail.caughtUp;
    await publisher.manager.streams.delete(publisher.stream);
    expect(await following).toEqual(code('ERR_STREAM_NOT_FOUND'));
  });

  test('a connection that is closed for good ends it with an error', async () => {
    const { publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 2)));
    const connection = await connectTo(server);
    const tail = tailRemote(connection, SMALL_RUN);
    const following = rejection(tail.toArray());
    await tail.caughtUp;
    await connection.close();
    expect(await following).toEqual(code('ERR_REMOTE_FAILED'));
    await expect(readRemote(connection, SMALL_RUN).toArray()).rejects.toEqual(code('ERR_REMOTE_FAILED'));
  });

  test('a break, an abort and the end leave no consumer on the server', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 50)));
    for await (const _ of tailRemote(connection, SMALL_RUN)) break;
    expect(await publisher.consumers()).toEqual([]);
    for await (const _ of readRemote(connection, SMALL_RUN).batches()) break;
    expect(await publisher.consumers()).toEqual([]);
    await readRemote(connection, SMALL_RUN, { last: 3 }).toArray();
    expect(await publisher.consumers()).toEqual([]);
    const ending = new AbortController();
    const tail = tailRemote(connection, SMALL_RUN, { signal: ending.signal });
    const following = rejection(tail.toArray());
    await tail.caughtUp;
    await expect.poll(() => publisher.consumers()).toHaveLength(1);
    const [name = '', ...others] = await publisher.consumers();
    expect(others).toEqual([]);
    const { config } = await publisher.manager.consumers.info(publisher.stream, name);
    expect(config.inactive_threshold).toBe(60e9); // in nanoseconds: that of a reader who is killed goes after a minute
    ending.abort(new Error('enough'));
    await following;
    expect(await publisher.consumers()).toEqual([]);
  });

  test('an abort while the server makes the consumer leaves none either', async () => {
    const { publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 50)));
    const connection = await connectTo(server);
    const ending = new AbortController();
    const request = connection.request.bind(connection);
    connection.request = async (subject, ...more) => {
      const reply = await request(subject, ...more);
      if (!subject.startsWith('$JS.API.CONSUMER.CREATE.')) return reply;
      expect(await publisher.consumers()).toHaveLength(1);
      ending.abort(new Error('enough'));
      return reply;
    };
    const following = tailRemote(connection, SMALL_RUN, { signal: ending.signal }).toArray();
    expect(await rejection(following)).toEqual(new Error('enough'));
    await expect.poll(() => publisher.consumers()).toEqual([]);
  });
});

describe.skipIf(noServer)('a server that denies rights', () => {
  /** A server on which `reader` may not publish to these subjects. */
  async function strictServer(...denied: string[]): Promise<{ own: NatsServer; reader: NatsConnection }> {
    const permissions = `{ publish: { deny: ${JSON.stringify(denied)} } }`;
    const own = await NatsServer.start(
      `authorization { users: [{ user: w, password: w }, { user: r, password: r, permissions: ${permissions} }] }`,
    );
    const writer = await connect({ servers: own.url, user: 'w', pass: 'w' });
    await (await RawPublisher.to(writer)).publish(SMALL_RUN, logOf(RUN));
    await writer.close();
    const reader = await connect({ servers: own.url, user: 'r', pass: 'r' });
    onTestFinished(() => reader.close());
    return { own, reader };
  }

  test.for([
    ['ask for a message', '$JS.API.STREAM.MSG.GET.>'],
    ['make a consumer', '$JS.API.CONSUMER.CREATE.>'],
    ['ask a consumer', '$JS.API.CONSUMER.MSG.NEXT.>'],
  ])('%s is reported with the right that is missing, not retried for ever', async ([, denied = '']) => {
    const { reader } = await strictServer(denied);
    await expect(readRemote(reader, SMALL_RUN).toArray()).rejects.toMatchObject({
      code: 'ERR_REMOTE_FAILED',
      message: expect.stringContaining(denied.replace('.>', '')),
    });
  });

  test('fifteen tails, readers and mirrors share a signal without a warning, and leave nothing on it', async () => {
    const { connection, publisher } = await fresh();
    const warned: string[] = [];
    const note = ({ message }: Error) => warned.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    await publisher.publish(SMALL_RUN, logOf(RUN.slice(0, 5)));
    const root = temporaryVolume();
    const logs = await Promise.all(Array.from({ length: 15 }, () => EventLog.create(root, 'feature')));
    onTestFinished(async () => void (await Promise.all(logs.map(log => log.close()))));
    const ending = new AbortController();
    const { signal } = ending;
    const tails = logs.map(() => tailRemote(connection, SMALL_RUN, { signal }));
    const work = [
      ...tails.map(tail => tail.toArray()),
      ...logs.map(({ runId }) => mirrorRun(root, runId, { connection, signal })),
      ...logs.map(() => mirrorVolume(root, { connection, signal })),
    ].map(each => rejection(each));
    const readers = logs.map(() => readRemote(connection, SMALL_RUN, { signal }).toArray());
    await Promise.all([...readers, ...tails.map(tail => tail.caughtUp)]);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    server.pause(); // now all of them wait for an answer, and between their tries
    onTestFinished(() => server.resume());
    const more = logs.map(() => rejection(readRemote(connection, SMALL_RUN, { signal }).toArray()));
    const reason = new Error('enough');
    ending.abort(reason);
    expect(new Set(await Promise.all([...work, ...more]))).toEqual(new Set([reason]));
    server.resume();
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]));
    expect(warned).toEqual([]);
  });

  test('neither an abort nor an end waits for a consumer that is being made', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN));
    const request = connection.request.bind(connection);
    let asked = 0;
    connection.request = (subject, ...rest) => {
      if (!subject.includes('CONSUMER.CREATE')) return request(subject, ...rest);
      asked++;
      return new Promise(() => undefined);
    };
    const reason = new Error('enough');
    for (const [index, open] of [readRemote, tailRemote].entries()) {
      const ending = new AbortController();
      const reading = rejection(open(connection, SMALL_RUN, { signal: ending.signal }).toArray());
      await vi.waitFor(() => expect(asked).toBe(2 * index + 1));
      ending.abort(reason);
      expect(await reading).toBe(reason);
      const iterator = open(connection, SMALL_RUN)[Symbol.asyncIterator]();
      const next = iterator.next();
      await vi.waitFor(() => expect(asked).toBe(2 * index + 2));
      await iterator.return?.();
      expect(await next).toEqual({ done: true, value: undefined });
    }
  });

  test('an abort does not wait for a silent server', async () => {
    const own = await NatsServer.start();
    const { connection, publisher } = await fresh(own);
    await publisher.publish(SMALL_RUN, logOf(RUN));
    own.pause();
    onTestFinished(() => own.resume());
    const reason = new Error('enough');
    for (const open of [readRemote, tailRemote]) {
      const ending = new AbortController();
      const reading = rejection(open(connection, SMALL_RUN, { signal: ending.signal }).toArray());
      setTimeout(() => ending.abort(reason), 50);
      const begin = performance.now();
      expect(await reading).toBe(reason);
      expect(performance.now() - begin).toBeLessThan(2000);
    }
  });
});

describe.skipIf(noServer)('a silent server', () => {
  test('keeps a tail for its appearTimeout, or half a second, not for the 5 s of a request, and nothing is left on it', async () => {
    const own = await NatsServer.start();
    const { connection, publisher } = await fresh(own);
    await publisher.publish(SMALL_RUN, logOf(RUN));
    own.pause();
    onTestFinished(() => own.resume());
    const waitedMs: number[] = [];
    for (const where of [{}, { last: 5 }, { from: 'end' }, { after: RUN[3]?.id }] as const) {
      const begin = performance.now();
      const tail = tailRemote(connection, SMALL_RUN, { appearTimeout: 300, ...where });
      const failed = rejection(tail.toArray());
      expect(await failed).toMatchObject({ code: 'ERR_REMOTE_FAILED', cause: { name: 'TimeoutError' } });
      expect(await rejection(tail.caughtUp)).toBe(await failed);
      waitedMs.push(performance.now() - begin);
    }
    expect(Math.max(...waitedMs)).toBeLessThan(3000); // half a second, more on a busy machine; a request by itself takes 5 s
    own.resume();
    expect(await publisher.consumers()).toEqual([]);
    expect(await tailRemote(connection, SMALL_RUN).toArray()).toEqual(RUN);
  });
});

describe.skipIf(noServer)('a server that is silent at first', () => {
  test('does not make a run new: a tail from its end hands out nothing of what was there', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(SMALL_RUN, logOf(RUN));
    const request = connection.request.bind(connection);
    let unanswered = 0;
    connection.request = (subject, ...rest) => {
      if (!subject.includes('STREAM.MSG.GET') || unanswered === 2) return request(subject, ...rest);
      unanswered++;
      return Promise.reject(new errors.TimeoutError());
    };
    expect(await tailRemote(connection, SMALL_RUN, { from: 'end' }).toArray()).toEqual([]);
    expect(unanswered).toBe(2);
  });
});

describe.skipIf(noServer)('a slow reader', () => {
  test('is sent no more than it can hold, and loses nothing', async () => {
    const { publisher } = await fresh();
    const name = 'x'.repeat(900);
    const events = Array.from(
      { length: 5000 },
      (_, index) => ({ ...sampleEvent(5 * index), name }) as RunEvent,
    );
    await publisher.publish(RUN_ID, linesOf(events), [2000]);
    const reading = await connectTo(server);
    const iterator = readRemote(reading, RUN_ID)[Symbol.asyncIterator]();
    const seen: (RunEvent | undefined)[] = [(await iterator.next()).value];
    await sleep(3500); // three heartbeats: a client that asks again at each overfills
    expect(reading.stats().inBytes).toBeLessThan(3_500_000);
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      seen.push(next.value);
    expect(seen).toEqual(events);
  });

  test('is sent large messages a few at a time, also when they follow small ones', async () => {
    const { connection, publisher } = await fresh();
    const large = (index: number): RunEvent => ({
      type: 'gate.passed',
      id: sampleEvent(index).id,
      ts: sampleEvent(index).ts,
      run_id: RUN_ID,
      node_id: 'n',
      gate: 'g',
      method: 'hook',
      stdout: String(index).padEnd(900_000, '.'),
    });
    const small = 560;
    const events = Array.from({ length: small + Math.max(16, rounds(40)) }, (_, index) =>
      index < small ? sampleEvent(index) : large(index),
    );
    await publisher.publish(RUN_ID, linesOf(events), [1]);
    const sizes: number[] = [];
    const seen: RunEvent[] = [];
    const reader = readRemote(connection, RUN_ID);
    let before = 0;
    for await (const batch of reader.batches()) {
      sizes.push(reader.position - before);
      before = reader.position;
      seen.push(...batch);
    }
    expect(before).toBe(endOf(events));
    expect(seen).toEqual(events);
    expect(Math.max(...sizes)).toBeLessThan(10_000_000);
  });

  test('learns when what it was about to read is gone', async () => {
    const { connection, publisher } = await fresh();
    const events = sampleEvents(3000);
    await publisher.publish(RUN_ID, linesOf(events), [1]);
    const iterator = readRemote(connection, RUN_ID)[Symbol.asyncIterator]();
    await iterator.next();
    await publisher.manager.streams.purge(publisher.stream, { filter: subjectOf(RUN_ID), keep: 5 });
    const error = await rejection(
      (async () => {
        for (let next = await iterator.next(); next.done !== true; ) next = await iterator.next();
      })(),
    );
    expect(error).toEqual(code('ERR_LOG_CORRUPT'));
  });

  test('learns when all it was about to read is gone, and others came after it', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(RUN_ID, linesOf(sampleEvents(3000)), [1]);
    const iterator = readRemote(connection, RUN_ID)[Symbol.asyncIterator]();
    await iterator.next();
    await publisher.manager.streams.purge(publisher.stream, { filter: subjectOf(RUN_ID) });
    await publisher.publishRaw(RUN_ID, lineOf(sampleEvent(3000)), {
      'Omne-Position': String(endOf(sampleEvents(3001))),
      'Omne-Events': '1',
      'Omne-Events-Total': '3001',
    });
    const error = await rejection(
      (async () => {
        for (let next = await iterator.next(); next.done !== true; ) next = await iterator.next();
      })(),
    );
    expect(error).toEqual(code('ERR_LOG_CORRUPT'));
  });
});

test('importing the readers loads neither koffi nor a writer', () => {
  const script = `
    const { createRequire } = await import('node:module');
    await import(${JSON.stringify(new URL('../../dist/jetstream.js', import.meta.url).href)});
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter(path => path.includes('koffi')).length, loaded.some(path => path.includes('nats-io')));
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: process.cwd(),
    encoding: 'utf8',
  });
  expect(printed.trim()).toBe('0 true');
});
