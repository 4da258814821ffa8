/** A saved fold: what goes on from it comes to the same state, and what is not whole goes on from nothing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLog, type RunSnapshot, RunStateReducer } from '../../src/index.js';
import { events as anyEvent } from '../support/arbitraries.js';
import { RUN_ID, sampleEvents } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

/** By way of JSON, as a file or a database has it. */
function kept(snapshot: RunSnapshot): RunSnapshot {
  return JSON.parse(JSON.stringify(snapshot));
}

const INVALID = expect.objectContaining({ code: 'ERR_SNAPSHOT_INVALID' });

describe('a fold that is saved', () => {
  test('goes on to the state that a fold of everything comes to, wherever it was saved', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.nat(), (all, pick) => {
        const events = all.map((event, index) => ({
          ...event,
          run_id: RUN_ID,
          id: String(index).padStart(26, '0'),
        }));
        const at = events.length === 0 ? 0 : pick % (events.length + 1);
        const whole = new RunStateReducer();
        for (const event of events) whole.apply(event);
        const first = new RunStateReducer();
        for (const event of events.slice(0, at)) first.apply(event);
        const second = RunStateReducer.from(kept(first.snapshot(0)), RUN_ID);
        expect(second.state).toEqual(first.state);
        for (const event of events.slice(at)) second.apply(event);
        expect(second.state).toEqual(whole.state);
      }),
    );
  });

  test('holds the position to go on from', async () => {
    await using log = await EventLog.create(temporaryVolume(), 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    const reader = log.read();
    const reducer = new RunStateReducer();
    for await (const event of reader) reducer.apply(event);
    const snapshot = kept(reducer.snapshot(reader.position));
    await log.append({ type: 'node.started', node_id: 'n', kind: 'bash' });
    const next = RunStateReducer.from(snapshot, log.runId);
    for await (const event of log.read({ from: snapshot.position })) next.apply(event);
    expect(next.state.eventCount).toBe(2);
    expect(next.state.nodes).toMatchObject([{ nodeId: 'n', attempts: 1 }]);
  });

  test('shares nothing with the reducer it was made of', () => {
    const [first, ...rest] = sampleEvents(20);
    const reducer = new RunStateReducer();
    if (first !== undefined) reducer.apply(first);
    const snapshot = reducer.snapshot(0);
    const before = JSON.stringify(snapshot);
    for (const event of rest) reducer.apply(event);
    expect(JSON.stringify(snapshot)).toBe(before);
    const restored = RunStateReducer.from(snapshot);
    for (const event of rest) restored.apply(event);
    expect(JSON.stringify(snapshot)).toBe(before);
  });

  test('is whole whatever order a database gives its keys back in', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .reverse()
                .map(([name, part]) => [name, reversed(part)]),
            )
          : value;
    const reducer = new RunStateReducer();
    for (const event of sampleEvents(30)) reducer.apply(event);
    const snapshot: RunSnapshot = JSON.parse(JSON.stringify(reversed(reducer.snapshot(7))));
    expect(RunStateReducer.from(snapshot).state).toEqual(reducer.state);
  });
});

describe('a snapshot that is not whole', () => {
  const reducer = new RunStateReducer();
  for (const event of sampleEvents(12)) reducer.apply(event);
  const good = kept(reducer.snapshot(900));

  test('is refused for any value in it that was changed', () => {
    const paths: string[][] = [];
    const walk = (value: unknown, path: string[]): void => {
      if (typeof value !== 'object' || value === null) paths.push(path);
      else for (const [name, part] of Object.entries(value)) walk(part, [...path, name]);
    };
    walk(good, []);
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) {
      const damaged = kept(good);
      const parent = path
        .slice(0, -1)
        .reduce<unknown>((value, name) => Reflect.get(Object(value), name), damaged);
      Reflect.set(Object(parent), path.at(-1) ?? '', 'x');
      expect(() => RunStateReducer.from(damaged), path.join('.')).toThrow(INVALID);
    }
  });

  test('is refused when it is something else altogether', () => {
    for (const other of [
      null,
      undefined,
      5,
      'text',
      [],
      {},
      { format: 1 },
      { ...good, format: 2 },
      { format: 3 },
    ]) {
      expect(() => Reflect.apply(RunStateReducer.from, RunStateReducer, [other])).toThrow(INVALID);
    }
  });

  test('is refused when it is of another run, by name or by the first event after it', () => {
    const other = RUN_ID.replace('feature', 'other');
    expect(() => RunStateReducer.from(good, other)).toThrow(INVALID);
    const [event] = sampleEvents(13).slice(-1);
    if (event === undefined) throw new Error('there is an event');
    expect(() => RunStateReducer.from(good).apply({ ...event, run_id: other })).toThrow(INVALID);
  });

  test('is refused when its last event would be counted twice', () => {
    const [last] = sampleEvents(12).slice(-1);
    if (last === undefined) throw new Error('there is an event');
    expect(() => RunStateReducer.from(good).apply(last)).toThrow(INVALID);
  });

  test('needs a position', () => {
    for (const position of [-1, 1.5, Number.NaN]) expect(() => reducer.snapshot(position)).toThrow(TypeError);
  });
});
