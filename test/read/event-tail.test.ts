import { spawn } from 'node:child_process';
import {
  appendFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { BLOCK_BYTES } from '../../src/format/lines.js';
import { EventLog, type EventTail, type RunEvent } from '../../src/index.js';
import { bytesRead } from '../support/logs.js';
import { programPath } from '../support/programs.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const gate = (name: string) => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' }) as const;
const code = (name: string) => expect.objectContaining({ code: name });
const gateOf = (event: RunEvent | undefined) => (event?.type === 'gate.passed' ? event.gate : event?.type);

async function newLog(): Promise<EventLog> {
  return EventLog.create(temporaryVolume(), 'feature', { lock: false });
}

/** Descriptors of this process that are open on a path below the folder of the log, or are inotify instances in use. */
function openBelow(log: EventLog): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(join('/proc/self/fd', fd)).startsWith(dirname(log.path));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** Handles of libuv that a tail could leave open. */
const resources = () =>
  process.getActiveResourcesInfo().filter(name => name === 'FSEvent' || name === 'FSEventWrap').length;

async function gatesOf(tail: EventTail, count: number): Promise<unknown[]> {
  const gates: unknown[] = [];
  for await (const event of tail) {
    gates.push(gateOf(event));
    if (gates.length === count) break;
  }
  return gates;
}

for (const watch of [true, false]) {
  const options = { watch, pollInterval: 20 };
  const how = watch ? 'with notices' : 'by polling alone';

  test(`${how}: it hands out what is there, then what comes, and ends after the terminal event`, async () => {
    const log = await newLog();
    await log.append(gate('before'));
    const tail = log.tail(options);
    const following = tail.toArray();
    await tail.caughtUp;
    await log.append(gate('after'));
    await log.append({ type: 'pipe.completed' });
    expect((await following).map(gateOf)).toEqual(['before', 'after', 'pipe.completed']);
    await log.close();
    expect(openBelow(log)).toBe(0);
  });

  test(`${how}: a line written byte by byte, cut inside characters, is handed out whole`, async () => {
    const log = await newLog();
    const line = `{"type":"pipe.aborted","id":"é","ts":"日本","run_id":"🎉","reason":"añadir 🔐"}\n`;
    const following = log.tail(options).toArray();
    for (const byte of Buffer.from(line)) {
      appendFileSync(log.path, Buffer.of(byte));
      await sleep(1);
    }
    expect(await following).toMatchObject([{ reason: 'añadir 🔐', run_id: '🎉' }]);
    await log.close();
  });

  test(`${how}: a torn tail that a recovering writer cuts is never seen`, async () => {
    const log = await newLog();
    await log.append(gate('a'));
    const tail = log.tail(options);
    const following = tail.toArray();
    await tail.caughtUp;
    // As long as what follows: a reader that kept the torn bytes would join the two.
    appendFileSync(log.path, '{"type":"gate.passed","id":"00000000000000000000000000","ts":"torn"');
    await vi.waitFor(() => expect(tail.tornBytes).toBeGreaterThan(0));
    await log.append(gate('b'));
    await log.append({ type: 'pipe.completed' });
    expect((await following).map(gateOf)).toEqual(['a', 'b', 'pipe.completed']);
    await log.close();
  });
}

test('stopAtTerminal off: it goes on after a terminal event', async () => {
  const log = await newLog();
  await log.append({ type: 'pipe.completed' });
  const tail = log.tail({ stopAtTerminal: false });
  const following = gatesOf(tail, 2);
  await tail.caughtUp;
  appendFileSync(
    log.path,
    `{"type":"gate.passed","id":"x","ts":"","run_id":"","node_id":"","gate":"late","method":"hook"}\n`,
  );
  expect(await following).toEqual(['pipe.completed', 'late']);
  await log.close();
});

test('a finished run ends at once, wherever the tail starts and whatever it filters', async () => {
  const log = await newLog();
  await log.append(gate('a'));
  const end = await log.append({ type: 'pipe.completed' });
  await log.close();
  const { position } = await readAll(log);
  expect((await log.tail().toArray()).length).toBe(2);
  expect(await log.tail({ from: 'end' }).toArray()).toEqual([]);
  expect(await log.tail({ from: position }).toArray()).toEqual([]);
  expect((await log.tail({ types: ['gate.passed'] }).toArray()).length).toBe(1);
  expect(await log.tail({ after: end.id }).toArray()).toEqual([]);
  expect(await log.tail({ last: 1 }).toArray()).toEqual([end]);
});

async function readAll(log: EventLog) {
  const reader = log.read();
  await reader.toArray();
  return reader;
}

test("from 'end' hands out only what is appended from now on, and position begins there", async () => {
  const log = await newLog();
  await log.append(gate('old'));
  const tail = log.tail({ from: 'end' });
  const following = gatesOf(tail, 1);
  await tail.caughtUp;
  expect(tail.position).toBe((await readAll(log)).position);
  await log.append(gate('new'));
  expect(await following).toEqual(['new']);
  await log.close();
});

test('last begins with the last matching events and then goes live without a limit', async () => {
  const log = await newLog();
  for (const name of ['a', 'b', 'c']) await log.append(gate(name));
  const tail = log.tail({ last: 2 });
  const following = gatesOf(tail, 4);
  await tail.caughtUp;
  await log.append(gate('d'));
  await log.append(gate('e'));
  expect(await following).toEqual(['b', 'c', 'd', 'e']);
  await log.close();
});

test('a run that appears in time is read from its start, also with from end', async () => {
  const root = temporaryVolume();
  const runId = await EventLog.allocate(root, 'feature');
  const following = [
    EventLog.tail(root, runId).toArray(),
    EventLog.tail(root, runId, { from: 'end' }).toArray(),
  ];
  await mkdir(join(root, '.omne/var/runs', runId), { recursive: true });
  const log = await EventLog.open(root, runId, { create: true });
  await log.append(gate('a'));
  await log.append({ type: 'pipe.completed' });
  await log.close();
  for (const events of await Promise.all(following)) expect(events.length).toBe(2);
});

test('a run that does not appear in time is ERR_RUN_NOT_FOUND, for caughtUp too', async () => {
  const tail = EventLog.tail(temporaryVolume(), 'feature-01kp8g6dg0zg6axb6gqz17wf7m', { appearTimeout: 50 });
  await expect(tail.toArray()).rejects.toThrow(code('ERR_RUN_NOT_FOUND'));
  await expect(tail.caughtUp).rejects.toThrow(code('ERR_RUN_NOT_FOUND'));
});

test('a tail that is closed while it waits for its run ends with nothing', async () => {
  const tail = EventLog.tail(temporaryVolume(), 'feature-01kp8g6dg0zg6axb6gqz17wf7m', {
    appearTimeout: 60_000,
  });
  const iterator = tail[Symbol.asyncIterator]();
  const next = iterator.next();
  await iterator.return?.();
  expect(await next).toEqual({ done: true, value: undefined });
  await expect(tail.caughtUp).rejects.toThrow(code('ERR_LOG_CLOSED'));
});

test('a log cut below the position is ERR_LOG_TRUNCATED', async () => {
  const log = await newLog();
  await log.append(gate('a'));
  await log.append(gate('b'));
  const tail = log.tail({ pollInterval: 20 });
  const following = tail.toArray();
  await tail.caughtUp;
  truncateSync(log.path, 10);
  await expect(following).rejects.toThrow(code('ERR_LOG_TRUNCATED'));
  await log.close();
});

for (const what of ['swapped', 'deleted']) {
  const name = `a log that is ${what} under the tail is ERR_LOG_REPLACED`;
  testNotOnWindows('under Wine a deleted log that is open looks as any other', name, async () => {
    const log = await newLog();
    await log.append(gate('a'));
    const tail = log.tail({ pollInterval: 20 });
    const following = expect(tail.toArray()).rejects.toThrow(code('ERR_LOG_REPLACED'));
    await tail.caughtUp;
    if (what === 'deleted') await rm(log.path);
    else {
      writeFileSync(`${log.path}.new`, '');
      renameSync(`${log.path}.new`, log.path);
    }
    await following;
    await log.close();
    expect(openBelow(log)).toBe(0);
  });
}

test('break, return, a thrown error and an abort give back descriptor, watcher and timer', async () => {
  const log = await newLog();
  await log.append(gate('a'));
  const before = resources();
  const controller = new AbortController();
  const reason = new Error('enough');
  for await (const _ of log.tail()) break;
  const iterator = log.tail()[Symbol.asyncIterator]();
  await iterator.next();
  const pending = iterator.next();
  await iterator.return?.();
  expect(await pending).toEqual({ done: true, value: undefined });
  await expect(
    (async () => {
      for await (const _ of log.tail()) throw reason;
    })(),
  ).rejects.toBe(reason);
  const tail = log.tail({ signal: controller.signal });
  const following = tail.toArray();
  await tail.caughtUp;
  controller.abort(reason);
  await expect(following).rejects.toBe(reason);
  await expect(log.tail({ signal: controller.signal }).toArray()).rejects.toBe(reason);
  await log.close();
  expect(openBelow(log)).toBe(0);
  expect(resources()).toBe(before);
});

test('an abort ends the wait for a run that is not there, with its reason', async () => {
  const controller = new AbortController();
  const tail = EventLog.tail(temporaryVolume(), 'feature-01kp8g6dg0zg6axb6gqz17wf7m', {
    signal: controller.signal,
  });
  const following = tail.toArray();
  controller.abort('stop');
  await expect(following).rejects.toBe('stop');
});

test('caughtUp rejects when the tail is closed before it got there', async () => {
  const log = await newLog();
  await log.append(gate('a'));
  const tail = log.tail();
  for await (const _ of tail) break;
  await expect(tail.caughtUp).rejects.toThrow(code('ERR_LOG_CLOSED'));
  await log.close();
});

test('a slow consumer is not read ahead of', async () => {
  const log = await newLog();
  const stdout = 'x'.repeat(2000);
  await log.appendAll(Array.from({ length: 2000 }, (_, index) => ({ ...gate(String(index)), stdout })));
  const tail = log.tail();
  const before = bytesRead();
  const iterator = tail[Symbol.asyncIterator]();
  await iterator.next();
  // A reader that takes everything, a block at a time, gives the tail as many chances to do the same.
  await log.read().toArray();
  const { size } = statSync(log.path);
  expect(size).toBeGreaterThan(10 * BLOCK_BYTES);
  expect(bytesRead() - before - size).toBeLessThan(4 * BLOCK_BYTES);
  await iterator.return?.();
  await log.close();
});

test('mistakes in the options are TypeErrors', async () => {
  const log = await newLog();
  expect(() => log.tail({ pollInterval: 0 })).toThrow(TypeError);
  expect(() => log.tail({ appearTimeout: -1 })).toThrow(TypeError);
  expect(() => log.tail({ from: 'middle' as 'end' })).toThrow(TypeError);
  expect(() => log.tail({ from: -1 })).toThrow(TypeError);
  await log.close();
});

const idle = programPath('tail/idle');

test('a process whose only work is an idle tail stays alive; one that dropped its tail exits', async () => {
  const log = await newLog();
  await log.append(gate('a'));
  const dropped = spawn(process.execPath, [idle, log.root, log.runId, 'drop'], { stdio: 'inherit' });
  expect(await new Promise(resolve => dropped.on('exit', resolve))).toBe(0);
  const waiting = spawn(process.execPath, [idle, log.root, log.runId, 'wait'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = new Promise(resolve => waiting.on('exit', resolve));
  const lines = createInterface({ input: waiting.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('caught up');
  // It goes idle after each event, and is still there for the next one.
  for (const name of ['b', 'c', 'd', 'e', 'f']) {
    await log.append(gate(name));
    expect((await lines.next()).value).toBe(name);
  }
  await log.append({ type: 'pipe.completed' });
  expect(await exit).toBe(0);
  await log.close();
});
