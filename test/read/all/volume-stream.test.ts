/** All runs of a volume as one stream: nothing missed, nothing twice, whatever becomes of the runs meanwhile. */
import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ulid } from 'ulid';
import { describe, expect, test, vi } from 'vitest';
import {
  defineEvents,
  EventLog,
  encodeEvent,
  field,
  omneEvents,
  type RunEvent,
  type Vocabulary,
  type VolumeEvent,
  type VolumeStream,
} from '../../../src/index.js';
import { ABORTED, COMPLETED, UNFINISHED, writeRun } from '../../support/cli-runs.js';
import { logPath, openDescriptors, rejection, writeLog } from '../../support/logs.js';
import { startProgram } from '../../support/processes/program.js';
import { quickVolume } from '../../support/quick-volume.js';
import { rounds } from '../../support/rounds.js';

const gate = (name: string) => ({ type: 'gate.passed', node_id: 'n', gate: name, method: 'hook' }) as const;
const NOON = Date.UTC(2026, 3, 15, 12);
const MANY = rounds(3000);

/** What a stream has handed out so far, with its cursor after each event. */
type AnyVolumeEvent = VolumeEvent<string, Vocabulary>;
type AnyVolumeStream = VolumeStream<string, Vocabulary>;

function follow(volume: AnyVolumeStream) {
  const seen: AnyVolumeEvent[] = [];
  const cursors: string[] = [];
  const ended = (async () => {
    for await (const event of volume) {
      seen.push(event);
      cursors.push(volume.cursor);
    }
  })();
  ended.catch(() => undefined); // looked at in the end
  return { seen, cursors, ended };
}

const idOf = ({ event }: AnyVolumeEvent) => event.id;
const idsOf = (events: readonly AnyVolumeEvent[]) => events.map(idOf);

/** A line of a run that was begun by hand. */
function line(runId: string, at: number, draft: object = gate('g')): string {
  const event = {
    ...draft,
    id: ulid(at, Math.random).toLowerCase(),
    ts: new Date(at).toISOString(),
    run_id: runId,
  };
  return `${encodeEvent(event as unknown as RunEvent)}\n`;
}

/** Three runs that happened at the same time, event by event. */
function interleaved(root: string): { runIds: string[]; count: number } {
  const runIds = ['a', 'b', 'c'].map(pipe => `${pipe}-${ulid(NOON).toLowerCase()}`);
  const lines = runIds.map(() => '');
  for (let number = 0; number < 300; number++) {
    const run = (number * 7) % 3;
    lines[run] += line(runIds[run] ?? '', NOON + 1 + number);
  }
  for (const [run, runId] of runIds.entries()) {
    const end = run === 2 ? '' : line(runId, NOON + 1000 + run, { type: 'pipe.completed' });
    writeLog(root, (lines[run] ?? '') + end, runId);
  }
  return { runIds, count: 302 };
}

describe('readAll', () => {
  test('merges the runs by event id, and gives the run and position of each event', async () => {
    const root = quickVolume();
    const { count } = interleaved(root);
    const events = await EventLog.readAll(root).toArray();
    expect(events).toHaveLength(count);
    expect(idsOf(events)).toEqual(idsOf(events).toSorted());
    for (const { runId, event, position } of [events[5], events[200], events[301]].filter(
      e => e !== undefined,
    )) {
      expect(event.run_id).toBe(runId);
      const before = await EventLog.read(root, runId).toArray();
      const index = before.findIndex(({ id }) => id === event.id);
      expect(await EventLog.read(root, runId, { from: position }).toArray()).toEqual(before.slice(index + 1));
    }
  });

  test('resumes from the cursor after every event: nothing missed, nothing twice', async () => {
    const root = quickVolume();
    interleaved(root);
    writeRun(root, 'd', ABORTED, { start: NOON + 500 });
    const { seen, cursors, ended } = follow(EventLog.readAll(root));
    await ended;
    for (let index = 0; index < seen.length; index += index < 20 || index > seen.length - 20 ? 1 : 13) {
      const rest = await EventLog.readAll(root, { cursor: cursors[index] }).toArray();
      expect(idsOf(rest)).toEqual(idsOf(seen.slice(index + 1)));
    }
  });

  test('has a cursor that grows with the runs that have not ended only', async () => {
    const root = quickVolume();
    for (let number = 0; number < Math.max(100, rounds(500)); number++)
      writeRun(root, 'p', COMPLETED, { start: NOON + number * 10 });
    const open = writeRun(root, 'p', UNFINISHED, { start: NOON + 6000 });
    const volume = EventLog.readAll(root);
    await volume.toArray();
    expect(volume.cursor.length).toBeLessThan(300);
    expect(volume.cursor).toContain(open.runId);
    expect(await EventLog.readAll(root, { cursor: volume.cursor }).toArray()).toEqual([]);
  });

  test('goes on with what was appended, created and created late since the cursor, in the order of ids', async () => {
    const root = quickVolume();
    const late = await EventLog.allocate(root, 'late'); // its folder appears after runs with greater ids have ended
    const first = await EventLog.create(root, 'p', { lock: false });
    const second = await EventLog.create(root, 'p', { lock: false });
    await first.append(gate('1'));
    await second.append({ type: 'pipe.completed' });
    const volume = EventLog.readAll(root);
    await volume.toArray();
    const third = await EventLog.create(root, 'p', { lock: false });
    const lateLog = await EventLog.open(root, late, { create: true, lock: false });
    const made = [
      await third.append(gate('2')),
      await lateLog.append(gate('3')),
      await first.append({ type: 'pipe.completed' }),
      await lateLog.append({ type: 'pipe.completed' }),
    ];
    await Promise.all([first, second, third, lateLog].map(log => log.close()));
    const rest = await EventLog.readAll(root, { cursor: volume.cursor }).toArray();
    for (const runId of new Set(rest.map(event => event.runId))) {
      const ofRun = (event: { readonly run_id: string }) => event.run_id === runId;
      expect(rest.map(({ event }) => event).filter(ofRun)).toEqual(made.filter(ofRun));
    }
    expect(rest).toHaveLength(made.length);
  });

  test('takes pipe, types and since, and a cursor keeps since', async () => {
    const root = quickVolume();
    const old = writeRun(root, 'a', COMPLETED, { start: NOON });
    const open = writeRun(root, 'a', UNFINISHED, { start: NOON + 1 });
    for (const { path } of [old, open]) utimesSync(path, new Date(NOON), new Date(NOON));
    const other = writeRun(root, 'b', ABORTED, { start: NOON + 3_600_000 });
    const typesOf = async (options: Parameters<typeof EventLog.readAll>[1]) =>
      (await EventLog.readAll(root, options).toArray()).map(({ runId, event }) => [runId, event.type]);
    expect(await typesOf({ types: ['pipe.aborted'] })).toEqual([[other.runId, 'pipe.aborted']]);
    expect(new Set((await typesOf({ pipe: 'a' })).map(([runId]) => runId))).toEqual(
      new Set([old.runId, open.runId]),
    );
    const since = new Date(NOON + 3_600_000 + 239_000);
    expect(await typesOf({ since })).toEqual([
      [other.runId, 'node.failed'],
      [other.runId, 'pipe.aborted'],
    ]);
    const volume = EventLog.readAll(root, { since: since.getTime() + 3_600_000 });
    expect(await volume.toArray()).toEqual([]);
    appendFileSync(open.path, line(open.runId, since.getTime() + 3_700_000));
    const rest = await EventLog.readAll(root, { cursor: volume.cursor }).toArray();
    expect(rest.map(({ runId }) => runId)).toEqual([open.runId]);
  });

  test.each([
    '',
    '{}',
    '[]',
    'null',
    '{"v":1}',
    '{"v":2,"begun":"","ended":"","runs":[]}',
    '{"v":1,"begun":"../x","ended":"","runs":[]}',
    '{"v":1,"begun":"","ended":"","runs":[["x",1,""]]}',
    '{"v":1,"begun":"","ended":"","runs":[["p-01kp8g6dg0zg6axb6gqz17wf7m",-1,""]]}',
  ])('refuses a text that is no cursor: %s', cursor => {
    expect(() => EventLog.readAll('.', { cursor })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_POSITION' }),
    );
  });

  test('refuses a cursor of another pipe, options that do not exist and a second iteration', async () => {
    const root = quickVolume();
    const { cursor } = EventLog.readAll(root, { pipe: 'a' });
    expect(() => EventLog.readAll(root, { cursor })).toThrow(TypeError);
    // @ts-expect-error there is no such option
    expect(() => EventLog.readAll(root, { pollInterval: 1 })).toThrow('unknown option pollInterval');
    expect(() => EventLog.tailAll(root, { since: new Date(Number.NaN) })).toThrow(
      'option since must be a Date',
    );
    const volume = EventLog.readAll(root);
    await volume.toArray();
    await expect(async () => volume.toArray()).rejects.toThrow('iterated already');
  });

  test('of a volume without runs is empty, and a link in the place of a run is an error or left out', async () => {
    const root = quickVolume();
    expect(await EventLog.readAll(root).toArray()).toEqual([]);
    const { folder, runId } = writeRun(root, 'p', COMPLETED);
    const linked = `link-${ulid(NOON).toLowerCase()}`;
    symlinkSync(folder, join(dirname(folder), linked));
    expect(await rejection(EventLog.readAll(root).toArray())).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    const onRunError = vi.fn();
    const events = await EventLog.readAll(root, { onRunError }).toArray();
    expect(new Set(events.map(event => event.runId))).toEqual(new Set([runId]));
    expect(onRunError).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ code: 'ERR_UNSAFE_PATH' }),
      linked,
    );
  });

  test(`reads ${MANY} runs with bounded descriptors`, async () => {
    const root = quickVolume();
    const runs = Array.from({ length: MANY }, (_, number) =>
      writeRun(root, 'p', UNFINISHED, { start: NOON + number }),
    );
    let most = 0;
    let count = 0;
    for await (const events of EventLog.readAll(root).batches()) {
      count += events.length;
      if (count % 7 === 0) most = Math.max(most, openDescriptors(runs[count % MANY]?.path ?? ''));
    }
    expect(count).toBe(MANY * UNFINISHED.length);
    expect(most).toBeLessThan(2);
  }, 120_000);
});

describe('tailAll', () => {
  test('hands out what is there, then what is appended and what runs appear, within 50 ms', async () => {
    const root = quickVolume();
    const controller = new AbortController();
    const { signal } = controller;
    const volume = EventLog.tailAll(root, { pollInterval: 100_000, signal }); // nothing but a notice can come in time
    const before = await EventLog.create(root, 'p', { lock: false });
    await before.append(gate('before'));
    const { seen, ended } = follow(volume);
    await volume.caughtUp;
    expect(seen).toHaveLength(1);
    const delays: number[] = [];
    for (let number = 0; number < 10; number++) {
      const log = await EventLog.create(root, 'p', { lock: false });
      const { id } = await log.append(gate('new'));
      const appended = performance.now();
      await vi.waitFor(() => expect(idsOf(seen)).toContain(id), { interval: 1, timeout: 5000 });
      delays.push(performance.now() - appended);
      await log.append({ type: 'pipe.completed' });
      await log.close();
    }
    await before.append({ type: 'pipe.completed' });
    await before.close();
    await vi.waitFor(() => expect(seen).toHaveLength(22), { interval: 1, timeout: 5000 });
    delays.sort((a, b) => a - b);
    expect(delays[5]).toBeLessThan(50);
    controller.abort('seen');
    expect(await rejection(ended)).toBe('seen');
  });

  test('ends with the reason of its signal, or with break, also while it waits', async () => {
    const root = quickVolume();
    const controller = new AbortController();
    const volume = EventLog.tailAll(root, { signal: controller.signal });
    const { ended } = follow(volume);
    await volume.caughtUp;
    controller.abort('enough');
    expect(await rejection(ended)).toBe('enough');
    const other = EventLog.tailAll(root);
    const iterator = other[Symbol.asyncIterator]();
    const waiting = iterator.next();
    await other.caughtUp;
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  const WRITERS = Math.max(6, rounds(20));

  test(`${WRITERS} writers in other processes: each event once, in order within its run, by notices and by polling`, async () => {
    const root = quickVolume();
    const EVENTS = 200;
    const logs = await Promise.all(Array.from({ length: WRITERS }, () => EventLog.create(root, 'p')));
    await Promise.all(logs.map(log => log.close()));
    const streams = [EventLog.tailAll(root), EventLog.tailAll(root, { watch: false, pollInterval: 10 })].map(
      follow,
    );
    await Promise.all(
      logs.map(({ runId }) =>
        startProgram('../tail/write', root, runId, 'w', String(EVENTS), 'bursts', 'last').finished(),
      ),
    );
    for (const { seen, cursors } of streams) {
      await vi.waitFor(() => expect(seen).toHaveLength(WRITERS * (EVENTS + 1)), 10_000);
      for (const { runId } of logs) {
        const ofRun = seen.filter(event => event.runId === runId).map(({ event }) => event);
        expect(ofRun).toEqual(await EventLog.read(root, runId).toArray());
      }
      for (const index of [0, 1, 100, WRITERS * 100, WRITERS * (EVENTS + 1) - 2]) {
        const rest = await EventLog.readAll(root, { cursor: cursors[index] }).toArray();
        expect(new Set(idsOf(rest))).toEqual(new Set(idsOf(seen.slice(index + 1))));
        expect(rest).toHaveLength(seen.length - index - 1);
      }
    }
  }, 60_000);

  test('writers that are killed in the middle of a line are followed to what the next one appends', async () => {
    const root = quickVolume();
    const log = await EventLog.create(root, 'p');
    await log.close();
    const { seen } = follow(EventLog.tailAll(root));
    for (let kill = 0; kill < 3; kill++) {
      const writer = startProgram('../tail/dribble-until-killed', root, log.runId, String(kill));
      await writer.next();
      const ofWriter = () => seen.filter(({ event }) => 'node_id' in event && event.node_id === String(kill));
      await vi.waitFor(() => expect(ofWriter().length).toBeGreaterThan(2), 10_000);
      await writer.kill();
    }
    const last = await EventLog.open(root, log.runId);
    await last.append({ type: 'pipe.completed' });
    await last.close();
    const all = await EventLog.read(root, log.runId).toArray();
    await vi.waitFor(() => expect(seen).toHaveLength(all.length), 10_000);
    expect(seen.map(({ event }) => event)).toEqual(all);
  }, 60_000);

  test('a run that is deleted is gone from the cursor, and the others go on', async () => {
    const root = quickVolume();
    const kept = await EventLog.create(root, 'p', { lock: false });
    const deleted = await EventLog.create(root, 'p', { lock: false });
    await deleted.append(gate('1'));
    const volume = EventLog.tailAll(root, { pollInterval: 20 });
    const { seen } = follow(volume);
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    const named = () => JSON.stringify(JSON.parse(volume.cursor).runs);
    expect(named()).toContain(deleted.runId);
    await deleted.close();
    rmSync(dirname(deleted.path), { recursive: true });
    await vi.waitFor(() => expect(named()).not.toContain(deleted.runId), 5000);
    await kept.append(gate('2'));
    await vi.waitFor(() => expect(seen).toHaveLength(2));
    await kept.close();
  });

  test.each(['replaced', 'truncated'])(
    'a log that is %s is an error of its run; the others go on',
    async how => {
      const root = quickVolume();
      const good = await EventLog.create(root, 'p', { lock: false });
      const { path, runId } = writeRun(root, 'q', UNFINISHED, { start: NOON });
      const onRunError = vi.fn();
      const volume = EventLog.tailAll(root, { pollInterval: 20, onRunError });
      const { seen, cursors } = follow(volume);
      await vi.waitFor(() => expect(seen).toHaveLength(UNFINISHED.length));
      const strict = EventLog.tailAll(root, { pollInterval: 20 });
      const failing = rejection(follow(strict).ended);
      await strict.caughtUp;
      if (how === 'replaced') {
        writeLog(
          root,
          await EventLog.read(root, runId)
            .toArray()
            .then(() => line(runId, NOON)),
          `z-${ulid(1).toLowerCase()}`,
        );
        writeFileSync(`${path}.new`, line(runId, NOON).repeat(40));
        renameSync(`${path}.new`, path);
      } else {
        writeFileSync(path, '');
        appendFileSync(path, line(runId, NOON));
      }
      await vi.waitFor(() => expect(onRunError).toHaveBeenCalled(), 5000);
      const code = expect.stringMatching(/^ERR_LOG_(REPLACED|TRUNCATED)$/);
      expect(onRunError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code, path }), runId);
      expect(await failing).toMatchObject({ code, path });
      expect(volume.cursor).toContain(runId);
      expect(await rejection(EventLog.readAll(root, { cursor: cursors.at(-1) }).toArray())).toMatchObject({
        path,
      });
      const { id } = await good.append(gate('still'));
      await vi.waitFor(() => expect(idsOf(seen)).toContain(id));
      await good.close();
    },
  );

  test('a volume that is made later, and a run whose log comes later, are taken in', async () => {
    const root = quickVolume();
    const volume = EventLog.tailAll(root);
    const { seen } = follow(volume);
    await volume.caughtUp;
    const runId = await EventLog.allocate(root, 'p');
    mkdirSync(dirname(logPath(root, runId)), { recursive: true });
    const log = await EventLog.open(root, runId, { create: true });
    await log.append(gate('1'));
    await vi.waitFor(() => expect(seen).toHaveLength(1), 5000);
    await log.close();
  });
});

describe('runs of other vocabularies', () => {
  const builds = defineEvents(
    { 'build.started': { target: field.string() }, 'build.finished': { ok: field.boolean() } },
    { terminal: ['build.finished'] },
  );

  /** A volume with a run of the built-in events and one of builds, both ended. */
  async function twoRuns(): Promise<{ root: string; omne: string; build: string }> {
    const root = quickVolume();
    const omne = await EventLog.create(root, 'feature');
    await omne.append({ type: 'pipe.completed' });
    await omne.close();
    const build = await EventLog.create(root, 'nightly', { events: builds });
    await build.append({ type: 'build.started', target: 'all' });
    await build.append({ type: 'build.finished', ok: true });
    await build.close();
    return { root, omne: omne.runId, build: build.runId };
  }

  test('are read each with the vocabulary it carries', async () => {
    const { root, omne, build } = await twoRuns();
    const all = await EventLog.readAll(root).toArray();
    expect(all.map(({ runId, event }) => [runId, event.type])).toEqual([
      [omne, 'pipe.completed'],
      [build, 'build.started'],
      [build, 'build.finished'],
    ]);
    const finished = await EventLog.readAll(root, { types: ['build.finished'] }).toArray();
    expect(finished.map(({ event }) => event.type)).toEqual(['build.finished']);
  });

  test('are left out where one is asked for, also one that has grown since', async () => {
    const { root, omne, build } = await twoRuns();
    const grown = builds.extend({ 'step.finished': { step: field.string() } });
    const ofBuilds = await EventLog.readAll(root, { events: grown }).toArray();
    expect(ofBuilds.map(({ runId }) => runId)).toEqual([build, build]);
    const ofOmne = await EventLog.readAll(root, { events: omneEvents }).toArray();
    expect(ofOmne.map(({ runId }) => runId)).toEqual([omne]);
  });

  test('are followed on when theirs gets a new type meanwhile', async () => {
    const root = quickVolume();
    const first = await EventLog.create(root, 'nightly', { events: builds });
    await first.append({ type: 'build.started', target: 'all' });
    const ending = new AbortController();
    const seen: string[] = [];
    const tail = EventLog.tailAll(root, { signal: ending.signal });
    const following = (async () => {
      for await (const { event } of tail) {
        seen.push(event.type);
        if (event.type === 'build.finished') ending.abort();
      }
    })().catch((error: unknown) => {
      if (!ending.signal.aborted) throw error;
    });
    await tail.caughtUp;
    await first.close();
    const grown = builds.extend({ 'step.finished': { step: field.string() } });
    const second = await EventLog.open(root, first.runId, { events: grown });
    await second.append({ type: 'step.finished', step: 'lint' });
    await second.append({ type: 'build.finished', ok: true });
    await second.close();
    await following;
    expect(seen).toEqual(['build.started', 'step.finished', 'build.finished']);
  });

  test('with a damaged vocabulary are a problem of that run alone', async () => {
    const { root, omne, build } = await twoRuns();
    writeFileSync(join(root, '.omne/var/runs', build, 'vocabulary.json'), '{');
    expect(await rejection(EventLog.readAll(root).toArray())).toMatchObject({
      code: 'ERR_VOCABULARY_INVALID',
    });
    const failed: string[] = [];
    const rest = await EventLog.readAll(root, { onRunError: (_, runId) => failed.push(runId) }).toArray();
    expect([rest.map(({ runId }) => runId), failed]).toEqual([[omne], [build]]);
  });
});
