/** Listing without counts: what the two ends of each log show, whatever lies between them. */
import { appendFileSync, closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventLog, encodeEvent, type RunEvent } from '../../src/index.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { bytesRead, collect, lineOf, rejection, sampleEvent, writeLog } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const outlines = (root: string) => collect(EventLog.runs(root, { counts: false }));

/** The outline of the only run of a volume whose log is this. */
async function outlineOf(content: string | Uint8Array) {
  const root = temporaryVolume();
  writeLog(root, content);
  const [only] = await outlines(root);
  return only;
}

describe('a listing without counts', () => {
  test('says of each run what the listing with counts says, but for the counts', async () => {
    const root = temporaryVolume();
    const start = Date.UTC(2026, 3, 15);
    for (const [index, steps] of [COMPLETED, ABORTED, UNFINISHED, COMPLETED].entries())
      writeRun(root, 'p', steps, { start: start + index });
    abandon(writeRun(root, 'p', UNFINISHED, { start: start + 9, rest: '{"type":"torn' }));
    const whole = await collect(EventLog.runs(root));
    const counts = ['nodeCount', 'completedCount', 'failedCount', 'eventCount'];
    const without = whole.map(run =>
      Object.fromEntries(Object.entries(run).filter(([key]) => !counts.includes(key))),
    );
    expect(without).toHaveLength(5);
    expect(await outlines(root)).toEqual(without);
    expect((await outlines(root)).filter(run => run.orphan)).toHaveLength(1);
  });

  test('takes the same options', async () => {
    const root = temporaryVolume();
    const start = Date.UTC(2026, 3, 15);
    const [, aborted, completed] = [COMPLETED, ABORTED, COMPLETED].map((steps, index) =>
      writeRun(root, 'p', steps, { start: start + index }),
    );
    const ids = async (options: object) =>
      (await collect(EventLog.runs(root, { ...options, counts: false }))).map(({ runId }) => runId);
    expect(await ids({ status: 'aborted' })).toEqual([aborted?.runId]);
    expect(await ids({ reverse: true, limit: 1 })).toEqual([completed?.runId]);
    expect(await rejection(ids({ signal: AbortSignal.abort('enough') }))).toBe('enough');
  });

  test('reads a few kilobytes of a log of 10 GiB', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, lineOf(sampleEvent(0)));
    truncateSync(path, 10 * 2 ** 30); // a hole: it takes no disk
    appendFileSync(path, `\n${lineOf(sampleEvent(3))}`);
    const before = bytesRead();
    const [run] = await outlines(root);
    expect(run).toMatchObject({ status: 'aborted', reason: '"3" gave up', lastTs: sampleEvent(3).ts });
    expect(run?.bytes).toBeGreaterThan(10 * 2 ** 30);
    expect(bytesRead() - before).toBeLessThan(1024 * 1024);
  });

  test('knows of damage at either end, and of none between', async () => {
    const [first, last] = [lineOf(sampleEvent(0)), lineOf(sampleEvent(3))];
    expect(await outlineOf(`nonsense\n${last}`)).toMatchObject({
      status: 'aborted',
      problem: expect.stringContaining('byte offset 0'),
    });
    expect(await outlineOf(`${first}nonsense\n`)).toMatchObject({
      status: 'running',
      problem: expect.stringContaining(`byte offset ${Buffer.byteLength(first)}`),
    });
    expect(await outlineOf(`${first}nonsense\n${last}`)).not.toHaveProperty('problem');
  });

  test('takes an empty log for a run that has not begun, without a problem, and one whose only line is unfinished for what it is', async () => {
    const empty = await outlineOf('');
    expect(empty).toMatchObject({ status: 'running', bytes: 0 });
    expect(empty).not.toHaveProperty('problem');
    expect(await outlineOf('{"type":')).toMatchObject({ status: 'running', bytes: 8 });
    const long = `{"type":"${'x'.repeat(10_000)}`;
    expect(await outlineOf(long)).toMatchObject({ status: 'running', bytes: long.length });
  });

  test('takes a log of one event, and lines longer than a block', async () => {
    expect(await outlineOf(lineOf(sampleEvent(3)))).toMatchObject({ status: 'aborted' });
    const common = { id: '01kp8g6dg00000000000000001', ts: '2026-04-15T12:00:00.000Z', run_id: 'p' };
    const long = { type: 'pipe.aborted', ...common, reason: 'x'.repeat(300_000) } as const;
    const started: RunEvent = {
      type: 'pipe.started',
      ...common,
      pipe: 'x'.repeat(100_000),
      inputs: [],
      distro_version: '',
    };
    const outline = await outlineOf(
      `${encodeEvent(started)}\n${lineOf(sampleEvent(1))}${encodeEvent(long)}\n`,
    );
    expect(outline).toMatchObject({ reason: long.reason, startedAt: common.ts });
  });

  test('is a row with a problem where a line at an end is over the limit', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, '');
    const fd = openSync(path, 'r+');
    writeSync(fd, '\n', 17 * 2 ** 20);
    closeSync(fd);
    expect(await outlines(root)).toMatchObject([{ problem: expect.stringContaining('line is longer than') }]);
    writeFileSync(path, '');
    expect(await outlines(root)).toMatchObject([{ bytes: 0 }]);
  });
});
