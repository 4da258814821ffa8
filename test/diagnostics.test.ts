/** What subscribers of the three channels get, and that they can do no harm. */

import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Append } from '../src/append/admission.js';
import { Committer } from '../src/append/committer.js';
import { prepareDraft } from '../src/format/encode.js';
import {
  type CommitMessage,
  EventLog,
  EventLogError,
  type RecoverMessage,
  type TailMessage,
} from '../src/index.js';
import { runToEnd } from './support/command.js';
import { linesOf, RUN_ID, rejection, sampleEvents, writeLog } from './support/logs.js';
import { MemoryDisk, systemError } from './support/memory-file.js';
import { programPath } from './support/programs.js';
import { temporaryVolume } from './support/volume.js';

// These tests set the clock themselves.
vi.mock('../src/real-time.js', async original => ({
  ...(await original<object>()),
  monotonicMs: () => performance.now(),
}));

/** The messages of one channel while a test runs. */
function messagesOf<Message>(name: string): Message[] {
  const messages: Message[] = [];
  const listen = (message: unknown) => {
    messages.push(message as Message); // what the documentation says it is; the tests look at each field
  };
  subscribe(`omne-event-log:${name}`, listen);
  onTestFinished(() => {
    unsubscribe(`omne-event-log:${name}`, listen);
  });
  return messages;
}

const node = (node_id: string) => ({ type: 'node.started', node_id, kind: 'bash' }) as const;

describe('omne-event-log:commit', () => {
  test('reports for each batch its size, how long it waited and how long the disk took', async () => {
    const commits = messagesOf<CommitMessage>('commit');
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    const before = performance.now();
    const appended = await log.appendAll([node('a'), node('b')]);
    const elapsed = performance.now() - before;
    const { path, runId } = log;
    expect(commits).toEqual([
      {
        path,
        runId,
        events: 2,
        bytes: Buffer.byteLength(linesOf(appended)),
        waitMs: expect.any(Number),
        writeMs: expect.any(Number),
      },
    ]);
    const [{ waitMs, writeMs } = { waitMs: -1, writeMs: -1 }] = commits;
    expect(waitMs).toBeGreaterThan(0);
    expect(writeMs).toBeGreaterThan(0);
    expect(waitMs + writeMs).toBeLessThanOrEqual(elapsed);
  });

  test('counts the wait from the call of the append that waited longest, the commit before it included', async () => {
    const commits = messagesOf<CommitMessage>('commit');
    await using log = await EventLog.create(temporaryVolume(), 'feature', { lock: false });
    let firstKept = Number.NaN;
    const first = log.append(node('a')).then(() => {
      firstKept = performance.now();
    });
    await new Promise(setImmediate); // its commit has begun
    const others = [log.append(node('b')), log.append(node('c'))];
    const called = performance.now();
    await Promise.all([first, ...others]);
    expect(commits.map(({ events }) => events)).toEqual([1, 2]);
    expect(commits[1]?.waitMs).toBeGreaterThanOrEqual(firstKept - called);
    expect(firstKept).toBeGreaterThan(called);
  });

  test('reports a refused batch with the error of its appends, and no write where there was none', async () => {
    const commits = messagesOf<CommitMessage>('commit');
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append({ type: 'pipe.completed' });
    const error = await rejection(log.append(node('late')));
    expect(error).toMatchObject({ code: 'ERR_RUN_ENDED', type: 'node.started', node_id: 'late' });
    expect(commits.map(message => Object.hasOwn(message, 'error'))).toEqual([false, true]);
    expect(commits[1]).toMatchObject({ events: 1, writeMs: 0 });
    // That of the batch: it names no event, while each append's names its own.
    const named = EventLogError.about({ type: 'node.started', node_id: 'late' }, commits[1]?.error);
    expect(named).toEqual(error);
    expect(commits[1]?.waitMs).toBeGreaterThan(0);
  });

  test('reports how long a failed write took, and times an append without a time from the start of its commit', async () => {
    const commits = messagesOf<CommitMessage>('commit');
    const disk = new MemoryDisk();
    const committer = new Committer(disk.open(), { lock: false });
    await committer.start();
    disk.onOperation = name => {
      if (name === 'write') throw systemError('EIO', 'write');
    };
    const event = prepareDraft(node('a'), RUN_ID);
    const refused = vi.fn();
    const append: Append = {
      events: [event],
      bytes: event.bytes,
      last: false,
      resolve: () => undefined,
      reject: refused,
    };
    (await committer.commit([append]))();
    expect(refused).toHaveBeenCalledOnce();
    expect(commits).toMatchObject([{ error: refused.mock.lastCall?.[0] }]);
    expect(commits[0]?.writeMs).toBeGreaterThan(0);
    expect(commits[0]?.waitMs).toBeGreaterThanOrEqual(0);
  });

  test('comes when the appends are settled and the lock is given back', async () => {
    const root = temporaryVolume();
    await using log = await EventLog.create(root, 'feature');
    await using other = await EventLog.open(root, log.runId, { lockTimeout: 0 });
    let append: Promise<unknown> | undefined;
    const listen = () => {
      append ??= other.append(node('b')); // would be ERR_LOCK_TIMEOUT while the lock is held
    };
    subscribe('omne-event-log:commit', listen);
    onTestFinished(() => {
      unsubscribe('omne-event-log:commit', listen);
    });
    await log.append(node('a'));
    await append;
    expect(append).toBeDefined();
  });
});

describe('omne-event-log:recover', () => {
  test('reports what was cut from a torn tail, by open and by an append alike', async () => {
    const recoveries = messagesOf<RecoverMessage>('recover');
    const root = temporaryVolume();
    const path = writeLog(root, `${linesOf(sampleEvents(2))}{"type":`);
    await using log = await EventLog.open(root, RUN_ID);
    expect(recoveries).toEqual([{ path, runId: RUN_ID, ...log.recovered }]);
    appendFileSync(path, '{"ty');
    await log.append(node('a'));
    expect(recoveries).toHaveLength(2);
    expect(recoveries[1]).toMatchObject({ path, runId: RUN_ID, bytes: 4, savedTo: expect.any(String) });
  });

  test('is silent where nothing was torn', async () => {
    const recoveries = messagesOf<RecoverMessage>('recover');
    const root = temporaryVolume();
    writeLog(root, linesOf(sampleEvents(2)));
    await using _log = await EventLog.open(root, RUN_ID);
    expect(recoveries).toEqual([]);
  });
});

describe('omne-event-log:tail', () => {
  /** Follows a log of one event, appends another once the tail has caught up, and ends the run. */
  async function followed(options: { watch: boolean; pollInterval: number }): Promise<{
    tails: TailMessage[];
    log: EventLog;
    bytes: number[];
  }> {
    const tails = messagesOf<TailMessage>('tail');
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    const first = await log.append(node('a'));
    const tail = log.tail(options);
    const reading = tail.toArray();
    await tail.caughtUp;
    const last = await log.append({ type: 'pipe.completed' });
    await reading;
    return { tails, log, bytes: [first, last].map(event => Buffer.byteLength(linesOf([event]))) };
  }

  test('reports what was read, how old it is, and a wait that a notice ended', async () => {
    const { tails, log, bytes } = await followed({ watch: true, pollInterval: 60_000 });
    const { path, runId } = log;
    expect(tails).toEqual([
      { path, runId, events: 1, bytes: bytes[0], lagMs: expect.any(Number) },
      { path, runId, events: 1, bytes: bytes[1], lagMs: expect.any(Number), wokenBy: 'notice' },
    ]);
    for (const { lagMs } of tails) expect(lagMs).toBeGreaterThanOrEqual(0);
  });

  test('reports a wait that only the poll ended', async () => {
    const { tails } = await followed({ watch: false, pollInterval: 5 });
    expect(tails.map(({ wokenBy }) => wokenBy)).toEqual([undefined, 'poll']);
  });

  test('reports no wait and no reading for the later parts of what was read in one go', async () => {
    const tails = messagesOf<TailMessage>('tail');
    const root = temporaryVolume();
    const path = writeLog(root, '');
    const tail = EventLog.tail(root, RUN_ID, { onMalformed: () => undefined, watch: false, pollInterval: 5 });
    const [first, second] = sampleEvents(2).map(event => linesOf([event]));
    const content = `${first}no event\n${second}`;
    const reading = (async () => {
      let left = 2;
      for await (const _event of tail) if (--left === 0) break;
    })();
    await tail.caughtUp;
    appendFileSync(path, content);
    await reading;
    const common = { path, runId: RUN_ID, events: 1, lagMs: expect.any(Number) };
    expect(tails).toEqual([
      { ...common, bytes: Buffer.byteLength(content), wokenBy: 'poll' },
      { ...common, bytes: 0 },
    ]);
  });

  test('counts the bytes of events that do not match, and gives no age without an event or a time', async () => {
    const tails = messagesOf<TailMessage>('tail');
    const root = temporaryVolume();
    const content = linesOf(sampleEvents(4).map(event => ({ ...event, ts: 'some time' })));
    writeLog(root, content);
    await EventLog.tail(root, RUN_ID, { types: ['pipe.started'] }).toArray();
    await EventLog.tail(root, RUN_ID, { types: ['node.started'] }).toArray();
    const common = { path: expect.any(String), runId: RUN_ID, bytes: Buffer.byteLength(content) };
    expect(tails).toEqual([
      { ...common, events: 0 },
      { ...common, events: 1 },
    ]);
  });
});

test('without a subscriber no clock is read and nothing is published', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature', { lock: false });
  const publish = vi.spyOn(Object.getPrototypeOf(channel('omne-event-log:commit')), 'publish');
  const clock = vi.spyOn(performance, 'now');
  onTestFinished(() => {
    publish.mockRestore();
    clock.mockRestore();
  });
  await log.append(node('a'));
  expect([publish.mock.calls.length, clock.mock.calls.length]).toEqual([0, 0]);
  messagesOf('commit');
  await log.append(node('b'));
  expect(clock.mock.calls.length).toBeGreaterThan(0);
});

test('a subscriber that throws is an uncaught exception of its own; commits, recoveries and tails go on', async () => {
  const program = programPath('diagnostics/throwing');
  const { code, stdout, stderr } = await runToEnd([process.execPath, program, temporaryVolume()]);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toEqual({
    kept: ['node.started', 'node.started', 'node.started', 'pipe.completed'],
    tailed: ['node.started', 'node.started', 'node.started', 'pipe.completed'],
    uncaught: { commit: 3, recover: 1, tail: expect.any(Number) },
  });
});
