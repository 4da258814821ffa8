/** The vocabulary of a run on its way. */
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeEach, describe, expect, test } from 'vitest';
import { vocabularyText } from '../../src/format/vocabulary-text.js';
import { defineEvents, EventLog, field } from '../../src/index.js';
import { remoteVocabulary } from '../../src/jetstream/fetch/remote-vocabulary.js';
import { openStream } from '../../src/jetstream/ship/run-stream.js';
import { shipVocabulary } from '../../src/jetstream/ship/run-vocabulary.js';
import { runOf, subjectOf, vocabularySubjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume, readRemote, remoteRuns, tailRemote } from '../../src/jetstream.js';
import { placesOf } from '../../src/volume/places.js';
import { connectTo, copyOf, messagesOf } from '../support/jetstream/copies.js';
import { finishedRun } from '../support/jetstream/writing.js';
import { collect, logPath, rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const TYPES = {
  'build.started': { target: field.string() },
  'build.finished': { ok: field.boolean() },
};
const builds = defineEvents(TYPES, { terminal: ['build.finished'] });
const more = defineEvents(
  { ...TYPES, 'step.done': { step: field.string() } },
  { terminal: ['build.finished'] },
);

describe.skipIf(noServer)('the vocabulary of a run', () => {
  const server = NatsServer.forAll();
  let connection: NatsConnection;
  let root: string;

  beforeEach(async () => {
    connection = await connectTo(server);
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    root = temporaryVolume();
  });

  async function build(): Promise<string> {
    const log = await EventLog.create(root, 'nightly', { events: builds });
    await log.append({ type: 'build.started', target: 'all' });
    await log.append({ type: 'build.finished', ok: true });
    await log.close();
    return log.runId;
  }

  const typesOf = async (runId: string) => (await remoteVocabulary(connection, runId, {})).types;
  const fileOf = (runId: string) => join(dirname(logPath(root, runId)), 'vocabulary.json');

  test('travels with it, once, before its first segment, whoever mirrors it; its end ends the mirroring', async () => {
    const runId = await build();
    await Promise.all([
      mirrorRun(root, runId, { connection }),
      mirrorRun(root, runId, { connection: await connectTo(server) }),
      mirrorVolume(root, { connection, once: true }),
    ]);
    expect(await mirrorRun(root, runId, { connection })).toMatchObject({ events: 0 });
    expect(await typesOf(runId)).toEqual(builds.types);
    const [vocabulary, ...others] = await messagesOf(connection, vocabularySubjectOf(runId));
    const [segment] = await messagesOf(connection, subjectOf(runId));
    expect(others).toEqual([]);
    expect(vocabulary?.sequence).toBeLessThan(segment?.sequence ?? 0);
    const written = await EventLog.read(root, runId, { events: builds }).toArray();
    expect(await readRemote(connection, runId, { events: builds }).toArray()).toEqual(written);
    expect(await tailRemote(connection, runId, { events: builds }).toArray()).toEqual(written);
  });

  test('is what a listing reads it by', async () => {
    const runId = await build();
    const other = await finishedRun(root, 2);
    await mirrorVolume(root, { connection, once: true });
    const runs = await collect(remoteRuns(connection));
    expect(runs.map(run => [run.runId, run.status, run.eventCount, run.problem])).toEqual([
      [runId, 'completed', 2, undefined],
      [other, 'completed', 3, undefined],
    ]);
    expect(await typesOf(other)).toContain('pipe.started');
    expect(runOf(vocabularySubjectOf(runId))).toBeUndefined();
  });

  test('is stored again with what was added to it, before the segment that needs it, and where it was dropped', async () => {
    const log = await EventLog.create(root, 'nightly', { events: builds });
    await log.append({ type: 'build.started', target: 'all' });
    await log.close();
    await mirrorVolume(root, { connection, once: true });
    const again = await EventLog.open(root, log.runId, { events: more });
    await again.append({ type: 'step.done', step: 'lint' });
    await again.close();
    await mirrorVolume(root, { connection, once: true });
    expect(await typesOf(log.runId)).toEqual(more.types);
    const sequences = async (subject: string) =>
      (await messagesOf(connection, subject)).map(({ sequence }) => sequence);
    const all = [await sequences(vocabularySubjectOf(log.runId)), await sequences(subjectOf(log.runId))];
    expect(all).toEqual([
      [1, 3],
      [2, 4],
    ]);
    const manager = await jetstreamManager(connection);
    await manager.streams.purge('omne-runs', { filter: vocabularySubjectOf(log.runId) });
    await mirrorVolume(root, { connection, once: true });
    expect(await typesOf(log.runId)).toEqual(more.types);
    expect(await copyOf(connection, log.runId)).toContain('step.done');
  });

  test('is the text of whoever stores it last, where two do at once', async () => {
    const runId = await build();
    const stream = await openStream(connection, undefined, undefined);
    const texts = [vocabularyText(builds), vocabularyText(more)];
    await Promise.all(
      texts.map(text => shipVocabulary(stream, runId, placesOf(root, runId), text, undefined)),
    );
    const stored = await messagesOf(connection, vocabularySubjectOf(runId));
    expect(stored.map(({ body }) => body).toSorted()).toEqual(texts.toSorted());
  });

  test('that no message can hold is an error that says how much the server takes', async () => {
    const small = await connectTo(await NatsServer.start('max_payload: 4096'));
    const types = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`step.number_${index}`, { step: field.string() }]),
    );
    const log = await EventLog.create(root, 'nightly', {
      events: defineEvents(types, { terminal: ['step.number_0'] }),
    });
    await log.close();
    expect(await rejection(mirrorRun(root, log.runId, { connection: small }))).toMatchObject({
      code: 'ERR_MESSAGE_TOO_LARGE',
      path: fileOf(log.runId),
      message: expect.stringContaining('the server takes 4096 bytes'),
    });
  });

  test('is refused where it is damaged, a link, or the stream does not take it', async () => {
    const runId = await build();
    const failure = (stream?: string) => rejection(mirrorRun(root, runId, { connection, stream }));
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'one', subjects: [subjectOf(runId)] });
    expect(await failure('one')).toMatchObject({ code: 'ERR_STREAM_UNSUITABLE' });
    await manager.streams.delete('one');
    writeFileSync(fileOf(runId), '{}');
    expect(await failure()).toMatchObject({ code: 'ERR_VOCABULARY_INVALID', path: fileOf(runId) });
    rmSync(fileOf(runId));
    symlinkSync('/dev/null', fileOf(runId));
    expect(await failure()).toMatchObject({ code: 'ERR_VOCABULARY_INVALID' });
  });
});
