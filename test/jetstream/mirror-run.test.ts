/** Mirroring one run to a real NATS server. */
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { EventLog, maskValues } from '../../src/index.js';
import { headersOf, POSITION_HEADER } from '../../src/jetstream/segment.js';
import { subjectOf } from '../../src/jetstream/subjects.js';
import { mirrorRun, mirrorVolume, readRemote } from '../../src/jetstream.js';
import { files } from '../../src/volume/file-calls.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import {
  connectTo,
  copyOf,
  eventCount,
  eventually,
  expectSame,
  messagesOf,
} from '../support/jetstream/copies.js';
import { appendSome, finish, finishedRun, startedRun } from '../support/jetstream/writing.js';
import { logPath, openDescriptors, REFERENCE, RUN_ID, rejection, writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { spread } from '../support/rounds.js';
import { diskVolume } from '../support/volume.js';
import { NatsServer, noServer } from './nats-server.js';

const MAX_PAYLOAD = 64 * 1024;

describe.skipIf(noServer)('mirrorRun', () => {
  const server = NatsServer.forAll(`max_payload: ${MAX_PAYLOAD}`);
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let root: string;

  beforeEach(async () => {
    connection = await connectTo(server);
    manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    root = quickVolume();
  });

  describe('ships', () => {
    test('a finished run in segments, with what they hold', async () => {
      const runId = await finishedRun(root, 1000);
      const position = readFileSync(logPath(root, runId)).length;
      expect(await mirrorRun(root, runId, { connection })).toEqual({ runId, events: 1001, position });
      await expectSame(connection, root, runId);
      const segments = await messagesOf(connection, subjectOf(runId));
      expect(segments.length).toBe(Math.ceil(position / (MAX_PAYLOAD - 512 - 200)));
      expect(segments.reduce((sum, { events }) => sum + events, 0)).toBe(1001);
    });

    test('no byte of a secret that the log was told to mask', async () => {
      const secret = 'sk-live-4f9a8b7c6d5e';
      const log = await EventLog.create(root, 'feature', { redact: maskValues([secret]) });
      const inputs = [{ key: 'token', value: `Bearer ${secret}` }];
      await log.append({ type: 'pipe.started', pipe: 'feature', inputs });
      await log.append({ type: 'pipe.aborted', reason: `refused: ${secret}` });
      await log.close();
      await mirrorRun(root, log.runId, { connection });
      const sent = JSON.stringify(await messagesOf(connection, '>'));
      expect(sent).toContain('refused: ***');
      expect(sent).not.toContain(secret);
    });

    test('a run that ended a week ago, as a whole', async () => {
      const weekAgo = Date.now() - 7 * 24 * 60 * 60 * 1000;
      const { runId, path } = writeRun(root, 'weekly', COMPLETED, { start: weekAgo });
      utimesSync(path, weekAgo / 1000, weekAgo / 1000);
      expect(await mirrorRun(root, runId, { connection })).toMatchObject({ events: COMPLETED.length });
      await expectSame(connection, root, runId);
    });

    test('one segment of a run at a time', async () => {
      const runId = await finishedRun(root, 1000);
      let underWay = 0;
      let most = 0;
      const request = connection.request.bind(connection);
      connection.request = (subject, ...rest) => {
        const answer = request(subject, ...rest);
        if (subject !== subjectOf(runId)) return answer;
        most = Math.max(most, ++underWay);
        return answer.finally(() => underWay--);
      };
      expect(await mirrorRun(root, runId, { connection })).toMatchObject({ events: 1001 });
      expect([most, underWay]).toEqual([1, 0]);
      await expectSame(connection, root, runId);
    });

    test('malformed lines as they are', async () => {
      const lines = REFERENCE.toString().split('\n').slice(0, 300);
      const text = `${lines.join('\n')}\nno event\n{}\n\n${lines[0]}\n`;
      const end = JSON.stringify({ type: 'pipe.completed', id: 'x', ts: '', run_id: RUN_ID });
      writeLog(root, Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0x0a]), Buffer.from(`${end}\n`)]));
      expect(await mirrorRun(root, RUN_ID, { connection })).toMatchObject({ events: 302 });
      const told: unknown[] = [];
      const events = await readRemote(connection, RUN_ID, {
        onMalformed: ({ offset }) => told.push(offset),
      }).toArray();
      const inFile: unknown[] = [];
      const expected = EventLog.read(root, RUN_ID, { onMalformed: ({ offset }) => inFile.push(offset) });
      expect(events).toEqual(await expected.toArray());
      expect(told).toEqual(inFile);
      expect(told).toHaveLength(4);
    });

    test('a log written by the Rust program', async () => {
      writeLog(root, REFERENCE);
      expect(await mirrorRun(root, RUN_ID, { connection })).toMatchObject({ events: 1000 });
      await expectSame(connection, root, RUN_ID);
    });

    test('a run while it is written, until its terminal event', async () => {
      const log = await startedRun(root, 5);
      const mirroring = mirrorRun(root, log.runId, { connection });
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      for (let round = 0; round < 50; round++) await appendSome(log, 1 + (round % 7));
      await finish(log);
      await mirroring;
      await expectSame(connection, root, log.runId);
      expect(openDescriptors(log.path)).toBe(0);
    });

    test('nothing that is not on stable storage here', async () => {
      const log = await startedRun(root, 50);
      let synced = 0;
      const fdatasync = vi.spyOn(files, 'fdatasync').mockImplementation(async () => {
        synced = statSync(log.path).size;
      });
      onTestFinished(() => fdatasync.mockRestore());
      const sent: boolean[] = [];
      const request = connection.request.bind(connection);
      connection.request = (subject, payload, options) => {
        const position = options?.headers?.get(POSITION_HEADER) ?? '';
        if (position !== '') sent.push(Number(position) <= synced);
        return request(subject, payload, options);
      };
      const mirroring = mirrorRun(root, log.runId, { connection });
      for (let round = 0; round < 10; round++) await appendSome(log, 5);
      await finish(log);
      await mirroring;
      expect(sent.length).toBeGreaterThan(0);
      expect(sent).not.toContain(false);
    });

    test.for([
      ['another file', (path: string) => writeFileSync(path, REFERENCE)],
      ['nothing', () => undefined],
    ] as const)(
      'nothing where %s is in the place of the log once that is on stable storage',
      async ([, put]) => {
        const runId = await finishedRun(root, 50);
        const path = logPath(root, runId);
        const fdatasync = vi.spyOn(files, 'fdatasync').mockImplementation(async () => {
          renameSync(path, `${path}.old`);
          put(path);
        });
        onTestFinished(() => fdatasync.mockRestore());
        const error = await rejection(mirrorRun(root, runId, { connection }));
        expect(error).toMatchObject({ code: 'ERR_LOG_REPLACED', path });
        expect(fdatasync).toHaveBeenCalledOnce();
        expect(await messagesOf(connection, subjectOf(runId))).toEqual([]);
        expect(openDescriptors(`${path}.old`)).toBe(0);
      },
    );

    test('a run with dots in a row in its name', async () => {
      const log = await EventLog.create(root, 'a...b.');
      await finish(log);
      await mirrorRun(root, log.runId, { connection });
      await expectSame(connection, root, log.runId);
    });

    test('nothing of a line that is not whole yet', async () => {
      const lines = REFERENCE.subarray(0, REFERENCE.indexOf('\n') + 1);
      writeLog(root, Buffer.concat([lines, Buffer.from('{"type":"pipe.compl')]));
      const stop = new AbortController();
      const mirroring = rejection(mirrorRun(root, RUN_ID, { connection, signal: stop.signal }));
      await eventually(async () => (await copyOf(connection, RUN_ID)) === lines.toString());
      stop.abort();
      await mirroring;
    });
  });

  describe('goes on', () => {
    test('from the last message, and sends nothing of a run that is there', async () => {
      const runId = await finishedRun(root, 10);
      await mirrorRun(root, runId, { connection });
      expect(await mirrorRun(root, runId, { connection })).toMatchObject({ events: 0 });
      await expectSame(connection, root, runId);
    });

    test('where another mirror stopped', async () => {
      const log = await startedRun(root, 300);
      const stop = new AbortController();
      const first = rejection(mirrorRun(root, log.runId, { connection, signal: stop.signal }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 300);
      stop.abort();
      await first;
      await appendSome(log, 200);
      await finish(log);
      expect(await mirrorRun(root, log.runId, { connection })).toMatchObject({ events: 201 });
      await expectSame(connection, root, log.runId);
    });

    test('after the server was restarted in the middle', async () => {
      const log = await startedRun(root, 500);
      const mirroring = mirrorRun(root, log.runId, { connection });
      await eventually(async () => (await eventCount(connection, log.runId)) === 500);
      await server.stop();
      await appendSome(log, 500);
      await server.restart();
      await appendSome(log, 500);
      await finish(log);
      await mirroring;
      await expectSame(connection, root, log.runId);
    });

    test('from the start when somebody has emptied a stream without limits', async () => {
      const log = await startedRun(root, 20);
      const mirroring = mirrorRun(root, log.runId, { connection });
      await eventually(async () => (await eventCount(connection, log.runId)) === 20);
      await manager.streams.purge('omne-runs');
      await finish(log);
      expect(await mirroring).toMatchObject({ events: 41 });
      await expectSame(connection, root, log.runId);
    });

    test('from an earlier event when the server has lost the last ones', async () => {
      const log = await startedRun(root, 60);
      const mirroring = mirrorRun(root, log.runId, { connection });
      await eventually(async () => (await eventCount(connection, log.runId)) === 60);
      await server.stop();
      await server.keepStore();
      await server.restart();
      await appendSome(log, 40);
      await eventually(async () => (await eventCount(connection, log.runId)) === 100);
      await server.kill();
      await server.restoreStore(); // as if the machine had lost its power before anything reached the disk
      await server.restart();
      await finish(log);
      expect(await mirroring).toMatchObject({ events: 141 });
      await expectSame(connection, root, log.runId);
    });
  });

  describe('goes on with limits', () => {
    const LIMITS = [
      ['their age', { maxAge: 2000 }],
      ['want of room', { maxBytes: 30_000 }],
    ] as const;

    test.for(LIMITS)('where it was when all it sent was dropped for %s', async ([, stream]) => {
      const log = await startedRun(root, 20);
      const mirroring = mirrorRun(root, log.runId, { connection, stream });
      const kept = () => manager.streams.getMessage('omne-runs', { last_by_subj: subjectOf(log.runId) });
      const last = async () => (await manager.streams.info('omne-runs')).state.last_seq;
      await eventually(async () => (await eventCount(connection, log.runId)) === 20);
      const position = readFileSync(log.path).length;
      const others = 'maxBytes' in stream ? [await finishedRun(root, 200)] : [];
      for (const other of others) await mirrorRun(root, other, { connection, stream });
      await eventually(async () => (await kept()) === null);
      const before = await last();
      await finish(log);
      expect(await mirroring).toMatchObject({ events: 21 });
      const end = await kept();
      expect(await last()).toBe(before + 1);
      const bytes = readFileSync(log.path);
      expect(bytes.subarray(position).toString()).toBe(end?.string());
      expect(end?.header.get(POSITION_HEADER)).toBe(String(bytes.length));
      expect(await readRemote(connection, log.runId).toArray()).toMatchObject([{ type: 'pipe.completed' }]);
    });

    test('from the start when the server has lost all with its power', async () => {
      const stream = { maxBytes: 1_000_000 };
      const log = await startedRun(root, 20);
      await mirrorVolume(quickVolume(), { connection, stream, once: true }); // makes the stream
      await server.stop();
      await server.keepStore();
      await server.restart();
      const mirroring = mirrorRun(root, log.runId, { connection, stream });
      await eventually(async () => (await eventCount(connection, log.runId)) === 20);
      await server.kill();
      await server.restoreStore();
      await server.restart();
      await finish(log);
      expect(await mirroring).toMatchObject({ events: 41 });
      await expectSame(connection, root, log.runId);
    });
  });

  describe('shares', () => {
    test('a run with another mirror: both end, every event is there once', async () => {
      const other = await connectTo(server);
      const log = await startedRun(root, 2000);
      const both = [
        mirrorRun(root, log.runId, { connection }),
        mirrorRun(root, log.runId, { connection: other }),
      ];
      for (let round = 0; round < 30; round++) await appendSome(log, 20);
      await finish(log);
      const shipped = await Promise.all(both);
      expect(shipped.reduce((sum, { events }) => sum + events, 0)).toBe(2601);
      await expectSame(connection, root, log.runId);
    });

    test('a stream with many runs from several connections', async () => {
      const connections = [connection, await connectTo(server), await connectTo(server)];
      const logs = await Promise.all(Array.from({ length: 12 }, () => startedRun(root, 300)));
      const mirrors = logs.map((log, index) =>
        mirrorRun(root, log.runId, { connection: connections[index % 3] ?? connection }),
      );
      for (let round = 0; round < 10; round++) await Promise.all(logs.map(log => appendSome(log, 10)));
      await Promise.all(logs.map(finish));
      await Promise.all(mirrors);
      for (const { runId } of logs) await expectSame(connection, root, runId);
    });

    test('nothing between events: ids may be any text', async () => {
      const odd = ['x', 'x', ' x ', 'a\r\nb', '', 'x'].map(id =>
        JSON.stringify({ type: 'pipe.aborted', id, ts: '', run_id: RUN_ID, reason: '' })
          .replace('pipe.aborted', 'node.started')
          .replace('"reason":""', '"node_id":"n","kind":"bash"'),
      );
      const end = JSON.stringify({ type: 'pipe.completed', id: 'x', ts: '', run_id: RUN_ID });
      writeLog(root, `${[...odd, end].join('\n')}\n`);
      expect(await mirrorRun(root, RUN_ID, { connection })).toMatchObject({ events: 7 });
      await expectSame(connection, root, RUN_ID);
    });
  });

  describe('refuses', () => {
    test('a run that does not exist', async () => {
      const runId = RUN_ID;
      expect(await rejection(mirrorRun(root, 'no id', { connection }))).toMatchObject({
        code: 'ERR_INVALID_RUN_ID',
      });
      expect(await rejection(mirrorRun(root, runId, { connection }))).toMatchObject({
        code: 'ERR_RUN_NOT_FOUND',
      });
    });

    test('an event that is too large for the server, and ships what is before it', async () => {
      const log = await startedRun(root, 20);
      await log.append({
        type: 'gate.passed',
        node_id: 'n',
        gate: 'g',
        method: 'hook',
        stdout: 'x'.repeat(MAX_PAYLOAD),
      });
      await finish(log);
      const offset = readFileSync(log.path).indexOf('{"type":"gate.passed"');
      const error = await rejection(mirrorRun(root, log.runId, { connection }));
      expect(error).toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE', path: log.path, offset });
      expect(String(error)).toContain(`${MAX_PAYLOAD}`);
      expect(await eventCount(connection, log.runId)).toBe(20);
    });

    test('no line that just fits', async () => {
      const log = await startedRun(root, 1);
      const gate = { type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' } as const;
      const empty = await log.append({ ...gate, stdout: '' });
      const room = MAX_PAYLOAD - 512 - `${JSON.stringify(empty)}\n`.length;
      await log.append({ ...gate, stdout: 'x'.repeat(room) });
      await finish(log);
      await mirrorRun(root, log.runId, { connection });
      await expectSame(connection, root, log.runId);
    });

    test.for([
      [
        'has other events',
        (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"n4"', '"m4"')),
      ],
      ['is shorter', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 700))],
      [
        'is malformed there',
        (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"n4"', '[n4]')),
      ],
    ] as const)('to go on after a copy of another log: this one %s', async ([, change]) => {
      const log = await startedRun(root, 5);
      const stop = new AbortController();
      const first = rejection(mirrorRun(root, log.runId, { connection, signal: stop.signal }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      stop.abort();
      await first;
      await log.close();
      change(log.path);
      const error = await rejection(mirrorRun(root, log.runId, { connection }));
      expect(error).toMatchObject({ code: 'ERR_MIRROR_DIVERGED', path: log.path });
    });

    test('to go on after what somebody else has published', async () => {
      const runId = await finishedRun(root, 3);
      await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'] });
      await jetstream(connection).publish(subjectOf(runId), 'hello');
      expect(await rejection(mirrorRun(root, runId, { connection }))).toMatchObject({
        code: 'ERR_MIRROR_DIVERGED',
      });
    });

    test('a stream that holds an event in each message', async () => {
      const runId = await finishedRun(root, 3);
      await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'] });
      const [line = ''] = readFileSync(logPath(root, runId), 'utf8').split('\n');
      const fields = headers();
      fields.set(POSITION_HEADER, String(line.length + 1));
      await jetstream(connection).publish(subjectOf(runId), line, { headers: fields });
      const unsuitable = { code: 'ERR_STREAM_UNSUITABLE' };
      expect(await rejection(mirrorRun(root, runId, { connection }))).toMatchObject(unsuitable);
      expect(await rejection(readRemote(connection, runId).toArray())).toMatchObject(unsuitable);
    });

    test('to ship on when another file is in the place of the log', async () => {
      root = diskVolume(); // which gives the number of a file to the next one
      const log = await startedRun(root, 5);
      const mirroring = rejection(mirrorRun(root, log.runId, { connection }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      rmSync(log.path);
      writeFileSync(log.path, '');
      expect(await mirroring).toMatchObject({ code: 'ERR_LOG_REPLACED' });
      await log.close();
    });
  });

  describe('ends', () => {
    test('with the reason of the signal, at once, also while the server is away', async () => {
      const log = await startedRun(root, 5);
      const stop = new AbortController();
      const mirroring = rejection(mirrorRun(root, log.runId, { connection, signal: stop.signal }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      await server.stop();
      await appendSome(log, 5);
      const reason = new Error('enough');
      stop.abort(reason);
      expect(await mirroring).toBe(reason);
      await server.restart();
      expect(
        await rejection(mirrorRun(root, log.runId, { connection, signal: AbortSignal.abort(reason) })),
      ).toBe(reason);
      await log.close();
      expect(openDescriptors(log.path)).toBe(0);
    });

    test('when the connection is closed', async () => {
      const log = await startedRun(root, 5);
      const other = await connectTo(server);
      const mirroring = rejection(mirrorRun(root, log.runId, { connection: other }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      await other.close();
      expect(await mirroring).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
      await log.close();
    });

    test.for(['close', 'drain'] as const)(
      'when the connection is ended early, whatever it is at: %s',
      async how => {
        const log = await startedRun(root, 5);
        await rejection(mirrorRun(root, log.runId, { connection, signal: AbortSignal.timeout(300) }));
        for (const turns of spread([...Array(24).keys()], 2)) {
          const other = await connectTo(server);
          const failed = rejection(mirrorRun(root, log.runId, { connection: other }));
          for (let turn = 0; turn < turns; turn++) await setImmediate();
          await other[how]();
          expect(await failed).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
        }
        await log.close();
      },
    );

    test('when the server has no room left, with its words', async () => {
      const small = await NatsServer.start('', 'max_file_store: 100KB');
      const other = await connectTo(small);
      const runId = await finishedRun(root, 2000);
      const error = await rejection(mirrorRun(root, runId, { connection: other }));
      expect(error).toMatchObject({ code: 'ERR_REMOTE_FAILED' });
      expect(String(error)).toContain('insufficient resources');
    });

    test('when the stream is deleted', async () => {
      const log = await startedRun(root, 5);
      const mirroring = rejection(mirrorRun(root, log.runId, { connection }));
      await eventually(async () => (await eventCount(connection, log.runId)) === 5);
      await manager.streams.delete('omne-runs');
      await finish(log);
      expect(await mirroring).toMatchObject({ code: 'ERR_STREAM_NOT_FOUND' });
    });
  });

  test('a stranger who uses the header cannot make it skip events', async () => {
    const runId = await finishedRun(root, 3);
    await manager.streams.add({ name: 'omne-runs', subjects: ['omne.runs.>'] });
    const end = readFileSync(logPath(root, runId)).length;
    const forged = headersOf({ end, events: 4, total: 4, ended: true });
    await jetstream(connection).publish(subjectOf(runId), '{}\n', { headers: forged });
    expect(await rejection(mirrorRun(root, runId, { connection }))).toMatchObject({
      code: 'ERR_MIRROR_DIVERGED',
    });
  });
});
