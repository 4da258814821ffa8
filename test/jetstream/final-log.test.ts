/** What a mirror takes for final, and what the writers notice of its asking. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openLogFile } from '../../src/append/log-file.js';
import { omneEvents } from '../../src/format/events.js';
import { FinalLog } from '../../src/jetstream/ship/final-log.js';
import { eventsIn } from '../../src/jetstream/ship/segment-events.js';
import { tryLock, unlock } from '../../src/volume/flock.js';
import { placesOf } from '../../src/volume/places.js';
import {
  lineOf,
  linesOf,
  logPath,
  RUN_ID,
  rejection,
  sampleEvent,
  sampleEvents,
  writeLog,
} from '../support/logs.js';
import { programPath } from '../support/programs.js';
import { temporaryVolume } from '../support/volume.js';

const PROGRAM = programPath('processes/look-between-commits');
const TEXT = linesOf(sampleEvents(30));
const END = Buffer.byteLength(TEXT);

describe('the final part of a log', () => {
  let root: string;
  let path: string;
  let log: FinalLog;

  beforeEach(async () => {
    root = temporaryVolume();
    writeLog(root, TEXT, RUN_ID);
    path = logPath(root, RUN_ID);
    log = await FinalLog.open(placesOf(root, RUN_ID));
    onTestFinished(() => log.close());
  });

  test('ends with its last whole line', async () => {
    expect(await log.end(0)).toBe(END);
    appendFileSync(path, '{"type":"node');
    expect([await log.end(0), await log.end(END)]).toEqual([END, END]);
    expect(await log.bytes(0, END)).toEqual(Buffer.from(TEXT));
  });

  test('is unknown during a commit, and leaves out what that takes back', async () => {
    const file = await openLogFile(placesOf(root, RUN_ID));
    onTestFinished(() => file.close());
    expect(file.tryLock()).toBe(true);
    appendFileSync(path, lineOf(sampleEvent(30)));
    expect(await log.end(END)).toBeUndefined();
    const waiting = log.end(END);
    truncateSync(path, END); // its sync has failed
    file.unlock();
    expect(await waiting).toBe(END);
    appendFileSync(path, lineOf(sampleEvent(31)));
    expect(await log.end(END)).toBe(END + Buffer.byteLength(lineOf(sampleEvent(31))));
  });

  test('is waited for without a hold on the processor, which the writer may need to end its commit', async () => {
    const file = await openLogFile(placesOf(root, RUN_ID));
    onTestFinished(() => file.close());
    expect(file.tryLock()).toBe(true);
    const before = performance.eventLoopUtilization();
    const short = 1; // so that all pauses are of the shortest
    for (let times = 0; times < 10; times++) expect(await log.end(END, short)).toBeUndefined();
    expect(performance.eventLoopUtilization(before).idle).toBeGreaterThan(0);
  });

  test('leaves out a hole of the last write, which its next writer cuts off, and what is after it', async () => {
    const hole = Buffer.alloc(1024 - (END % 512));
    appendFileSync(path, Buffer.concat([hole, Buffer.from(`"}\n${lineOf(sampleEvent(31))}`)]));
    expect(await log.end(END)).toBe(END);
    expect(await log.end(0)).toBe(END);
  });

  test('reports that the log became shorter, or is another file', async () => {
    truncateSync(path, 100);
    expect(await rejection(log.end(END))).toMatchObject({ code: 'ERR_LOG_TRUNCATED', offset: 100 });
  });

  test('is cut into whole lines of a size, or one that is longer, or none where that is too long', async () => {
    const long = `${'x'.repeat(5000)}\n`;
    appendFileSync(path, `${long}short\n`);
    const end = readFileSync(path).length;
    const first = await log.lines(0, end, 1000, 10_000);
    expect(first.length).toBeGreaterThan(700);
    expect(first.length).toBeLessThanOrEqual(1000);
    expect(TEXT.startsWith(first.toString())).toBe(true);
    expect(first.at(-1)).toBe(0x0a);
    expect((await log.lines(END, end, 1000, 10_000)).toString()).toBe(long);
    expect((await log.lines(END, end, 1000, 5001)).toString()).toBe(long);
    expect(await log.lines(END, end, 1000, 5000)).toHaveLength(0);
  });
});

test('readers that look between commits do not keep a writer from its lock', async () => {
  const root = temporaryVolume();
  writeLog(root, TEXT, RUN_ID);
  const path = logPath(root, RUN_ID);
  const looking = spawn(process.execPath, [PROGRAM, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void looking.kill('SIGKILL'));
  await once(looking.stdout, 'data');
  const file = await openLogFile(placesOf(root, RUN_ID));
  const fd = openSync(path, 'r');
  onTestFinished(async () => {
    closeSync(fd);
    await file.close();
  });
  /** How often of some hundred times each is refused: the lock as such, and the writer. */
  const refusals = (): readonly [plain: number, writer: number] => {
    let [plain, writer] = [0, 0];
    for (let turn = 0; turn < 100; turn++) {
      if (!tryLock(fd, path)) plain++;
      unlock(fd);
      if (!file.tryLock()) writer++;
      file.unlock();
    }
    return [plain, writer];
  };
  // Whoever is stopped by a busy machine while he holds the lock refuses it to both, so one undisturbed round is waited for.
  await vi.waitFor(
    () => {
      const [plain, writer] = refusals();
      expect(plain).toBeGreaterThan(10);
      expect(writer).toBeLessThan(plain / 10);
    },
    { timeout: 25_000, interval: 1 },
  );
  expect(looking.exitCode).toBeNull();
});

test('the events of a segment are counted, malformed lines are not, and the end of the run is seen', () => {
  const [first = '', second = ''] = [lineOf(sampleEvent(0)), lineOf(sampleEvent(1))];
  const spaced = first.replace('{', '{ ');
  const count = (...lines: (string | Buffer)[]) =>
    eventsIn(Buffer.concat(lines.map(line => Buffer.from(line))), omneEvents);
  expect(count(first, second)).toEqual({ events: 2, ended: false });
  expect(count(first, '{}\n', '\n', spaced, 'x\n')).toEqual({ events: 2, ended: false });
  const end = JSON.stringify({ type: 'pipe.completed', id: 'x', ts: '', run_id: RUN_ID });
  expect(count(first, `${end}\n`)).toEqual({ events: 2, ended: true });
  expect(count(Buffer.from([0xff, 0x0a]), first, ` ${end}\n`)).toEqual({ events: 2, ended: true });
});
