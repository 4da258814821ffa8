/** Under fake timers a log is written, followed and waited for as without. */
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { EventLog } from '../src/index.js';
import { tryLock, unlock, waitForLock } from '../src/volume/flock.js';
import { temporaryVolume } from './support/volume.js';

const { nextTick } = process;

function fake(): void {
  vi.useFakeTimers({
    toFake: [
      'setTimeout',
      'clearTimeout',
      'setInterval',
      'setImmediate',
      'queueMicrotask',
      'Date',
      'performance',
    ],
  });
}

afterEach(() => {
  vi.useRealTimers();
  process.nextTick = nextTick;
});

test('appends resolve, also where nextTick is fake as Jest makes it, and a tail sees them', async () => {
  const root = temporaryVolume();
  fake();
  await using log = await EventLog.create(root, 'p');
  const tail = log.tail({ watch: false, pollInterval: 5 })[Symbol.asyncIterator]();
  process.nextTick = () => undefined;
  const appended = log.append({ type: 'pipe.started', pipe: 'p' });
  for (let turn = 0; turn < 20; turn++) await undefined; // all promise jobs of the append
  process.nextTick = nextTick; // Node itself, and so the test runner, cannot do without for long
  await appended;
  expect((await tail.next()).value?.type).toBe('pipe.started');
  const next = tail.next(); // waits for the poll
  await log.append({ type: 'pipe.completed' });
  expect((await next).value?.type).toBe('pipe.completed');
  expect(existsSync(log.path)).toBe(true);
});

test('waiting for a run that does not appear ends', async () => {
  const root = temporaryVolume();
  const runId = await EventLog.allocate(root, 'p');
  fake();
  await expect(EventLog.tail(root, runId, { appearTimeout: 50 }).toArray()).rejects.toMatchObject({
    code: 'ERR_RUN_NOT_FOUND',
  });
});

test('waiting for a lock ends', async () => {
  await using log = await EventLog.create(temporaryVolume(), 'p');
  const [holder, waiter] = [openSync(log.path, 'r'), openSync(log.path, 'r')];
  expect(tryLock(holder, log.path)).toBe(true);
  fake();
  const waiting = waitForLock(() => tryLock(waiter, log.path), log.path, 50);
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_LOCK_TIMEOUT' });
  unlock(holder);
  for (const fd of [holder, waiter]) closeSync(fd);
});

test('nothing in the source takes a timer or a clock of the global scope, but for the page, which runs in a browser', () => {
  const source = new URL('../src/', import.meta.url);
  const taken =
    /\b(?:set|clear)(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b|\bperformance\.now\b|\bDate\.now\b|new Date\(\)|timers\/promises/;
  const taking = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && name !== 'real-time.ts' && !name.startsWith('web/page/'))
    .filter(name => {
      const comments = /\/\*[\s\S]*?\*\/|(?<=\s)\/\/.*$/gm;
      return taken.test(readFileSync(new URL(name, source), 'utf8').replaceAll(comments, ''));
    });
  expect(taking).toEqual([]);
});
