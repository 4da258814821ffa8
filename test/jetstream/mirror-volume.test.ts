/** Mirroring all runs of a volume to a real NATS server. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { POSITION_HEADER } from '../../src/jetstream/segment.js';
import { DroppedRuns } from '../../src/jetstream/ship/dropped-runs.js';
import { openStream } from '../../src/jetstream/ship/run-stream.js';
import { subjectOf } from '../../src/jetstream/subjects.js';
import { type MirroredRun, type MirrorVolumeOptions, mirrorRun, mirrorVolume } from '../../src/jetstream.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { connectTo, eventCount, eventually, expectSame, messagesOf } from '../support/jetstream/copies.js';
import { appendSome, finish, finishedRun, startedRun } from '../support/jetstream/writing.js';
import { logPath, openDescriptors, rejection } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { rounds } from '../support/rounds.js';
import { diskVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

/** Runs of a volume with many: more than a mirror ships at one time where it is told to ship few. */
const MANY = Math.max(10, rounds(20));
const DAY_MS = 24 * 60 * 60 * 1000;

describe.skipIf(noServer)('mirrorVolume', () => {
  const server = NatsServer.forAll('max_payload: 65536');
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let root: string;

  beforeEach(async () => {
    connection = await connectTo(server);
    manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    root = quickVolume();
  });

  /** Mirrors the volume until the test ends, and tells what it was told. */
  function mirroring(options: Partial<MirrorVolumeOptions> = {}): {
    runs: MirroredRun[];
    errors: Map<string, unknown[]>;
    stop: () => Promise<unknown>;
  } {
    const runs: MirroredRun[] = [];
    const errors = new Map<string, unknown[]>();
    const controller = new AbortController();
    const ended = rejection(
      mirrorVolume(root, {
        connection,
        signal: controller.signal,
        pollInterval: 50,
        onRun: run => runs.push(run),
        onError: (error, runId) => errors.set(runId, [...(errors.get(runId) ?? []), error]),
        ...options,
      }),
    );
    const stop = () => {
      controller.abort(new Error('stopped'));
      return ended;
    };
    onTestFinished(async () => void (await stop()));
    return { runs, errors, stop };
  }

  const count = (runId: string) => eventCount(connection, runId);

  test('ships what is there, once, and nothing the second time', async () => {
    const runIds: string[] = [];
    for (let run = 0; run < MANY; run++) runIds.push(await finishedRun(root, run * 10));
    const running = await startedRun(root, 7);
    const runs = MANY + 1;
    const events = 5 * MANY * (MANY - 1) + MANY + 7;
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs, events, dropped: 0 });
    for (const runId of [...runIds, running.runId]) await expectSame(connection, root, runId);
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs, events: 0, dropped: 0 });
    await appendSome(running, 3);
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs, events: 3, dropped: 0 });
    await running.close();
  });

  test('an empty folder is a volume without runs', async () => {
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs: 0, events: 0, dropped: 0 });
  });

  test('a runs folder that is a link is not followed', async () => {
    const elsewhere = quickVolume();
    await finishedRun(elsewhere, 3);
    mkdirSync(join(root, '.omne', 'var'), { recursive: true });
    symlinkSync(join(elsewhere, '.omne', 'var', 'runs'), join(root, '.omne', 'var', 'runs'));
    const told: unknown[] = [];
    const mirroring = mirrorVolume(root, { connection, once: true, onError: error => told.push(error) });
    await expect(mirroring).rejects.toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    expect(told).toEqual([]);
  });

  test('follows runs that appear, and those that go on', async () => {
    const early = await startedRun(root, 5);
    const { runs, stop } = mirroring();
    await eventually(async () => (await count(early.runId)) === 5);
    const late = await startedRun(root, 5);
    await eventually(async () => (await count(late.runId)) === 5);
    await appendSome(early, 5);
    await eventually(async () => (await count(early.runId)) === 10);
    await finish(late);
    await finish(early);
    await eventually(async () => runs.length === 2);
    for (const { runId } of [early, late]) await expectSame(connection, root, runId);
    expect(openDescriptors(early.path)).toBe(0);
    expect(await stop()).toMatchObject({ message: 'stopped' });
  });

  test('follows more live runs than it ships at one time', async () => {
    const logs = await Promise.all(Array.from({ length: MANY }, () => startedRun(root, 2)));
    mirroring({ concurrency: 2 });
    for (let round = 0; round < 5; round++) await Promise.all(logs.map(log => appendSome(log, 3)));
    await eventually(async () => {
      for (const { runId } of logs) if ((await count(runId)) !== 17) return false;
      return true;
    });
    await Promise.all(logs.map(log => log.close()));
  });

  test('has requests of no more runs under way than it ships at one time', async () => {
    const runIds: string[] = [];
    for (let run = 0; run < MANY; run++) runIds.push(await finishedRun(root, 50));
    const underWay = new Map<string, number>();
    let most = 0;
    const request = connection.request.bind(connection);
    connection.request = (subject, payload, options) => {
      const answer = request(subject, payload, options);
      const run = subject.startsWith('omne.runs.')
        ? subject
        : /omne\.runs\.[^"]+/.exec(Buffer.from(payload ?? '').toString())?.[0];
      if (run === undefined) return answer;
      underWay.set(run, (underWay.get(run) ?? 0) + 1);
      most = Math.max(most, underWay.size);
      return answer.finally(() => {
        const left = (underWay.get(run) ?? 0) - 1;
        if (left > 0) underWay.set(run, left);
        else underWay.delete(run);
      });
    };
    const mirrored = await mirrorVolume(root, { connection, once: true, concurrency: 2 });
    expect(mirrored).toEqual({ runs: MANY, events: MANY * 51, dropped: 0 });
    expect(most).toBe(2);
    for (const runId of runIds) await expectSame(connection, root, runId);
  });

  test('a run that ended a week ago is shipped as a whole', async () => {
    const weekAgo = Date.now() - 7 * DAY_MS;
    const { runId, path } = writeRun(root, 'weekly', COMPLETED, { start: weekAgo });
    utimesSync(path, weekAgo / 1000, weekAgo / 1000);
    const { runs, errors } = mirroring();
    await eventually(async () => runs.length === 1);
    expect(runs).toEqual([{ runId, events: COMPLETED.length, position: readFileSync(path).length }]);
    expect(errors.size).toBe(0);
    await expectSame(connection, root, runId);
  });

  test('a long log does not hold up a short one', async () => {
    const long = await startedRun(root, Math.max(10_000, rounds(20_000)));
    const short = await finishedRun(root, 3);
    const order: string[] = [];
    const { runs } = mirroring({ concurrency: 1, onRun: ({ runId }) => order.push(runId) });
    await finish(long);
    await eventually(async () => order.length === 2);
    expect(order).toEqual([short, long.runId]);
    expect(runs).toEqual([]);
    await expectSame(connection, root, long.runId);
  });

  test('goes on when the server was away, and when it was restarted', async () => {
    const log = await startedRun(root, 50);
    const { stop } = mirroring();
    await eventually(async () => (await count(log.runId)) === 50);
    await server.kill();
    await appendSome(log, 50);
    await server.restart();
    await appendSome(log, 50);
    await eventually(async () => (await count(log.runId)) === 150);
    await stop();
    await appendSome(log, 50);
    await finish(log);
    const again = mirroring();
    await eventually(async () => again.runs.length === 1);
    await expectSame(connection, root, log.runId);
  });

  test('sends the end of a finished run again that the server has lost with its power', async () => {
    const log = await startedRun(root, 50);
    const { runs } = mirroring();
    await eventually(async () => (await count(log.runId)) === 50);
    await server.stop();
    await server.keepStore();
    await server.restart();
    await finish(log);
    await eventually(async () => runs.length === 1);
    await server.kill();
    await server.restoreStore();
    await server.restart();
    await eventually(async () => (await count(log.runId)) === 51);
    await expectSame(connection, root, log.runId);
  });

  test('reports a run that cannot be shipped, leaves it until it changes, and ships the others', async () => {
    const large = await startedRun(root, 3);
    await large.append({
      type: 'gate.passed',
      node_id: 'n',
      gate: 'g',
      method: 'hook',
      stdout: 'x'.repeat(70_000),
    });
    const linked = await startedRun(root, 3);
    await linked.close();
    rmSync(linked.path);
    symlinkSync('/dev/null', linked.path);
    const { runs, errors } = mirroring();
    const fine = await finishedRun(root, 10);
    await eventually(async () => runs.length === 1 && errors.size === 2);
    await expectSame(connection, root, fine);
    expect(errors.get(large.runId)).toMatchObject([{ code: 'ERR_MESSAGE_TOO_LARGE' }]);
    expect(errors.get(linked.runId)).toMatchObject([{ code: 'ERR_UNSAFE_PATH' }]);
    await appendSome(large, 1);
    await eventually(async () => errors.get(large.runId)?.length === 2);
    await large.close();
    expect(await count(large.runId)).toBe(3);
  });

  test.for([
    ['written over', (path: string, other: string) => writeFileSync(path, other)],
    [
      'removed and made again',
      (path: string, other: string) => {
        rmSync(path);
        writeFileSync(path, other);
      },
    ],
  ] as const)('a log that is %s is not shipped after the copy of the old one', async ([, replace]) => {
    root = diskVolume(); // which gives the number of a file to the next one
    const log = await startedRun(root, 5);
    await log.close();
    const { errors } = mirroring();
    await eventually(async () => (await count(log.runId)) === 5);
    const lines = readFileSync(log.path, 'utf8');
    const [first = ''] = lines.split('\n');
    replace(log.path, `${lines.replaceAll('"n4"', '"m4"')}${first.replace('"n0"', '"m5"')}\n`);
    await eventually(async () => errors.size === 1);
    expect(errors.get(log.runId)).toMatchObject([{ code: 'ERR_MIRROR_DIVERGED', path: log.path }]);
    expect(await count(log.runId)).toBe(5);
  });

  test('a log that was replaced, and whose copy was removed, is shipped from its start', async () => {
    const log = await startedRun(root, 5);
    await log.close();
    const { errors } = mirroring();
    await eventually(async () => (await count(log.runId)) === 5);
    await manager.streams.purge('omne-runs', { filter: subjectOf(log.runId) });
    const lines = readFileSync(log.path, 'utf8').replaceAll('"n4"', '"m4"');
    writeFileSync(`${log.path}.new`, lines);
    renameSync(`${log.path}.new`, log.path); // both were there: no number of a file is given to another
    await eventually(async () => (await count(log.runId)) === 5 || errors.size > 0);
    expect(errors.size).toBe(0);
    await expectSame(connection, root, log.runId);
  });

  test('a run that was quiet for longer than its events are kept goes on where it was', async () => {
    const log = await startedRun(root, 20);
    const { stop } = mirroring({ stream: { maxAge: 2000 } });
    const state = async () => (await manager.streams.info('omne-runs')).state;
    await eventually(async () => (await state()).last_seq === 1);
    await eventually(async () => (await state()).messages === 0);
    await appendSome(log, 1);
    await eventually(async () => (await state()).last_seq > 1);
    const end = await manager.streams.getMessage('omne-runs', { last_by_subj: subjectOf(log.runId) });
    expect(end?.header.get(POSITION_HEADER)).toBe(String(readFileSync(log.path).length));
    await stop();
    expect((await state()).last_seq).toBe(2);
    await log.close();
  });

  test('without onError the first run that cannot be shipped ends it, and so does a callback that throws', async () => {
    const log = await startedRun(root, 3);
    await log.close();
    rmSync(log.path);
    symlinkSync('/dev/null', log.path);
    const failed = mirrorVolume(root, { connection, once: true });
    expect(await rejection(failed)).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    const onError = () => {
      throw new RangeError('mine');
    };
    expect(await rejection(mirrorVolume(root, { connection, onError }))).toMatchObject({ message: 'mine' });
  });

  test('a closed connection ends it', async () => {
    await startedRun(root, 3);
    const other = await connectTo(server);
    const failed = rejection(mirrorVolume(root, { connection: other, onError: () => undefined }));
    await eventually(async () => (await messagesOf(connection, 'omne.runs.>')).length === 1);
    await other.close();
    expect(await failed).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
  });

  test('a run older than the stream keeps events is not sent again, unless it is asked for', async () => {
    const stream = { maxAge: DAY_MS };
    const runId = await finishedRun(root, 3);
    const yesterday = (Date.now() - 2 * DAY_MS) / 1000;
    utimesSync(logPath(root, runId), yesterday, yesterday);
    expect(await mirrorVolume(root, { connection, stream, once: true })).toEqual({
      runs: 1,
      events: 0,
      dropped: 1,
    });
    expect(await mirrorRun(root, runId, { connection })).toMatchObject({ events: 4 });
  });

  test('a run that was dropped to make room is not sent again', async () => {
    const stream = { maxBytes: 40_000 };
    const old = await finishedRun(root, 20);
    await mirrorVolume(root, { connection, stream, once: true });
    const recent = await finishedRun(root, 300);
    await mirrorVolume(root, { connection, stream, once: true });
    expect(await count(old)).toBe(0);
    expect(await mirrorVolume(root, { connection, stream, once: true })).toEqual({
      runs: 2,
      events: 0,
      dropped: 1,
    });
    expect(await count(recent)).toBeGreaterThan(0);
  });

  test('what is kept is asked for again where the first question failed', async () => {
    const stream = await openStream(connection, { maxBytes: 40_000 }, undefined);
    const dropped = new DroppedRuns(stream);
    const ask = () => dropped.has({ changedAt: 0, size: 50_000 }, undefined);
    await manager.streams.delete('omne-runs');
    expect(await rejection(ask())).toBeInstanceOf(Error);
    await openStream(connection, { maxBytes: 40_000 }, undefined);
    expect(await ask()).toBe(false); // an empty stream has dropped nothing
    await finishedRun(root, 1);
    await mirrorVolume(root, { connection, once: true });
    expect(await ask()).toBe(false); // looked at once
    dropped.renew();
    expect(await ask()).toBe(true);
  });

  test('a run that was dropped because there are so many segments is not sent again', async () => {
    await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'], max_msgs: 2 });
    const old = await finishedRun(root, 20);
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs: 1, events: 21, dropped: 0 });
    const recent = await finishedRun(root, 900);
    await mirrorVolume(root, { connection, once: true });
    expect(await count(old)).toBe(0);
    expect(await count(recent)).toBeGreaterThan(200);
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs: 2, events: 0, dropped: 1 });
    const next = await finishedRun(root, 3); // what is new is sent, though the stream is full
    expect(await mirrorVolume(root, { connection, once: true })).toEqual({ runs: 3, events: 4, dropped: 1 });
    await expectSame(connection, root, next);
  });

  test('what was deleted by hand is sent again while there is room', async () => {
    const stream = { maxBytes: 1_000_000 };
    for (let run = 0; run < MANY; run++) await finishedRun(root, 9);
    const all = { runs: MANY, events: MANY * 10, dropped: 0 };
    expect(await mirrorVolume(root, { connection, stream, once: true })).toEqual(all);
    await manager.streams.purge('omne-runs');
    expect(await mirrorVolume(root, { connection, stream, once: true, concurrency: 1 })).toEqual(all);
  });

  test('a run whose folder is removed is forgotten', async () => {
    const gone = await startedRun(root, 3);
    const { errors } = mirroring();
    await eventually(async () => (await count(gone.runId)) === 3);
    await gone.close();
    rmSync(dirname(gone.path), { recursive: true });
    const next = await finishedRun(root, 3);
    await eventually(async () => (await count(next)) === 4);
    expect(errors.size).toBe(0);
  });

  test('mistakes in the options are reported at once', async () => {
    for (const wrong of [
      { concurrency: 0 },
      { concurrency: 1.5 },
      { pollInterval: 0 },
      { pollInterval: Number.POSITIVE_INFINITY },
      { pollInterval: 2 ** 31 },
      JSON.parse('{"stream": 5}'),
      JSON.parse('{"stream": null}'),
      JSON.parse('{"stream": []}'),
      { stream: { replicas: 0 } },
      { stream: 'a.b' },
    ]) {
      expect(await rejection(mirrorVolume(root, { connection, ...wrong }))).toBeInstanceOf(TypeError);
    }
    expect(await rejection(mirrorVolume('', { connection }))).toBeInstanceOf(TypeError);
  });
});
