/** Listing the runs of a stream. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { remoteRunIds } from '../../src/jetstream/fetch/remote-runs.js';
import { DEFAULT_STREAM, subjectOf } from '../../src/jetstream/subjects.js';
import { type RemoteRunsOptions, remoteRuns } from '../../src/jetstream.js';
import { collect, rejection } from '../support/logs.js';
import { connectTo, RawPublisher } from '../support/raw-publisher.js';
import { completedRun, logOf } from '../support/small-run.js';
import { NatsServer, noServer } from './nats-server.js';

const server = NatsServer.forAll();

async function fresh(): Promise<{ connection: NatsConnection; publisher: RawPublisher }> {
  const connection = await connectTo(server);
  const manager = await jetstreamManager(connection);
  await manager.streams.delete(DEFAULT_STREAM).catch(() => undefined);
  return { connection, publisher: await RawPublisher.to(connection) };
}

const runIdAt = (pipe: string, index: number): string =>
  `${pipe}-01kp8g6dg0${String(index).padStart(16, '0')}`;
const RUN = completedRun();
const MIDDLE = RUN.length - 1;

describe.skipIf(noServer)('the runs of a stream', () => {
  test('come in the order of their ULIDs, whatever order they were mirrored in, and can be chosen', async () => {
    const { connection, publisher } = await fresh();
    for (const index of [3, 1, 40, 2]) {
      await publisher.publish(
        runIdAt(index === 2 ? 'z.z' : 'p', index),
        logOf(index === 3 ? RUN : RUN.slice(0, 2)),
      );
    }
    await publisher.publish(runIdAt('a..b', 50), logOf(RUN.slice(0, 1)));
    const list = async (options?: RemoteRunsOptions) =>
      (await collect(remoteRuns(connection, options))).map(({ runId }) => Number(runId.slice(-3)));
    expect(await list()).toEqual([1, 2, 3, 40, 50]);
    expect(await list({ reverse: true, limit: 2 })).toEqual([50, 40]);
    expect(await list({ pipe: 'z.z' })).toEqual([2]);
    expect(await list({ pipe: 'a..b' })).toEqual([50]);
    expect(await list({ status: 'completed' })).toEqual([3]);
    expect(await list({ limit: 0 })).toEqual([]);
    await expect(list({ limit: -1 })).rejects.toThrow(TypeError);
    await expect(list({ stream: 'nothing' })).rejects.toMatchObject({ code: 'ERR_STREAM_NOT_FOUND' });
  });

  test('are reported with the first event, the last and how many there are', async () => {
    const { connection, publisher } = await fresh();
    const last = RUN[MIDDLE];
    const later = last === undefined ? [] : [{ ...last, ts: '2026-04-15T12:00:07.500Z' }];
    await publisher.publish(runIdAt('p', 1), logOf([...RUN.slice(0, MIDDLE), ...later]));
    await publisher.publish(runIdAt('p', 2), logOf(RUN.slice(0, 3)));
    const ts = '2026-04-15T12:00:00.000Z';
    expect(await collect(remoteRuns(connection))).toEqual([
      {
        runId: runIdAt('p', 1),
        pipe: 'p',
        status: 'completed',
        startedAt: ts,
        lastTs: '2026-04-15T12:00:07.500Z',
        durationMs: 7500,
        eventCount: RUN.length,
        bytes: logOf(RUN).length,
      },
      {
        runId: runIdAt('p', 2),
        pipe: 'p',
        status: 'running',
        startedAt: ts,
        lastTs: ts,
        eventCount: 3,
        bytes: logOf(RUN.slice(0, 3)).length,
      },
    ]);
  });

  test('with messages that are no part of a log, or no longer from their start, are listed all the same', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(runIdAt('p', 1), 'nonsense\n');
    await publisher.publish(runIdAt('p', 2), logOf(RUN), [1]);
    await publisher.publishRaw(runIdAt('p', 3), 'nonsense', {});
    await publisher.publishRaw(runIdAt('p', 4), 'nonsense', { 'Omne-Position': '9' });
    await publisher.manager.streams.purge(publisher.stream, { filter: subjectOf(runIdAt('p', 2)), keep: 2 });
    const runs = await collect(remoteRuns(connection));
    expect(
      runs.map(({ status, eventCount, bytes, problem }) => [status, eventCount, bytes, problem]),
    ).toEqual([
      ['running', 0, 9, 'the first line kept is no event'],
      ['completed', 2, logOf(RUN).length, undefined],
      ['running', 0, 0, expect.stringContaining('is no part of a log')],
      ['running', 0, 0, expect.stringContaining('an event in each message')],
    ]);
  });

  test('are all that is listed: subjects that are of no run are left out', async () => {
    const { connection, publisher } = await fresh();
    await publisher.publish(runIdAt('p', 1), logOf(RUN.slice(0, 1)));
    for (const foreign of ['omne.runs.x', 'omne.runs.a.b', `omne.runs.p.${runIdAt('p', 2)}.x`])
      await jetstream(connection).publish(foreign, logOf(RUN.slice(0, 1)));
    expect((await collect(remoteRuns(connection))).map(({ runId }) => runId)).toEqual([runIdAt('p', 1)]);
    expect(await remoteRunIds(connection, {})).toEqual([runIdAt('p', 1)]);
  });

  test('that are dropped while they are listed are left out', async () => {
    const { publisher } = await fresh();
    for (const index of [1, 2, 3]) await publisher.publish(runIdAt('p', index), logOf(RUN));
    const listing = await connectTo(server);
    const request = listing.request.bind(listing);
    let dropped: Promise<unknown> | undefined;
    listing.request = async (subject, ...rest) => {
      const filter = subjectOf(runIdAt('p', 2));
      if (subject.includes('STREAM.MSG.GET'))
        await (dropped ??= publisher.manager.streams.purge(publisher.stream, { filter }));
      return request(subject, ...rest);
    };
    const runs = await collect(remoteRuns(listing, { limit: 2 }));
    expect(runs.map(({ runId }) => runId)).toEqual([runIdAt('p', 1), runIdAt('p', 3)]);
    expect(dropped).toBeDefined();
  });

  test('are listed until the signal aborts, in many requests, few at a time', async () => {
    const { connection, publisher } = await fresh();
    for (let index = 0; index < 300; index++)
      await publisher.publish(runIdAt('p', index), logOf(RUN.slice(0, 1)));
    const ending = new AbortController();
    const reason = new Error('enough');
    let listed = 0;
    const before = connection.stats().outMsgs;
    const listing = (async () => {
      for await (const _ of remoteRuns(connection, { signal: ending.signal }))
        if (++listed === 10) ending.abort(reason);
    })();
    expect(await rejection(listing)).toBe(reason);
    expect(listed).toBe(10);
    expect(connection.stats().outMsgs - before).toBeLessThan(2 * (10 + 17));
    expect(await collect(remoteRuns(connection))).toHaveLength(300);
  });
});
