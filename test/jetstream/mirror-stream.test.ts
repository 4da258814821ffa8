/** Setting up the stream on a real NATS server, and the names of subjects. */
import {
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { unsuitable } from '../../src/jetstream/ship/run-stream.js';
import { runOf, subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume } from '../../src/jetstream.js';
import { connectTo, eventCount } from '../support/jetstream/copies.js';
import { finishedRun } from '../support/jetstream/writing.js';
import { RUN_ID, rejection } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { NatsServer, noServer } from './nats-server.js';

const ULID = RUN_ID.slice(-26);

describe('a subject', () => {
  test.for([
    `feature-${ULID}`,
    `a.b-${ULID}`,
    `a..b...c-${ULID}`,
    `a.-.-${ULID}`,
    `0${'.'.repeat(127)}-${ULID}`,
  ])('of %s leads back to the run, and holds no empty token', runId => {
    const subject = subjectOf(runId);
    expect(runOf(subject)).toBe(runId);
    expect(subject.split('.')).not.toContain('');
    expect(subject).toMatch(/^omne\.runs\.[A-Za-z0-9._%-]+$/);
  });

  test('of another kind belongs to no run', () => {
    for (const other of [
      'omne.runs.',
      'omne.runs.x',
      `omne.run.${RUN_ID}`,
      `omne.runs.a%2Eb-${ULID}`,
      `omne.runs.a..b-${ULID}`,
    ]) {
      expect(runOf(other)).toBeUndefined();
    }
    expect(() => subjectOf('../x')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }));
  });
});

describe.skipIf(noServer)('the stream', () => {
  const server = NatsServer.forAll();
  let connection: NatsConnection;
  let manager: JetStreamManager;

  beforeEach(async () => {
    connection = await connectTo(server);
    manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  });

  test('is made once by mirrors that begin at the same time', async () => {
    const connections = [connection, ...(await Promise.all([1, 2, 3].map(() => connectTo(server))))];
    for (let round = 0; round < 20; round++) {
      await manager.streams.delete('omne-runs').catch(() => false); // the first round has none
      const mirrored = connections.map(each => mirrorVolume(quickVolume(), { connection: each, once: true }));
      for (const { runs } of await Promise.all(mirrored)) expect(runs).toBe(0);
    }
  });

  test('is made when it is missing: kept in files, for ever, nothing read away', async () => {
    await mirrorVolume(quickVolume(), { connection, once: true });
    expect((await manager.streams.info('omne-runs')).config).toMatchObject({
      subjects: ['omne.runs.>'],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.Old,
      num_replicas: 1,
      max_age: 0,
      max_bytes: -1,
      max_msgs_per_subject: -1,
      allow_direct: true,
    });
  });

  test('is made as asked', async () => {
    const stream = { name: 'mine', maxAge: 60_000, maxBytes: 1_000_000 };
    await mirrorVolume(quickVolume(), { connection, stream, once: true });
    expect((await manager.streams.info('mine')).config).toMatchObject({
      max_age: 60_000e6,
      max_bytes: 1_000_000,
    });
  });

  test('is used as it is when it is there, and never changed', async () => {
    await manager.streams.add({ name: 'mine', subjects: ['omne.>', 'other'], max_age: 3_600e9 });
    const before = (await manager.streams.info('mine')).config;
    const root = quickVolume();
    const runId = await finishedRun(root, 3);
    await mirrorRun(root, runId, { connection, stream: { name: 'mine', maxAge: 0, maxBytes: 1 } });
    expect((await manager.streams.info('mine')).config).toEqual(before);
    expect(await eventCount(connection, runId, 'mine')).toBe(4);
  });

  test('may take the subject of one run only, when no more is mirrored', async () => {
    const root = quickVolume();
    const runId = await finishedRun(root, 3);
    await manager.streams.add({ name: 'one', subjects: [subjectOf(runId)] });
    expect(await mirrorRun(root, runId, { connection, stream: 'one' })).toMatchObject({ events: 4 });
    const all = await rejection(mirrorVolume(root, { connection, stream: 'one', once: true }));
    expect(all).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
  });

  test('that two mirrors make at the same time is made once', async () => {
    const both = [1, 2, 3].map(() => mirrorVolume(quickVolume(), { connection, once: true }));
    await expect(Promise.all(both)).resolves.toHaveLength(3);
  });

  test.for<[string, Partial<StreamConfig>, string]>([
    ['takes other subjects', { subjects: ['elsewhere.>'] }, 'it does not take'],
    ['takes only names without dots', { subjects: ['omne.runs.*'] }, 'it does not take'],
    ['drops what was read', { retention: RetentionPolicy.Workqueue }, 'retention is workqueue'],
    ['keeps only what somebody waits for', { retention: RetentionPolicy.Interest }, 'retention is interest'],
    ['keeps the last events of a run', { max_msgs_per_subject: 100 }, 'only 100 events of a run'],
    ['is kept in memory', { storage: StorageType.Memory }, 'in memory'],
    [
      'takes nothing more when its bytes are full',
      { discard: DiscardPolicy.New, max_bytes: 50_000 },
      'takes nothing more when it is full',
    ],
    [
      'takes nothing more when it has so many events',
      { discard: DiscardPolicy.New, max_msgs: 100 },
      'takes nothing more when it is full',
    ],
    ['acknowledges nothing', { no_ack: true }, 'acknowledges nothing'],
  ])('that %s is refused', async ([, config, why]) => {
    await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'], ...config });
    const error = await rejection(mirrorVolume(quickVolume(), { connection }));
    expect(error).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
    expect(String(error)).toContain(why);
  });

  test('that is a mirror, or sealed, is refused', async () => {
    await manager.streams.add({ name: 'origin', subjects: ['omne.runs.>'] });
    await manager.streams.add({ name: 'omne-runs', mirror: { name: 'origin' } });
    const failed = await rejection(mirrorVolume(quickVolume(), { connection }));
    expect(failed).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
    expect(String(failed)).toContain('it is the mirror of another stream');
    const sealing: Partial<StreamConfig> = { sealed: true };
    await manager.streams.update('origin', sealing);
    const sealed = await rejection(mirrorVolume(quickVolume(), { connection, stream: 'origin' }));
    expect(sealed).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
    expect(String(sealed)).toContain('it is sealed');
  });

  test('that keeps events under other names is unsuitable', async () => {
    const { config } = await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'] });
    expect(unsuitable(config)).toBeUndefined();
    const subject_transform = { src: 'omne.runs.>', dest: 'renamed.>' }; // servers before 2.10 make no such stream
    expect(unsuitable({ ...config, subject_transform })).toBe('it renames subjects');
  });

  test('that cannot be made is an error with the words of the server', async () => {
    const failed = rejection(mirrorVolume(quickVolume(), { connection, stream: { replicas: 3 } }));
    expect(await failed).toMatchObject({ code: 'ERR_REMOTE_FAILED', cause: expect.any(Error) });
    await manager.streams.add({ name: 'other', subjects: ['omne.>'] });
    const overlapping = rejection(mirrorVolume(quickVolume(), { connection }));
    expect(await overlapping).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
  });

  test('is not waited for where the server has no JetStream', async () => {
    const plain = await NatsServer.start('jetstream: disabled'); // what is said last counts
    const other = await connectTo(plain);
    const root = quickVolume();
    const runId = await finishedRun(root, 3);
    for (const mirror of [
      () => mirrorVolume(root, { connection: other }),
      () => mirrorRun(root, runId, { connection: other }),
    ]) {
      const begin = performance.now();
      const error = await rejection(mirror());
      expect(performance.now() - begin).toBeLessThan(1500); // a request that nobody answers takes 2 s
      expect(error).toMatchObject({ code: 'ERR_REMOTE_FAILED', cause: expect.any(Error) });
      expect(String(error)).toContain('the server has no JetStream');
    }
  });

  test('needs rights on the server', async () => {
    const guarded = await NatsServer.start(
      'authorization { users: [{ user: me, password: secret, permissions: { publish: ["$JS.API.>"] } }] }',
    );
    const me = await connect({ servers: guarded.url, user: 'me', pass: 'secret' });
    onTestFinished(() => me.close());
    const root = quickVolume();
    const runId = await finishedRun(root, 3);
    const error = await rejection(mirrorRun(root, runId, { connection: me }));
    expect(error).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
    expect(String(error)).not.toContain('secret');
  });
});
