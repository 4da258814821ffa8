/** Runs that somebody looks at: how long they are followed after the last one looked away. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { RunHubs } from '../../src/web/run-hub.js';
import { type RunServerSource, volumeRuns } from '../../src/web/source.js';
import { UNFINISHED, writeRun } from '../support/cli-runs.js';
import { quickVolume } from '../support/quick-volume.js';

const LINGER_MS = 20_000;
const MOST_IDLE = 32;

/** A clock that a test sets, and the timer that is set for the time that a run lingers. */
const clock = vi.hoisted((): { now: number; due: (() => void) | undefined } => ({ now: 0, due: undefined }));

vi.mock('../../src/real-time.js', async importOriginal => {
  const real = await importOriginal<typeof import('../../src/real-time.js')>();
  return {
    ...real,
    monotonicMs: () => clock.now,
    startTimer: (work: () => void, milliseconds: number) => {
      if (milliseconds !== LINGER_MS) return real.startTimer(work, milliseconds);
      clock.due = work;
      return real.startTimer(() => undefined, 0);
    },
  };
});

/** Hubs of a volume with so many runs, and those that are followed. */
function hubsOf(count: number): { hubs: RunHubs; runIds: string[]; followed: () => string[] } {
  const root = quickVolume();
  const runIds = Array.from({ length: count }, (_, index) => writeRun(root, `p${index}`, UNFINISHED).runId);
  const tails: { runId: string; signal: AbortSignal }[] = [];
  const source: RunServerSource = {
    ...volumeRuns(root),
    tail: (runId, options) => {
      tails.push({ runId, signal: options.signal });
      return volumeRuns(root).tail(runId, options);
    },
  };
  const hubs = new RunHubs(source);
  onTestFinished(() => hubs.close());
  const followed = () => tails.filter(({ signal }) => !signal.aborted).map(({ runId }) => runId);
  return { hubs, runIds, followed };
}

function timePasses(milliseconds: number): void {
  clock.now += milliseconds;
  const { due } = clock;
  clock.due = undefined;
  due?.();
}

test('a run is followed for a while after the last one looked away, and read again when one looks again', async () => {
  const { hubs, runIds, followed } = hubsOf(2);
  const [first = '', second = ''] = runIds;
  const look = async (runId: string) => hubs.using(runId, async hub => hub.view.count);
  expect(await look(first)).toBe(UNFINISHED.length);
  clock.now += LINGER_MS / 2;
  expect(await look(second)).toBe(UNFINISHED.length);
  expect(followed()).toEqual([first, second]);
  timePasses(LINGER_MS / 2);
  expect(followed()).toEqual([second]);
  timePasses(LINGER_MS);
  expect(followed()).toEqual([]);
  expect(clock.due).toBeUndefined(); // nothing is waited for
  expect(await look(first)).toBe(UNFINISHED.length);
  expect(followed()).toEqual([first]);
});

test('a run that is looked at is not let go, however long', async () => {
  const { hubs, runIds, followed } = hubsOf(2);
  const [looked = '', left = ''] = runIds;
  await hubs.using(looked, async () => {
    await hubs.using(left, async () => undefined);
    timePasses(LINGER_MS);
    expect(followed()).toEqual([looked]);
    timePasses(100 * LINGER_MS);
    expect(followed()).toEqual([looked]);
  });
});

test('of more runs than a bound that nobody looks at, those left longest ago are let go at once', async () => {
  const { hubs, runIds, followed } = hubsOf(MOST_IDLE + 3);
  for (const runId of runIds) {
    await hubs.using(runId, async () => undefined);
    clock.now += 1;
  }
  expect(followed()).toEqual(runIds.slice(3));
});

test('a row that cannot be looked at when the list says that it changed is no failure of the run', async () => {
  const root = quickVolume();
  const { runId } = writeRun(root, 'p', UNFINISHED);
  const volume = volumeRuns(root);
  let asked = 0;
  const hubs = new RunHubs({
    ...volume,
    row: id => (asked++ === 0 ? volume.row(id) : Promise.reject(new Error('no disk'))),
  });
  onTestFinished(() => hubs.close());
  await hubs.using(runId, async hub => {
    hubs.rowChanged(runId);
    await expect.poll(() => asked).toBe(2);
    expect(hub.failure).toBeUndefined();
    expect(hub.view.count).toBe(UNFINISHED.length);
  });
});
