import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog, type Problem, type RunEvent, repairRun, verifyRun } from '../../src/index.js';
import { tryLock } from '../../src/volume/flock.js';
import { logPath, openDescriptors, REFERENCE, RUN_ID, rejection, writeLog } from '../support/logs.js';
import { completedRun, logOf, SMALL_RUN } from '../support/small-run.js';
import { testNotOnWindows } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const LINES = completedRun().map(event => logOf([event]).toString());
/** The lines of a small run, some of them replaced by other text. */
const log = (changes: Readonly<Record<number, string>> = {}) =>
  LINES.map((line, index) => changes[index + 1] ?? line).join('');
/** Where a line of the unchanged log starts. */
const startOf = (line: number) => Buffer.byteLength(LINES.slice(0, line - 1).join(''));
/** An event of the small run with other values. */
const changed = (line: number, values: Partial<Pick<RunEvent, 'id' | 'run_id'>>) =>
  `${JSON.stringify({ ...JSON.parse(LINES[line - 1] ?? ''), ...values })}\n`;
const idOf = (line: number) => completedRun()[line - 1]?.id ?? '';

function volumeWith(content: string | Uint8Array): { root: string; path: string } {
  const root = temporaryVolume();
  return { root, path: writeLog(root, content, SMALL_RUN) };
}

/** All that there is to see of a run folder. */
/** What is in a run folder, but for the file of marks that whoever opens a log on Windows leaves. */
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter(name => process.platform !== 'win32' || name !== '.live')
    .sort();

const pictureOf = (path: string) => {
  const { ino, size, mtimeNs, ctimeNs, mode } = statSync(path, { bigint: true });
  const folder = filesIn(dirname(path));
  return { ino, size, mtimeNs, ctimeNs, mode, folder, bytes: readFileSync(path).toString('base64') };
};

const shown = (problems: readonly Problem[]) =>
  problems.map(({ kind, line, offset }) => [kind, line, offset]);

test('a whole log is ok, and the report counts what is in it', async () => {
  const { root, path } = volumeWith(log());
  const size = Buffer.byteLength(log());
  expect(await verifyRun(root, SMALL_RUN)).toEqual({
    runId: SMALL_RUN,
    path,
    ok: true,
    bytes: size,
    lines: 7,
    events: 7,
    tornBytes: 0,
    ended: true,
    problemCount: 0,
    problems: [],
    warningCount: 1, // in this run a node that has completed fails
    warnings: [expect.objectContaining({ kind: 'end-without-start', line: 6 })],
  });
  writeLog(root, REFERENCE);
  expect(await verifyRun(root, RUN_ID)).toMatchObject({ ok: true, lines: 1000, events: 1000, warnings: [] });
});

test('an empty log is ok and has not ended', async () => {
  const { root } = volumeWith('');
  const report = await verifyRun(root, SMALL_RUN);
  expect(report).toMatchObject({ ok: true, bytes: 0, lines: 0, ended: false });
});

const torn = '{"type":"gate.pas';
const behind = startOf(8); // the end of the whole log
const cases: [name: string, content: string, problems: [Problem['kind'], number, number][]][] = [
  ['a line that is no JSON', log({ 3: 'nonsense\n' }), [['malformed', 3, startOf(3)]]],
  ['a blank line', log({ 1: '\n' }), [['malformed', 1, 0]]],
  ['a NUL byte', log({ 5: `\0${LINES[4]?.slice(1)}` }), [['malformed', 5, startOf(5)]]],
  [
    'an unknown type',
    log({ 7: LINES[6]?.replace('completed', 'complete') ?? '' }),
    [['malformed', 7, startOf(7)]],
  ],
  ['an id twice', log({ 4: changed(4, { id: idOf(3) }) }), [['id-not-rising', 4, startOf(4)]]],
  [
    'ids below the greatest before them',
    log({ 2: changed(2, { id: idOf(5) }) }),
    [
      ['id-not-rising', 3, startOf(3)],
      ['id-not-rising', 4, startOf(4)],
      ['id-not-rising', 5, startOf(5)],
    ],
  ],
  [
    'an event of another run',
    log({ 6: changed(6, { run_id: SMALL_RUN.replace('p-', 'q-') }) }),
    [['foreign-run-id', 6, startOf(6)]],
  ],
  [
    'events after the terminal one',
    log() + changed(2, { id: '01kp8g6dg1' }) + changed(3, { id: '01kp8g6dg2' }),
    [
      ['behind-terminal', 8, behind],
      ['behind-terminal', 9, behind + Buffer.byteLength(changed(2, { id: '01kp8g6dg1' }))],
    ],
  ],
  ['a torn tail', log() + torn, [['torn-tail', 8, behind]]],
  ['a torn tail and nothing else', torn, [['torn-tail', 1, 0]]],
  [
    'several things wrong with one line',
    log() + changed(1, { run_id: RUN_ID }),
    [
      ['id-not-rising', 8, behind],
      ['foreign-run-id', 8, behind],
      ['behind-terminal', 8, behind],
    ],
  ],
];

test.each(cases)('line and offset are named for %s', async (_, content, problems) => {
  const { root } = volumeWith(content);
  const report = await verifyRun(root, SMALL_RUN);
  expect(shown(report.problems)).toEqual(problems);
  expect(report.ok).toBe(false);
  expect(report.problemCount).toBe(problems.length);
  expect(report.tornBytes).toBe(content.endsWith(torn) ? torn.length : 0);
  for (const { message } of report.problems) expect(message).toMatch(/\w/);
});

test('a whole line over the limit is named, and checking goes on after it', async () => {
  const { root } = volumeWith(log({ 2: `${'x'.repeat(401)}\n`, 4: 'nonsense\n' }));
  const report = await verifyRun(root, SMALL_RUN, { maxLineBytes: 400 });
  expect(shown(report.problems)).toEqual([
    ['line-too-long', 2, startOf(2)],
    ['malformed', 4, startOf(2) + 402 + (LINES[2]?.length ?? 0)],
  ]);
  expect(report).toMatchObject({ lines: 7, events: 5 });
});

test('after a line over the limit that no buffer holds, checking goes on, to the end of the run', async () => {
  const long = `${'x'.repeat(600_000)}\n`;
  const { root } = volumeWith(log({ 2: long, 4: 'nonsense\n' }));
  const report = await verifyRun(root, SMALL_RUN, { maxLineBytes: 1000 });
  expect(shown(report.problems)).toEqual([
    ['line-too-long', 2, startOf(2)],
    ['malformed', 4, startOf(2) + long.length + (LINES[2]?.length ?? 0)],
  ]);
  expect(report.problems[0]?.message).toMatch(/600000 bytes, over the limit of 1000 .*--max-line-bytes/);
  expect(report).toMatchObject({ lines: 7, events: 5, ended: true, tornBytes: 0 });
});

test('bytes without an end are a torn tail, also over the limit', async () => {
  const { root } = volumeWith(`${log()}${'x'.repeat(600_000)}`);
  const report = await verifyRun(root, SMALL_RUN, { maxLineBytes: 1000 });
  expect(shown(report.problems)).toEqual([['torn-tail', 8, behind]]);
  expect(report).toMatchObject({ lines: 7, events: 7, ended: true, tornBytes: 600_000 });
});

test('the report lists maxProblems at most, in file order, and counts them all', async () => {
  const { root } = volumeWith('nonsense\n'.repeat(2000));
  const byDefault = await verifyRun(root, SMALL_RUN);
  expect([byDefault.problems.length, byDefault.problemCount]).toEqual([1000, 2000]);
  expect(byDefault.problems.at(-1)).toMatchObject({ line: 1000, offset: 999 * 9 });
  const three = await verifyRun(root, SMALL_RUN, { maxProblems: 3 });
  expect([three.problems.length, three.problemCount]).toEqual([3, 2000]);
  const none = await verifyRun(root, SMALL_RUN, { maxProblems: 0 });
  expect([none.problems.length, none.problemCount, none.ok]).toEqual([0, 2000, false]);
});

test('lines are counted on across the blocks in which the log is read', async () => {
  const root = temporaryVolume();
  const copies = 20; // of 200 KiB: each block ends inside a line somewhere else
  const content = Buffer.concat([...Array<Buffer>(copies).fill(REFERENCE), Buffer.from('nonsense\n')]);
  writeLog(root, content);
  const report = await verifyRun(root, RUN_ID, { maxProblems: 100_000 });
  expect(report).toMatchObject({ lines: 20_001, events: 20_000, bytes: content.length });
  expect(report.problems.filter(({ kind }) => kind === 'malformed')).toMatchObject([
    { line: 20_001, offset: REFERENCE.length * copies },
  ]);
});

test('progress rises to the size of the log', async () => {
  const root = temporaryVolume();
  writeLog(root, Buffer.concat(Array<Buffer>(5).fill(REFERENCE)));
  const size = REFERENCE.length * 5;
  const seen: number[] = [];
  await verifyRun(root, RUN_ID, {
    onProgress: (bytes, total) => {
      expect(total).toBe(size);
      seen.push(bytes);
    },
  });
  expect(seen.length).toBeGreaterThan(3);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(size);
});

test('a line that a writer is in the midst of committing is waited for, and is no torn tail', async () => {
  const { root, path } = volumeWith(log().slice(0, -20));
  const writer = openSync(path, 'r+');
  expect(tryLock(writer, path)).toBe(true);
  let looks = 0;
  const report = await verifyRun(root, SMALL_RUN, {
    onProgress: () => {
      if (++looks !== 2) return; // the end that there is at this moment has been reached
      setImmediate(() => {
        appendFileSync(path, log().slice(-20));
        closeSync(writer); // which unlocks
      });
    },
  });
  expect(looks).toBeGreaterThan(2);
  expect(report).toMatchObject({ ok: true, lines: 7, tornBytes: 0, ended: true });
});

test('a signal ends the checking with its reason, and the file is closed', async () => {
  const root = temporaryVolume();
  const path = writeLog(root, Buffer.concat(Array<Buffer>(5).fill(REFERENCE)));
  const reason = new Error('enough');
  await expect(verifyRun(root, RUN_ID, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const stop = new AbortController();
  let calls = 0;
  const verifying = verifyRun(root, RUN_ID, {
    signal: stop.signal,
    onProgress: () => {
      calls++;
      stop.abort(reason);
    },
  });
  await expect(verifying).rejects.toBe(reason);
  expect(calls).toBe(1);
  expect(openDescriptors(path)).toBe(0);
});

test.each(cases)('verifying a log with %s changes no byte and makes no file', async (_, content) => {
  const { root, path } = volumeWith(content);
  const before = pictureOf(path);
  await verifyRun(root, SMALL_RUN);
  expect(pictureOf(path)).toEqual(before);
});

test.each([verifyRun, repairRun])(
  '%o names a run that is not there and a bad id, and makes nothing',
  async run => {
    const root = temporaryVolume();
    await expect(run(root, '../up')).rejects.toMatchObject({ code: 'ERR_INVALID_RUN_ID' });
    await expect(run(root, SMALL_RUN)).rejects.toMatchObject({ code: 'ERR_RUN_NOT_FOUND' });
    expect(readdirSync(root)).toEqual([]);
  },
);

for (const run of [verifyRun, repairRun]) {
  testNotOnWindows('Wine makes no links', `${run.name} names a log that is a link`, async () => {
    const root = temporaryVolume();
    const elsewhere = writeLog(temporaryVolume(), log(), SMALL_RUN);
    const path = logPath(root, SMALL_RUN);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(elsewhere, path);
    await expect(run(root, SMALL_RUN)).rejects.toMatchObject({ code: 'ERR_UNSAFE_PATH' });
  });
}

test('repairRun leaves a whole log alone and returns undefined', async () => {
  for (const content of [log(), '']) {
    const { root, path } = volumeWith(content);
    const before = pictureOf(path);
    expect(await repairRun(root, SMALL_RUN)).toBeUndefined();
    expect(pictureOf(path)).toEqual(before);
  }
});

test('repairRun cuts a torn tail, keeps its bytes, and reports both', async () => {
  const { root, path } = volumeWith(log() + torn);
  const cut = await repairRun(root, SMALL_RUN);
  expect(cut).toMatchObject({ offset: behind, bytes: torn.length });
  expect(readFileSync(cut?.savedTo ?? '', 'utf8')).toBe(torn);
  expect(filesIn(dirname(path))).toEqual(['events.jsonl', basename(cut?.savedTo ?? '')]);
  expect(await verifyRun(root, SMALL_RUN)).toMatchObject({ ok: true, bytes: behind });
  expect(await repairRun(root, SMALL_RUN)).toBeUndefined();
});

test('repairRun cuts a lost page and the lines after it', async () => {
  const content = Buffer.from(log());
  content.fill(0, 512, 1024);
  const { root } = volumeWith(content);
  const offset = content.subarray(0, 512).lastIndexOf('\n') + 1;
  expect(await repairRun(root, SMALL_RUN)).toMatchObject({ offset, bytes: content.length - offset });
  expect(await verifyRun(root, SMALL_RUN)).toMatchObject({ ok: true, bytes: offset, ended: false });
});

test('repairRun touches nothing but the tail: what is wrong further up stays, and stays reported', async () => {
  const { root, path } = volumeWith(log({ 3: 'nonsense\n' }) + torn);
  expect(await repairRun(root, SMALL_RUN)).toMatchObject({ bytes: torn.length });
  expect(readFileSync(path, 'utf8')).toBe(log({ 3: 'nonsense\n' }));
  const report = await verifyRun(root, SMALL_RUN);
  expect(shown(report.problems)).toEqual([['malformed', 3, startOf(3)]]);
});

test.each([
  ['the last line', log({ 7: 'nonsense\n' })],
  ['the line before a torn tail', log({ 7: 'nonsense\n' }) + torn],
])('damage in %s is ERR_LOG_CORRUPT with line and offset, and nothing is touched', async (_, content) => {
  const { root, path } = volumeWith(content);
  const before = pictureOf(path);
  const error = await rejection(repairRun(root, SMALL_RUN));
  expect(error).toMatchObject({ code: 'ERR_LOG_CORRUPT', path, line: 7, offset: startOf(7) });
  expect(pictureOf(path)).toEqual(before);
});

test('what verifyRun says of an open log is what is wrong with it now', async () => {
  await using open = await EventLog.create(temporaryVolume(), 'feature');
  await open.append({ type: 'pipe.started', pipe: 'feature' });
  expect(await verifyRun(open.root, open.runId)).toMatchObject({ ok: true, events: 1, ended: false });
});
