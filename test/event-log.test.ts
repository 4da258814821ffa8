import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { appendFile, mkdir, rm, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { decodeEvent, type EventDraft, EventLog, EventLogError } from '../src/index.js';
import { testNotOnWindows } from './support/tools.js';
import { temporaryVolume } from './support/volume.js';

// These tests set the clock themselves.
vi.mock('../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

const gate = (name: string) => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' }) as const;
const linesOf = (log: EventLog) => readFileSync(log.path, 'utf8').split('\n').slice(0, -1);
const code = (name: string) => expect.objectContaining({ name: 'EventLogError', code: name });

test('create makes the folder and an empty log in their places', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'feature');
  expect(log.runId).toMatch(/^feature-[0-7][0-9a-hjkmnp-tv-z]{25}$/);
  expect(log.root).toBe(root);
  expect(log.path).toBe(join(root, '.omne/var/runs', log.runId, 'events.jsonl'));
  expect(statSync(log.path).size).toBe(0);
  expect(log.recovered).toBeUndefined();
});

test('a root that does not exist is refused, and not made', async () => {
  const root = join(temporaryVolume(), 'not-there');
  const runId = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
  const notFound = expect.objectContaining({ code: 'ERR_ROOT_NOT_FOUND', path: root });
  await expect(EventLog.create(root, 'feature')).rejects.toEqual(notFound);
  await expect(EventLog.allocate(root, 'feature')).rejects.toEqual(notFound);
  for (const create of [true, false]) {
    await expect(EventLog.open(root, runId, { create })).rejects.toEqual(notFound);
  }
  await expect(EventLog.read(root, runId).toArray()).rejects.toEqual(notFound);
  await expect(EventLog.tail(root, runId).toArray()).rejects.toEqual(notFound);
  await expect(EventLog.runs(root).next()).rejects.toEqual(notFound);
  expect(existsSync(root)).toBe(false);
});

testNotOnWindows('Windows has no permission bits', 'the option mode narrows permissions', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'feature', { mode: 0o600 });
  expect(statSync(log.path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(log.path)).mode & 0o777).toBe(0o700);
  expect(statSync(join(root, '.omne/var/.ulid-last')).mode & 0o777).toBe(0o600);
});

test('two creators never share a run', async () => {
  const root = temporaryVolume();
  const logs = await Promise.all(Array.from({ length: 20 }, () => EventLog.create(root, 'same')));
  expect(new Set(logs.map(log => log.runId)).size).toBe(20);
  await Promise.all(logs.map(log => log.close()));
});

test('an append resolves with the event, its line is in the file, canonical', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const event = await log.append({
    type: 'node.started',
    node_id: 'plan',
    kind: 'prompt',
    name: 'añadir 🔐',
  });
  expect(linesOf(log)).toEqual([
    `{"type":"node.started","id":"${event.id}","ts":"${event.ts}","run_id":"${log.runId}","node_id":"plan","kind":"prompt","name":"añadir 🔐"}`,
  ]);
  expect(event).toEqual(decodeEvent(linesOf(log)[0] ?? ''));
  expect(event.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('defaulted fields are filled in memory and left out on disk', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const event = await log.append({ type: 'pipe.started', pipe: 'feature', inputs: [] });
  expect(event).toMatchObject({ inputs: [], distro_version: '' });
  expect(linesOf(log)[0]).not.toMatch(/inputs|distro_version/);
});

test('events are in the order of the calls, ids strictly rising, however many appenders there are', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const names = Array.from({ length: 2000 }, (_, index) => String(index));
  const events = await Promise.all(names.map(name => log.append(gate(name))));
  const read = await log.read().toArray();
  expect(read).toEqual(events);
  expect(read.map(event => event.type === 'gate.passed' && event.gate)).toEqual(names);
  const ids = read.map(event => event.id);
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('appendAll keeps its order between other appends', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const before = log.append(gate('before'));
  const all = log.appendAll(
    (function* () {
      for (const name of ['a', 'b', 'c']) yield gate(name);
    })(),
  );
  const after = log.append(gate('after'));
  await Promise.all([before, all, after]);
  expect((await log.read().toArray()).map(event => 'gate' in event && event.gate)).toEqual([
    'before',
    'a',
    'b',
    'c',
    'after',
  ]);
  expect(await log.appendAll([])).toEqual([]);
});

test('a draft changed after the call is written as it was', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const inputs = [{ key: 'task', value: 'before' }];
  const draft = { type: 'pipe.started' as const, pipe: 'feature', inputs };
  const appended = log.append(draft);
  draft.pipe = 'changed';
  inputs[0] = { key: 'other', value: 'after' };
  inputs.push({ key: 'more', value: 'after' });
  const event = await appended;
  expect(event).toMatchObject({ pipe: 'feature', inputs: [{ key: 'task', value: 'before' }] });
  expect(await log.read().toArray()).toEqual([event]);
});

test('an invalid draft names its field, and nothing is written', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  const bad = { type: 'node.failed', node_id: 'n', error: { kind: 'nope' } } as unknown as EventDraft;
  await expect(log.append(bad)).rejects.toMatchObject({ code: 'ERR_INVALID_EVENT', field: 'error.kind' });
  await expect(log.appendAll([gate('fine'), bad])).rejects.toMatchObject({
    code: 'ERR_INVALID_EVENT',
    field: '[1].error.kind',
  });
  expect(statSync(log.path).size).toBe(0);
});

test('nothing is appended after a terminal event, also not in the same call or the same tick', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'feature');
  await expect(log.appendAll([{ type: 'pipe.completed' }, gate('late')])).rejects.toThrow(
    code('ERR_RUN_ENDED'),
  );
  expect(statSync(log.path).size).toBe(0);
  const [end, late] = await Promise.allSettled([
    log.append({ type: 'pipe.aborted', reason: 'stopped' }),
    log.append(gate('late')),
  ]);
  expect(end.status).toBe('fulfilled');
  expect(late).toMatchObject({ status: 'rejected', reason: { code: 'ERR_RUN_ENDED' } });
  await log.close();
  await using again = await EventLog.open(root, log.runId);
  await expect(again.append(gate('late'))).rejects.toThrow(code('ERR_RUN_ENDED'));
  expect(linesOf(log).length).toBe(1);
});

test('ids go on rising after open, and when the clock went back', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'feature');
  const first = await log.append(gate('first'));
  await log.close();
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2001-01-01') });
  try {
    await using again = await EventLog.open(root, log.runId);
    const second = await again.append(gate('second'));
    const third = await again.append(gate('third'));
    expect([second.id > first.id, third.id > second.id]).toEqual([true, true]);
    expect(second.ts.startsWith('2001')).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('allocate gives an id only; open with create makes the run, also in a prepared folder', async () => {
  const root = temporaryVolume();
  const runId = await EventLog.allocate(root, 'feature');
  expect(existsSync(join(root, '.omne/var/runs', runId))).toBe(false);
  await expect(EventLog.open(root, runId)).rejects.toThrow(code('ERR_RUN_NOT_FOUND'));
  await mkdir(join(root, '.omne/var/runs', runId, 'nodes'), { recursive: true });
  await using log = await EventLog.open(root, runId, { create: true });
  await log.append(gate('a'));
  await using second = await EventLog.open(root, runId, { create: true });
  await second.append(gate('b'));
  expect(linesOf(log).length).toBe(2);
});

test('a backlog over maxPendingBytes is refused, and what was queued is written', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature', { maxPendingBytes: 1000 });
  await log.append(gate('first'));
  const lineBytes = statSync(log.path).size - 'first'.length + 1;
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => log.append(gate(`${i}`))));
  const refused = outcomes.filter(outcome => outcome.status === 'rejected');
  expect(refused.length).toBe(10 - Math.floor(1000 / lineBytes));
  for (const { reason } of refused)
    expect(reason).toMatchObject({ code: 'ERR_BACKLOG_FULL', path: log.path });
  expect(linesOf(log).length).toBe(1 + 10 - refused.length);
  await log.append(gate('later'));
});

test('an acknowledged append frees its room: the next one finds all of it', async () => {
  const root = temporaryVolume();
  await using probe = await EventLog.create(root, 'feature');
  await probe.append(gate('a'));
  const maxPendingBytes = statSync(probe.path).size;
  await using log = await EventLog.create(root, 'feature', { maxPendingBytes });
  for (let i = 0; i < 3; i++) await log.append(gate('a'));
  for (let i = 0; i < 3; i++) await log.appendAll([gate('a')]);
  expect(linesOf(log).length).toBe(6);
});

test('options of open that make no sense are TypeErrors, and nothing is made', async () => {
  const root = temporaryVolume();
  for (const options of [
    { mode: 0o1000 },
    { mode: -1 },
    { mode: 0.5 },
    { lockTimeout: -1 },
    { maxLineBytes: -1 },
  ]) {
    await expect(EventLog.create(root, 'feature', options)).rejects.toThrow(TypeError);
  }
  expect(readdirSync(root)).toEqual([]);
});

test('a line of exactly maxLineBytes is written and read; one byte more is ERR_LINE_TOO_LONG', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature', { maxLineBytes: 300 });
  const frame = Buffer.byteLength(linesOf(await sized(log, '')).at(-1) ?? '');
  await sized(log, 'é'.repeat((300 - frame) >> 1) + 'x'.repeat((300 - frame) & 1));
  expect(Buffer.byteLength(linesOf(log).at(-1) ?? '')).toBe(300);
  await expect(sized(log, 'x'.repeat(301 - frame))).rejects.toThrow(code('ERR_LINE_TOO_LONG'));
  expect((await log.read({ maxLineBytes: 300 }).toArray()).length).toBe(2);
  await expect(log.read({ maxLineBytes: 299 }).toArray()).rejects.toThrow(code('ERR_LINE_TOO_LONG'));
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function sized(log: EventLog, message: string): Promise<EventLog> {
  await log.append({ type: 'node.failed', node_id: 'n', error: { kind: 'crash' }, message });
  return log;
}

test('a message of 17 MiB is refused, one of 15 MiB is kept and read back', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  await expect(sized(log, 'x'.repeat(17 * 1024 * 1024))).rejects.toThrow(code('ERR_LINE_TOO_LONG'));
  await sized(log, 'x'.repeat(15 * 1024 * 1024));
  expect((await log.read().toArray()).length).toBe(1);
});

test('close waits for what is pending, refuses what comes later, and may be called again', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  const pending = Array.from({ length: 50 }, (_, i) => log.append(gate(`${i}`)));
  const closing = log.close();
  await expect(log.append(gate('late'))).rejects.toThrow(code('ERR_LOG_CLOSED'));
  await Promise.all([closing, log.close()]);
  await log.close();
  expect((await Promise.all(pending)).length).toBe(50);
  expect(linesOf(log).length).toBe(50);
});

test('await using closes the log', async () => {
  let outside: EventLog | undefined;
  {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    outside = log;
  }
  await expect(outside.append(gate('late'))).rejects.toThrow(code('ERR_LOG_CLOSED'));
});

test('flush resolves when all appends called before are on disk, and at once when there are none', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  await log.flush();
  const appends = Promise.all([log.append(gate('a')), log.append(gate('b'))]);
  await log.flush();
  expect(linesOf(log).length).toBe(2);
  await appends;
});

test('open repairs a torn tail and keeps its bytes', async () => {
  const root = temporaryVolume();
  const log = await EventLog.create(root, 'feature');
  const kept = await log.append(gate('kept'));
  await log.close();
  const size = statSync(log.path).size;
  await appendFile(log.path, '{"type":"gate.pa');
  await using again = await EventLog.open(root, log.runId);
  expect(again.recovered).toMatchObject({ offset: size, bytes: 16 });
  const savedTo = again.recovered?.savedTo ?? '';
  expect(savedTo).toMatch(/events\.jsonl\.torn-[0-7][0-9a-z]{25}$/);
  expect(readFileSync(savedTo, 'utf8')).toBe('{"type":"gate.pa');
  const next = await again.append(gate('next'));
  expect(await again.read().toArray()).toEqual([kept, next]);
});

testNotOnWindows(
  'under Wine a deleted log that is open looks as any other',
  'a deleted log takes no more appends',
  async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append(gate('a'));
    await rm(log.path);
    await expect(log.append(gate('b'))).rejects.toThrow(code('ERR_LOG_REPLACED'));
    await expect(log.append(gate('c'))).rejects.toThrow(code('ERR_LOG_REPLACED'));
  },
);

test.each(['renamed', 'with its folder'])(
  'a log that was moved away (%s) is not appended to, and is again when it is back',
  async how => {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    const place = how === 'renamed' ? log.path : dirname(log.path);
    await log.append(gate('a'));
    renameSync(place, `${place}.old`);
    if (how === 'renamed') writeFileSync(log.path, '');
    await expect(log.append(gate('b'))).rejects.toThrow(code('ERR_LOG_REPLACED'));
    if (how === 'renamed') unlinkSync(log.path);
    renameSync(`${place}.old`, place);
    await log.append(gate('c'));
    expect((await log.read().toArray()).map(event => 'gate' in event && event.gate)).toEqual(['a', 'c']);
  },
);

test('a log that another program cuts takes no more appends from its writer', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  await log.append(gate('a'));
  await truncate(log.path, 3);
  await expect(log.append(gate('b'))).rejects.toThrow(code('ERR_LOG_TRUNCATED'));
  await expect(log.flush()).rejects.toThrow(code('ERR_LOG_TRUNCATED'));
});

test('appendAll of what is no iterable is a TypeError, not an empty success', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  for (const wrong of [gate('a'), 5, Promise.resolve([gate('a')]), undefined]) {
    await expect(log.appendAll(wrong as never)).rejects.toThrow(TypeError);
  }
  expect(statSync(log.path).size).toBe(0);
});

testNotOnWindows(
  'Wine runs the tests in threads, where it cannot change',
  'a change of the current folder does not move what is under way',
  async () => {
    const [before, root, other] = [process.cwd(), temporaryVolume(), temporaryVolume()];
    try {
      process.chdir(root);
      const [creating, allocating] = [EventLog.create('.', 'feature'), EventLog.allocate('.', 'feature')];
      const listing = EventLog.runs('.');
      process.chdir(other);
      const log = await creating;
      await allocating;
      expect([realpathSync(log.root), readdirSync(other)]).toEqual([realpathSync(root), []]);
      expect((await collect(listing)).map(run => run.runId)).toEqual([log.runId]);
      await log.close();
    } finally {
      process.chdir(before);
    }
  },
);

test('what a log was allowed to write, its own reader and tail read', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature', { maxLineBytes: 20 * 1024 * 1024 });
  await sized(log, 'x'.repeat(17 * 1024 * 1024));
  await log.append({ type: 'pipe.completed' });
  expect((await log.read().toArray()).length).toBe(2);
  expect((await log.tail().toArray()).length).toBe(2);
});

test('a text whose JSON has no room in a string is ERR_LINE_TOO_LONG', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'feature');
  await expect(sized(log, '\u0001'.repeat(90_000_000))).rejects.toThrow(code('ERR_LINE_TOO_LONG'));
});

test.each([253402300800005, Number.NaN, -5])(
  'a clock that says %d changes no line and stops nothing',
  async now => {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    vi.spyOn(Date, 'now').mockReturnValue(now);
    try {
      await log.append(gate('a'));
      await log.append(gate('b'));
    } finally {
      vi.restoreAllMocks();
    }
    expect((await log.read().toArray()).length).toBe(2);
  },
);

test('close does not hide the failure of an append that nobody awaited', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.append({ type: 'pipe.completed' });
  const told = new Promise(resolve => process.once('unhandledRejection', resolve));
  const listeners = process.rawListeners('unhandledRejection').slice(0, -1);
  for (const listener of listeners) process.off('unhandledRejection', listener as () => void);
  void log.appendAll([gate('late')]);
  await log.close();
  expect(await told).toMatchObject({ code: 'ERR_RUN_ENDED' });
  for (const listener of listeners) process.on('unhandledRejection', listener as () => void);
});

test('mistakes in the options are TypeErrors before anything is made', async () => {
  const root = temporaryVolume();
  await expect(EventLog.create(root, 'feature', { maxLineBytes: -1 })).rejects.toThrow(TypeError);
  await expect(EventLog.create(root, 'feature', { lockTimeout: Number.NaN })).rejects.toThrow(TypeError);
  await expect(EventLog.create('', 'feature')).rejects.toThrow(TypeError);
  await expect(EventLog.create(root, 7 as unknown as string)).rejects.toThrow(TypeError);
  expect(readdirSync(root)).toEqual([]);
});

test('every error carries its code, path and a message that names the path', async () => {
  const root = temporaryVolume();
  const missing = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
  const error = await EventLog.open(root, missing).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(EventLogError);
  expect(error).toMatchObject({ path: join(root, '.omne/var/runs', missing, 'events.jsonl') });
  expect(String(error)).toContain(missing);
});

describe('the error of an append that is refused names the event', () => {
  const named = { type: 'node.started', node_id: 'build' };

  test('when the draft breaks the schema', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    const wrong = { type: 'node.started', node_id: 'build', kind: 'shell' };
    const error = await log.append(wrong as EventDraft).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_INVALID_EVENT', field: 'kind', ...named });
    expect(String(error)).toContain('(node.started of node "build")');
    expect(await log.append({ type: 'nonsense' } as unknown as EventDraft).catch(String)).toContain(
      '(nonsense)',
    );
    expect(await log.append(7 as unknown as EventDraft).catch(String)).not.toContain('undefined');
  });

  test('when the run has ended, the log is closed, or no more may wait', async () => {
    const log = await EventLog.create(temporaryVolume(), 'feature', { maxPendingBytes: 300 });
    const start = { ...named, kind: 'bash' } as EventDraft;
    const full = log.appendAll([start, start, start]).catch((thrown: unknown) => thrown);
    expect(await full).toMatchObject({ code: 'ERR_BACKLOG_FULL', ...named });
    await log.append({ type: 'pipe.completed' });
    await expect(log.append(start)).rejects.toMatchObject({
      code: 'ERR_RUN_ENDED',
      path: log.path,
      ...named,
    });
    await log.close();
    const error = await log.append(start).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_LOG_CLOSED', ...named });
    expect(String(error).split(log.path)).toHaveLength(2); // named once
  });

  test('and a long node id is shortened', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature', { maxLineBytes: 1000 });
    const started = { type: 'node.started', node_id: 'x'.repeat(5000), kind: 'bash' } as const;
    const error = await log.append(started).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_LINE_TOO_LONG', node_id: started.node_id });
    expect(String(error).length).toBeLessThan(500);
  });
});
