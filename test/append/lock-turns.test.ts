/** Taking turns, with a lock that is a variable and a clock that is set by hand. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Turns } from '../../src/append/lock-turns.js';
import { spread } from '../support/rounds.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  monotonicMs: () => performance.now(),
  nowMs: () => Date.now(),
  sleep: (ms: number) => new Promise(resolve => setTimeout(resolve, ms)),
}));

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_500 }); // in the middle of a second
});
afterEach(() => {
  vi.useRealTimers();
});

/** A lock that one holds at a time, and the log after it: its holder sees who wrote last. */
class Lock {
  readonly path = 'events.jsonl';
  held = false;
  lastWriter: Turns | undefined;

  tryLock(): boolean {
    if (this.held) return false;
    this.held = true;
    return true;
  }

  unlock(): void {
    this.held = false;
  }
}

/** Where in a second something may happen, in milliseconds. */
const PHASES = Array.from({ length: 100 }, (_, index) => 10 * index);

const pass = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

/** A turn: how long it was waited for, and when the lock was taken. */
interface Turn {
  readonly waited: number;
  readonly at: number;
}

/** A turn as a promise, also where the lock was free at once. */
async function taking(turns: Turns): Promise<void> {
  await turns.take();
}

/** Writes for `forMs`: holds the lock for `holdMs`, then leaves it alone for `idleMs`. */
async function writer(lock: Lock, forMs: number, holdMs: number, idleMs = 0): Promise<Turn[]> {
  return write(lock, new Turns(lock), forMs, holdMs, idleMs);
}

async function write(lock: Lock, turns: Turns, forMs: number, holdMs: number, idleMs = 0): Promise<Turn[]> {
  const all: Turn[] = [];
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    const asked = Date.now();
    await turns.take();
    all.push({ waited: Date.now() - asked, at: Date.now() });
    if (lock.lastWriter !== undefined && lock.lastWriter !== turns) turns.metPeer();
    lock.lastWriter = turns;
    await pass(holdMs);
    turns.release();
    if (idleMs > 0) await pass(idleMs);
  }
  return all;
}

async function finish<T>(work: Promise<T>, withinMs = 60_000): Promise<T> {
  await vi.advanceTimersByTimeAsync(withinMs);
  return work;
}

/** Asks for the lock every 25 ms, again and again, as a program does that nobody can see; tells how long it waited. */
async function poller(lock: Lock, forMs: number): Promise<number[]> {
  const waits: number[] = [];
  for (const end = Date.now() + forMs; Date.now() < end; await pass(777)) {
    const asked = Date.now();
    while (!lock.tryLock()) await pass(25);
    waits.push(Date.now() - asked);
    await pass(2);
    lock.unlock();
  }
  return waits;
}

test('a lone writer that pauses now and then by itself never waits', async () => {
  const turns = await finish(writer(new Lock(), 10_000, 2, 40));
  expect(turns.length).toBeGreaterThan(200);
  expect(turns.filter(({ waited }) => waited > 0)).toEqual([]);
});

test('a lone writer that commits back to back leaves the lock alone for 30 ms, once a second', async () => {
  const turns = await finish(writer(new Lock(), 10_000, 2));
  const rests = turns.filter(({ waited }) => waited > 0);
  // It began in the middle of a second, so its first rest may be due in the one after the next.
  expect(rests.length).toBeGreaterThanOrEqual(9);
  expect(rests.length).toBeLessThanOrEqual(10);
  for (const { waited, at } of rests) {
    expect(waited).toBeLessThanOrEqual(32);
    expect(at % 1000).toBeGreaterThanOrEqual(30);
  }
  expect(rests.reduce((sum, { waited }) => sum + waited, 0)).toBeLessThanOrEqual(10_000 * 0.035);
});

test.each(spread([1, 2, 7, 20, 40, 100], 2))(
  'an unseen peer waits little more than a second while commits take %i ms',
  async holdMs => {
    const lock = new Lock();
    const [waits] = await finish(Promise.all([poller(lock, 20_000), writer(lock, 25_000, holdMs)]));
    expect(waits.length).toBeGreaterThan(5);
    expect(Math.max(...waits)).toBeLessThan(1100 + holdMs);
  },
);

test.each(spread([20, 5, 1], 3))(
  'an unseen peer gets its turn among seven writers with commits of %i ms, though each of them asks more often',
  async holdMs => {
    const lock = new Lock();
    const writers = Array.from({ length: 7 }, () => writer(lock, 25_000, holdMs));
    const meanwhile = pass(2000).then(() => poller(lock, 20_000)); // once each of the writers has had a turn
    const [waits] = await finish(Promise.all([meanwhile, ...writers]));
    expect(waits.length).toBeGreaterThan(5);
    expect(Math.max(...waits)).toBeLessThan(1100 + holdMs);
  },
);

test('of two writers that commit back to back one waits a second at most; then they have met and take turns', async () => {
  const lock = new Lock();
  const both = await finish(Promise.all([writer(lock, 10_000, 2), writer(lock, 10_000, 2)]));
  const [one = 0, two = 0] = both.map(turns => turns.length);
  expect(Math.min(one, two) / Math.max(one, two)).toBeGreaterThan(0.5);
  for (const [first, ...later] of both) {
    expect(first?.waited).toBeLessThan(1100);
    expect(Math.max(...later.map(({ waited }) => waited))).toBeLessThan(250);
  }
});

test('a writer that has met a peer steps back a few milliseconds after each commit, for a second', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const lock = new Lock();
  const turns = new Turns(lock);
  await finish(write(lock, turns, 100, 2), 200);
  turns.metPeer();
  const met = Date.now();
  const all = await finish(write(lock, turns, 3000, 2), 5000);
  const back = all.filter(({ waited }) => waited === 2);
  expect(back.length).toBeGreaterThan(200);
  for (const { at } of back) expect(at - met).toBeLessThan(1010);
  expect(all.some(({ waited, at }) => waited === 0 && at - met > 1010)).toBe(true);
});

test('a writer finds out about a peer by waiting for it', async () => {
  const lock = new Lock();
  const turns = new Turns(lock);
  lock.tryLock();
  setTimeout(() => lock.unlock(), 60);
  const [first, ...others] = await finish(write(lock, turns, 300, 2), 1000);
  expect(first?.waited).toBeGreaterThanOrEqual(60);
  expect(first?.waited).toBeLessThan(70);
  expect(others.every(({ waited }) => waited < 40)).toBe(true);
  expect(others.filter(({ waited }) => waited > 0).length).toBeGreaterThan(others.length / 2);
});

test('a writer that has had no turn for a second takes its turn at once, also in the quiet part of a second', async () => {
  const lock = new Lock();
  const turns = new Turns(lock);
  await finish(write(lock, turns, 10, 2), 20);
  vi.setSystemTime(1_000_005_000);
  turns.metPeer();
  const [first] = await finish(write(lock, turns, 1, 2), 100);
  expect(first).toEqual({ waited: 0, at: 1_000_005_000 });
});

test('a clock that went back holds nobody up', async () => {
  const lock = new Lock();
  const turns = new Turns(lock);
  await finish(write(lock, turns, 3000, 2), 4000);
  vi.setSystemTime(5);
  const all = await finish(write(lock, turns, 900, 2), 2000);
  expect(Math.max(...all.map(({ waited }) => waited))).toBeLessThanOrEqual(32);
});

test.each([
  ['a lone writer', false],
  ['a writer that has met others', true],
])(
  'after a commit of 5 s %s leaves the lock alone for a moment, wherever in a second that ends',
  async (_, met) => {
    for (const phase of spread(PHASES, 4)) {
      vi.setSystemTime(1_000_000_000 + phase);
      const turns = new Turns(new Lock());
      await finish(taking(turns), 1000);
      await finish(pass(5000 - 1000), 5000);
      turns.release();
      if (met) turns.metPeer();
      const asked = Date.now();
      const taken = taking(turns).then(() => Date.now() - asked);
      expect(await finish(taken, 10_000)).toBeLessThanOrEqual(160);
    }
  },
);

test('the time a writer leaves the lock alone counts against its budget', async () => {
  for (const phase of PHASES.slice(0, 20)) {
    vi.setSystemTime(1_000_000_000 + phase);
    const lock = new Lock();
    const turns = new Turns(lock, 100);
    await finish(taking(turns), 1000);
    await finish(pass(80), 80);
    turns.release();
    turns.metPeer();
    lock.held = true; // by another one, for good
    const asked = Date.now();
    const refused = taking(turns).catch((error: unknown) => ({ error, waited: Date.now() - asked }));
    expect(await finish(refused, 1000)).toMatchObject({ error: { code: 'ERR_LOCK_TIMEOUT' }, waited: 100 });
  }
});

test('a lock that is never free is given up when the budget is used up, and nothing stays held', async () => {
  const lock = new Lock();
  lock.tryLock();
  const asked = Date.now();
  const waiting = taking(new Turns(lock, 250)).catch((error: unknown) => ({ error, at: Date.now() }));
  expect(await finish(waiting, 1000)).toMatchObject({
    error: { code: 'ERR_LOCK_TIMEOUT', path: lock.path },
    at: asked + 250,
  });
  lock.unlock();
  await new Turns(lock).take();
  expect(lock.held).toBe(true);
});
