/** Tails of runs that were left: who drove them died, and nobody has their log open. */
import { utimesSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { EventLog, type EventTail } from '../../src/index.js';
import { startProgram } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

const STARTED = { type: 'node.started', node_id: 'build', kind: 'bash' } as const;
const QUICK = { pollInterval: 10, orphanAfter: 0 };

/** A run with one event that nobody has open, last written an hour ago. */
async function left(): Promise<{ root: string; runId: string; path: string }> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.append(STARTED);
  await log.close();
  age(log.path);
  return { root: log.root, runId: log.runId, path: log.path };
}

function age(path: string): void {
  const before = new Date(Date.now() - 3_600_000);
  utimesSync(path, before, before);
}

/** Takes what comes; resolves with how many events there were. */
async function follow(tail: EventTail): Promise<number> {
  let count = 0;
  for await (const _event of tail) count++;
  return count;
}

describe('with onOrphan: end', () => {
  test('a tail of a run that was left long ago ends once all was handed out', async () => {
    const { root, runId } = await left();
    const tail = EventLog.tail(root, runId, { onOrphan: 'end' });
    expect(tail.orphaned).toBe(false); // not looked at yet
    expect(await follow(tail)).toBe(1);
    expect(tail.orphaned).toBe(true);
    await tail.caughtUp;
    expect(tail.position).toBeGreaterThan(0);
  });

  test('a tail from the end of such a run ends too', async () => {
    const { root, runId } = await left();
    const tail = EventLog.tail(root, runId, { from: 'end', onOrphan: 'end' });
    expect(await follow(tail)).toBe(0);
    expect(tail.orphaned).toBe(true);
  });

  test('a tail goes on while the writer lives, and ends once it was killed', async () => {
    const { root, runId, path } = await left();
    const owner = startProgram('own-run', root, runId);
    await owner.next();
    const tail = EventLog.tail(root, runId, { ...QUICK, onOrphan: 'end' });
    const following = follow(tail);
    await tail.caughtUp;
    age(path);
    await expect.poll(() => tail.orphaned).toBe(false);
    await owner.kill();
    expect(await following).toBe(1);
    expect(tail.orphaned).toBe(true);
  });

  test('a tail of a run that is silent for less than orphanAfter waits for more', async () => {
    const { root, runId, path } = await left();
    utimesSync(path, new Date(), new Date());
    const tail = EventLog.tail(root, runId, { onOrphan: 'end', pollInterval: 10, orphanAfter: 3_600_000 });
    const following = follow(tail);
    await tail.caughtUp;
    expect(tail.orphaned).toBe(false);
    const { log } = await EventLog.resume(root, runId);
    await log.append({ type: 'pipe.completed' });
    await log.close();
    expect(await following).toBe(2);
    expect(tail.orphaned).toBe(false);
  });

  test('a run that has ended is no orphan, also for a tail that does not stop there', async () => {
    const { root, runId, path } = await left();
    const { log } = await EventLog.resume(root, runId);
    await log.append({ type: 'pipe.completed' });
    await log.close();
    age(path);
    const abort = new AbortController();
    const tail = EventLog.tail(root, runId, {
      ...QUICK,
      onOrphan: 'end',
      stopAtTerminal: false,
      signal: abort.signal,
    });
    const following = follow(tail);
    await tail.caughtUp;
    const looks = vi.spyOn(Date, 'now');
    await vi.waitFor(() => expect(looks.mock.calls.length).toBeGreaterThan(2));
    looks.mockRestore();
    expect(tail.orphaned).toBe(false);
    abort.abort();
    await expect(following).rejects.toThrow();
  });
});

test('by default a tail waits for the run to be resumed, and says meanwhile that it was left', async () => {
  const { root, runId } = await left();
  const tail = EventLog.tail(root, runId, QUICK);
  const following = follow(tail);
  await expect.poll(() => tail.orphaned).toBe(true);
  const { log } = await EventLog.resume(root, runId);
  await expect.poll(() => tail.orphaned).toBe(false); // somebody has it open, if only that
  await log.append(STARTED);
  await log.append({ type: 'pipe.completed' });
  await log.close();
  expect(await following).toBe(3);
  expect(tail.orphaned).toBe(false);
});
