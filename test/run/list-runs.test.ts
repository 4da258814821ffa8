import { execFileSync } from 'node:child_process';
import fs, {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ulid } from 'ulid';
import { describe, expect, test, vi } from 'vitest';
import { MAX_LINE_BYTES } from '../../src/format/lines.js';
import { EventLog, encodeEvent, type RunEvent } from '../../src/index.js';
import { files } from '../../src/volume/file-calls.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { bytesRead, collect, rejection, writeLog } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { quickVolume } from '../support/quick-volume.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const makeFifo = (path: string) => execFileSync('mkfifo', [path]);

const NOON = Date.UTC(2026, 3, 15, 12);

type Options = Parameters<typeof EventLog.runs>[1];

const idsOf = async (root: string, options?: Options) =>
  (await collect(EventLog.runs(root, options))).map(({ runId }) => runId);

/** The summary of the only run of a volume. */
async function onlyRun(root: string) {
  const runs = await collect(EventLog.runs(root));
  expect(runs).toHaveLength(1);
  return runs[0];
}

/** Does the work as a user for whom permissions count. */
async function withoutPrivileges<Result>(work: () => Promise<Result>): Promise<Result> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

/** Four runs of three pipes, named here in the order of their making, which is that of no folder listing. */
function fourRuns(root: string) {
  const make = (pipe: string, steps: typeof COMPLETED, minute: number) =>
    writeRun(root, pipe, steps, { start: NOON + 60_000 * minute }).runId;
  return [
    make('b', COMPLETED, 1),
    make('a-b', ABORTED, 2),
    make('a', COMPLETED, 3),
    make('a-b', UNFINISHED, 4),
  ] as const;
}

describe('the listing', () => {
  test('reports what the log of each run holds', async () => {
    const root = temporaryVolume();
    const { runId, path } = writeRun(root, 'feature', ABORTED, { start: NOON });
    expect(await onlyRun(root)).toEqual({
      runId,
      pipe: 'feature',
      status: 'aborted',
      reason: 'node publish failed',
      live: false,
      orphan: false,
      startedAt: new Date(NOON).toISOString(),
      lastTs: new Date(NOON + 240_010).toISOString(),
      durationMs: 240_010,
      nodeCount: 4,
      completedCount: 3,
      failedCount: 1,
      eventCount: ABORTED.length,
      bytes: (await EventLog.read(root, runId).toArray())
        .map(event => Buffer.byteLength(encodeEvent(event)) + 1)
        .reduce((sum, bytes) => sum + bytes),
    });
    expect(path).toContain(runId);
  });

  test('is in the order of the ULIDs, whatever the pipes', async () => {
    const root = temporaryVolume();
    const made = fourRuns(root);
    expect(await idsOf(root)).toEqual(made);
    expect(await idsOf(root, { reverse: true })).toEqual(made.toReversed());
  });

  test('has an order of its own also between pipes with the same ULID', async () => {
    const root = temporaryVolume();
    const id = ulid(NOON).toLowerCase();
    for (const pipe of ['c', 'a', 'b']) writeLog(root, '', `${pipe}-${id}`);
    expect(await idsOf(root)).toEqual(['a', 'b', 'c'].map(pipe => `${pipe}-${id}`));
  });

  test('holds at most as many runs as wanted, from either end', async () => {
    const root = temporaryVolume();
    const made = fourRuns(root);
    expect(await idsOf(root, { limit: 0 })).toEqual([]);
    expect(await idsOf(root, { limit: 1 })).toEqual(made.slice(0, 1));
    expect(await idsOf(root, { limit: 3, reverse: true })).toEqual(made.slice(1).toReversed());
    expect(await idsOf(root, { limit: 9 })).toEqual(made);
  });

  test('is of one pipe where wanted, also when its name begins that of another', async () => {
    const root = temporaryVolume();
    const [b, ab1, a, ab2] = fourRuns(root);
    expect(await idsOf(root, { pipe: 'a' })).toEqual([a]);
    expect(await idsOf(root, { pipe: 'a-b' })).toEqual([ab1, ab2]);
    expect(await idsOf(root, { pipe: 'b' })).toEqual([b]);
    expect(await idsOf(root, { pipe: 'c' })).toEqual([]);
    expect(await idsOf(root, { pipe: '' })).toEqual([]);
  });

  test('is of one status where wanted; the limit counts those', async () => {
    const root = temporaryVolume();
    const [b, ab1, a, ab2] = fourRuns(root);
    expect(await idsOf(root, { status: 'completed' })).toEqual([b, a]);
    expect(await idsOf(root, { status: 'completed', limit: 1, reverse: true })).toEqual([a]);
    expect(await idsOf(root, { status: 'aborted', pipe: 'a-b' })).toEqual([ab1]);
    expect(await idsOf(root, { status: 'running' })).toEqual([ab2]);
  });

  test.each(['', '.omne', '.omne/var', '.omne/var/runs'])(
    'of a volume with no more than "%s" is empty',
    async folder => {
      const root = temporaryVolume();
      mkdirSync(join(root, folder), { recursive: true });
      expect(await idsOf(root)).toEqual([]);
    },
  );

  test('of a volume without runs is empty, of a root that does not exist an error', async () => {
    expect(await idsOf(temporaryVolume())).toEqual([]);
    const missing = idsOf(join(temporaryVolume(), 'missing'));
    expect(await rejection(missing)).toMatchObject({ code: 'ERR_ROOT_NOT_FOUND' });
  });

  test('does not go through a link in the place of the runs', async () => {
    const root = temporaryVolume();
    const { folder } = writeRun(root, 'p', COMPLETED);
    const runs = dirname(folder);
    renameSync(runs, join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), runs);
    expect(await rejection(idsOf(root))).toMatchObject({ code: 'ERR_UNSAFE_PATH', path: runs });
  });

  test('passes over what is no run', async () => {
    const root = temporaryVolume();
    const { runId, folder } = writeRun(root, 'p', COMPLETED);
    const runs = dirname(folder);
    const other = ulid(NOON).toLowerCase();
    writeFileSync(join(runs, `file-${other}`), 'not a folder');
    symlinkSync(folder, join(runs, `link-${other}`));
    symlinkSync('nowhere', join(runs, `broken-${other}`));
    makeFifo(join(runs, `fifo-${other}`));
    for (const name of ['notes', `upper-${other.toUpperCase()}`, `.hidden-${other}`, other, `p-${other}x`]) {
      mkdirSync(join(runs, name));
      writeFileSync(join(runs, name, 'events.jsonl'), '');
    }
    writeFileSync(join(runs, 'README'), 'hands off');
    expect(await idsOf(root)).toEqual([runId]);
  });
});

describe('a run with a problem is a row among the others', () => {
  /** A good run on each side of the one that `spoil` gets hold of; the summary of that one. */
  async function spoiled(spoil: (path: string) => void) {
    const root = temporaryVolume();
    const before = writeRun(root, 'p', COMPLETED, { start: NOON });
    const bad = writeRun(root, 'p', COMPLETED, { start: NOON + 1 });
    const behind = writeRun(root, 'p', ABORTED, { start: NOON + 2 });
    spoil(bad.path);
    const runs = await collect(EventLog.runs(root));
    expect(runs.map(({ runId }) => runId)).toEqual([before.runId, bad.runId, behind.runId]);
    expect([runs[0], runs[2]].map(run => run?.problem)).toEqual([undefined, undefined]);
    return runs[1];
  }

  test('where a line is malformed: named, and the rest counts', async () => {
    const summary = await spoiled(path => {
      const lines = readFileSync(path, 'utf8').split('\n');
      writeFileSync(path, lines.toSpliced(2, 1, '{"type":"odd"}', 'nonsense').join('\n'));
    });
    expect(summary).toMatchObject({
      problem: expect.stringMatching(/unknown event type "odd" .*events\.jsonl, line 3, byte offset \d+/),
      status: 'completed',
      eventCount: COMPLETED.length - 1,
    });
  });

  test('where its log is empty: that is no problem', async () => {
    const summary = await spoiled(path => writeFileSync(path, ''));
    expect(summary).not.toHaveProperty('problem');
    expect(summary).toMatchObject({
      status: 'running',
      eventCount: 0,
      bytes: 0,
    });
  });

  test('where it has a folder and no log, for longer than it takes to make one', async () => {
    const summary = await spoiled(path => {
      rmSync(path);
      abandon({ path: dirname(path), folder: dirname(path), runId: '' });
    });
    expect(summary).toMatchObject({ problem: expect.stringMatching(/no event yet: the run has no log/) });
  });

  test.each<[string, (path: string) => void]>([
    ['a FIFO', makeFifo],
    ['a link', path => symlinkSync('/dev/null', path)],
    ['a folder', path => mkdirSync(path)],
  ])('where its log is %s', async (_, put) => {
    const summary = await spoiled(path => {
      rmSync(path);
      put(path);
    });
    expect(summary).toMatchObject({
      problem: expect.stringMatching(/symbolic link|not a regular file/),
      bytes: 0,
    });
  });

  test.each([
    ['log', (path: string) => path],
    ['folder', dirname],
  ])('where its %s may not be read', async (_, partOf) => {
    const root = temporaryVolume();
    chmodSync(root, 0o755);
    const { runId, path } = writeRun(root, 'p', COMPLETED, { start: NOON });
    const good = writeRun(root, 'p', COMPLETED, { start: NOON + 1 });
    chmodSync(partOf(path), 0);
    const runs = await withoutPrivileges(() => collect(EventLog.runs(root)));
    expect(runs).toMatchObject([
      { runId, problem: expect.stringMatching(/EACCES/), eventCount: 0 },
      { runId: good.runId, status: 'completed' },
    ]);
    expect(runs[0]?.problem).not.toContain('/proc/self');
  });

  test('where it cannot be read on: a line beyond all bounds', async () => {
    const summary = await spoiled(path => writeFileSync(path, Buffer.alloc(MAX_LINE_BYTES + 2, 'x')));
    expect(summary).toMatchObject({
      problem: expect.stringMatching(/line/),
      eventCount: 0,
      bytes: MAX_LINE_BYTES + 2,
    });
  });

  test('and a log with a torn end has none: it may be being written', async () => {
    const root = temporaryVolume();
    writeRun(root, 'p', UNFINISHED, { rest: '{"type":"node.comp' });
    const summary = await onlyRun(root);
    expect(summary?.eventCount).toBe(UNFINISHED.length);
    expect(summary).not.toHaveProperty('problem');
  });
});

describe('live and orphan', () => {
  test('a run is live while its log is open here, and no orphan however long it is silent', async () => {
    const root = temporaryVolume();
    const log = await EventLog.create(root, 'p');
    await log.append({ type: 'pipe.started', pipe: 'p' });
    abandon({ path: log.path, runId: log.runId, folder: dirname(log.path) });
    expect(await onlyRun(root)).toMatchObject({ live: true, orphan: false });
    await log.close();
    expect(await onlyRun(root)).toMatchObject({ live: false, orphan: true });
  });

  test('a run is live while another process has it open', async () => {
    const root = temporaryVolume();
    const run = writeRun(root, 'p', UNFINISHED);
    abandon(run);
    const owner = startProgram('own-run', root, run.runId);
    await owner.next();
    expect(await onlyRun(root)).toMatchObject({ live: true, orphan: false });
    await owner.kill();
    expect(await onlyRun(root)).toMatchObject({ live: false, orphan: true });
  });

  test('a run nobody holds is an orphan once nothing was written for a minute', async () => {
    const root = temporaryVolume();
    const { path } = writeRun(root, 'p', UNFINISHED);
    const wroteAgo = (seconds: number) => utimesSync(path, new Date(), new Date(Date.now() - 1000 * seconds));
    expect(await onlyRun(root)).toMatchObject({ live: false, orphan: false });
    wroteAgo(50);
    expect(await onlyRun(root)).toMatchObject({ orphan: false });
    wroteAgo(61);
    expect(await onlyRun(root)).toMatchObject({ orphan: true });
  });

  test.each([
    ['completed', COMPLETED],
    ['aborted', ABORTED],
  ])('a run that is %s is no orphan', async (status, steps) => {
    const root = temporaryVolume();
    abandon(writeRun(root, 'p', steps));
    expect(await onlyRun(root)).toMatchObject({ status, live: false, orphan: false });
  });

  test('a folder that has no log yet is an orphan only after a minute', async () => {
    const root = temporaryVolume();
    const { path, folder } = writeRun(root, 'p', COMPLETED);
    rmSync(path);
    expect(await onlyRun(root)).toMatchObject({ bytes: 0, orphan: false });
    abandon({ path: folder, folder, runId: '' });
    expect(await onlyRun(root)).toMatchObject({ problem: expect.any(String), orphan: true });
  });
});

describe('with abandoned', () => {
  test('only runs that were left are listed, with their counts or without', async () => {
    const root = temporaryVolume();
    fourRuns(root);
    const left = writeRun(root, 'p', UNFINISHED, { rest: '{"type":"node.comp' });
    const empty = writeRun(root, 'p', []);
    const busy = writeRun(root, 'p', UNFINISHED);
    for (const run of [left, empty, busy, writeRun(root, 'p', COMPLETED)]) abandon(run);
    await using _log = await EventLog.open(root, busy.runId);
    abandon(busy);
    const options = { abandoned: true, pipe: 'p' };
    expect(await collect(EventLog.runs(root, options))).toMatchObject([
      { runId: left.runId, orphan: true, eventCount: UNFINISHED.length, status: 'running' },
      { runId: empty.runId, orphan: true },
    ]);
    const outlines = await collect(EventLog.runs(root, { ...options, counts: false }));
    expect(outlines.map(({ runId }) => runId)).toEqual([left.runId, empty.runId]);
    expect(await idsOf(root, { ...options, limit: 1, reverse: true })).toEqual([empty.runId]);
  });

  test('the logs of runs that have ended, or are being written, are read no further than their last line', async () => {
    const root = temporaryVolume();
    const [ended, busy] = [writeRun(root, 'p', COMPLETED), writeRun(root, 'p', UNFINISHED)];
    for (const run of [ended, busy]) {
      const [first = '', ...rest] = readFileSync(run.path, 'utf8').split(/(?<=\n)/);
      writeFileSync(run.path, first.repeat(40_000) + rest.join(''));
    }
    abandon(ended);
    const { size } = statSync(ended.path);
    const before = bytesRead();
    expect(await idsOf(root, { abandoned: true })).toEqual([]);
    const read = bytesRead() - before;
    expect(size).toBeGreaterThan(5_000_000);
    expect(read).toBeLessThan(1_000_000);
  });
});

describe('leaving early', () => {
  const descriptors = () => readdirSync('/proc/self/fd').length;

  test('a break leaves no descriptor open', async () => {
    const root = temporaryVolume();
    fourRuns(root);
    const before = descriptors();
    for await (const run of EventLog.runs(root)) {
      expect(run.pipe).toBe('b');
      break;
    }
    expect(descriptors()).toBe(before);
  });

  test('a signal aborted before ends it before the first run, with its reason', async () => {
    const root = temporaryVolume();
    fourRuns(root);
    const reason = new Error('enough');
    const before = descriptors();
    expect(await rejection(idsOf(root, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(descriptors()).toBe(before);
  });

  test('a signal aborted on the way ends it, and leaves no descriptor open', async () => {
    const root = temporaryVolume();
    const made = fourRuns(root);
    const aborter = new AbortController();
    const reason = new Error('enough');
    const seen: string[] = [];
    const before = descriptors();
    const listing = (async () => {
      for await (const { runId } of EventLog.runs(root, { signal: aborter.signal })) {
        seen.push(runId);
        if (seen.length === 2) aborter.abort(reason);
      }
    })();
    expect(await rejection(listing)).toBe(reason);
    expect(seen).toEqual(made.slice(0, 2));
    expect(descriptors()).toBe(before);
  });

  test('a signal aborted while a log is read ends the reading', async () => {
    const root = quickVolume();
    const { runId, path } = writeRun(root, 'p', UNFINISHED);
    const draft = { type: 'gate.passed', id: 'i', ts: 't', run_id: runId, node_id: 'n', gate: 'g' } as const;
    const gate: RunEvent = { ...draft, method: 'hook', stdout: 'x'.repeat(2000) };
    writeFileSync(path, `${encodeEvent(gate)}\n`.repeat(5000));
    const { signal } = new AbortController();
    const reason = new Error('enough');
    let asked = 0;
    vi.spyOn(signal, 'throwIfAborted').mockImplementation(() => {
      if (++asked === 6) throw reason; // before and after the only log it is asked three times
    });
    expect(await rejection(idsOf(root, { signal }))).toBe(reason);
  });
});

const MANY = Math.max(1000, rounds(10_000));

test(`${MANY} runs are listed with bounded memory and descriptors`, async () => {
  const root = quickVolume();
  const common = { id: 'i', ts: new Date(NOON).toISOString() };
  for (let number = 0; number < MANY; number++) {
    const run_id = `p-${ulid(NOON + number).toLowerCase()}`;
    const events: RunEvent[] = [
      {
        type: 'gate.passed',
        ...common,
        run_id,
        node_id: 'n',
        gate: 'g',
        method: 'hook',
        stdout: 'x'.repeat(80e6 / MANY),
      },
      { type: 'pipe.completed', ...common, run_id },
    ];
    writeLog(root, events.map(event => `${encodeEvent(event)}\n`).join(''), run_id);
  }
  const descriptors = () => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  let most = 0;
  let count = 0;
  let lastId = '';
  let settledBytes = 0;
  const wrong: unknown[] = [];
  for await (const { runId, status, eventCount } of EventLog.runs(root)) {
    if (status !== 'completed' || eventCount !== 2 || runId <= lastId)
      wrong.push({ runId, status, eventCount });
    lastId = runId;
    count++;
    if (count % 100 === 0) most = Math.max(most, descriptors() - before);
    if (count === MANY / 10) settledBytes = process.memoryUsage().rss;
  }
  expect(wrong).toEqual([]);
  expect(count).toBe(MANY);
  expect(most).toBeLessThan(40); // four logs at once, each with the folders on its way
  expect(process.memoryUsage().rss - settledBytes).toBeLessThan(60 * 2 ** 20); // the logs hold 80 MB
  expect(descriptors()).toBe(before);
}, 60_000);

test('a folder of runs that vanishes while they are listed ends the listing; one that cannot be entered is ERR_SYSTEM', async () => {
  const root = temporaryVolume();
  await (await EventLog.create(root, 'p')).close();
  const listing = vi.spyOn(files, 'readdir');
  const runs = join(root, '.omne/var/runs');
  try {
    listing.mockImplementationOnce(async () => {
      const names = readdirSync(runs);
      renameSync(runs, join(root, 'aside'));
      return names;
    });
    expect(await idsOf(root)).toEqual([]);
    renameSync(join(root, 'aside'), runs);
    listing.mockImplementationOnce(async () => {
      vi.spyOn(fs, 'openSync').mockImplementation(() => {
        throw Object.assign(new Error('EMFILE'), { code: 'EMFILE', syscall: 'open' });
      });
      return readdirSync(runs);
    });
    await expect(idsOf(root)).rejects.toMatchObject({ code: 'ERR_SYSTEM' });
  } finally {
    vi.restoreAllMocks();
  }
});
