/** The vocabulary of a run on its way. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { remoteOf, StoredRun } from '../../src/jetstream/fetch/stored-run.js';
import { runOf, subjectOf, vocabularySubjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume, remoteRuns } from '../../src/jetstream.js';
import { connectTo, expectSame, messagesOf } from '../support/jetstream/copies.js';
import { finishedRun } from '../support/jetstream/writing.js';
import { collect, logPath, rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const VOCABULARY = '{"events":{"build.started":{"target":"string"}},"terminal":[]}\n';

describe.skipIf(noServer)('the vocabulary of a run', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  let root: string;
  let runId: string;
  let file: string;

  beforeAll(async () => {
    server = await NatsServer.start();
  });

  beforeEach(async () => {
    connection = await connectTo(server);
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    root = temporaryVolume();
    runId = await finishedRun(root, 3);
    file = join(dirname(logPath(root, runId)), 'vocabulary.json');
  });

  const stored = async () => {
    const bytes = await new StoredRun(await remoteOf(connection, 'omne-runs'), runId).vocabulary();
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };

  test('travels with it, once, before its first segment, whoever mirrors it', async () => {
    writeFileSync(file, VOCABULARY);
    await Promise.all([
      mirrorRun(root, runId, { connection }),
      mirrorRun(root, runId, { connection: await connectTo(server) }),
      mirrorVolume(root, { connection, once: true }),
    ]);
    await mirrorVolume(root, { connection, once: true });
    expect(await stored()).toBe(VOCABULARY);
    const [vocabulary, ...others] = await messagesOf(connection, vocabularySubjectOf(runId));
    const [segment] = await messagesOf(connection, subjectOf(runId));
    expect(others).toEqual([]);
    expect(vocabulary?.sequence).toBeLessThan(segment?.sequence ?? 0);
    await expectSame(connection, root, runId);
  });

  test('is no run of its own, and a run of the built-in one has none', async () => {
    expect(runOf(vocabularySubjectOf(runId))).toBeUndefined();
    await mirrorRun(root, runId, { connection });
    expect(await stored()).toBeUndefined();
    writeFileSync(file, VOCABULARY);
    await mirrorRun(root, runId, { connection });
    expect(await stored()).toBe(VOCABULARY);
    expect((await collect(remoteRuns(connection))).map(run => run.runId)).toEqual([runId]);
  });

  test('is sent again where the stream has dropped it', async () => {
    writeFileSync(file, VOCABULARY);
    await mirrorRun(root, runId, { connection });
    const manager = await jetstreamManager(connection);
    await manager.streams.purge('omne-runs', { filter: vocabularySubjectOf(runId) });
    await mirrorVolume(root, { connection, once: true });
    expect(await stored()).toBe(VOCABULARY);
  });

  test('is refused where it is another than before, a link, too large, or the stream does not take it', async () => {
    writeFileSync(file, VOCABULARY);
    const failure = (stream?: string) => rejection(mirrorRun(root, runId, { connection, stream }));
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'one', subjects: [subjectOf(runId)] });
    expect(await failure('one')).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
    await manager.streams.delete('one');
    await mirrorRun(root, runId, { connection });
    writeFileSync(file, '{}');
    expect(await failure()).toMatchObject({ code: 'ERR_MIRROR_DIVERGED', path: file });
    writeFileSync(file, Buffer.alloc(300_000, ' '));
    expect(await failure()).toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE', path: file });
    rmSync(file);
    symlinkSync('/dev/null', file);
    expect(await failure()).toHaveProperty('code', expect.stringMatching('ERR_UNSAFE_PATH|ERR_SYSTEM'));
  });
});
