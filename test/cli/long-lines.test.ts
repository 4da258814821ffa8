/** A line over the limit: every command that reads it takes a higher one, and none sends to another that cannot help. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EventLog, iterations } from '../../src/index.js';
import { createRunServer, volumeRuns } from '../../src/web.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const LIMIT = '1000';

/** A run that has ended; its gate said more than the limit, its last event too where `last` is given. */
async function longRun(last?: string): Promise<{ root: string; runId: string }> {
  const log = await EventLog.create(temporaryVolume(), 'long');
  await log.append({ type: 'pipe.started', pipe: 'long' });
  await log.append({ type: 'node.started', node_id: 'n', kind: 'loop' });
  const method = 'hook';
  const stdout = 'x'.repeat(2000);
  await log.append({ type: 'iteration.started', node_id: 'n', iteration: 1, byte_offset: 0 });
  await log.append({ type: 'gate.passed', node_id: 'n', gate: 'g', method, stdout });
  await log.append({ type: 'pipe.aborted', reason: last ?? 'short' });
  await log.close();
  const { root, runId } = log;
  const captured = join(dirname(log.path), 'nodes', 'n.out');
  mkdirSync(dirname(captured), { recursive: true });
  writeFileSync(captured, 'said\n');
  return { root, runId };
}

describe('--max-line-bytes', () => {
  test.for([['cat'], ['tail'], ['show'], ['timeline', '--html']])(
    '%s reads a line up to it, and says how to go on after a longer one',
    async ([name = '', ...html]) => {
      const { root, runId } = await longRun();
      const args = [
        name,
        runId,
        '--root',
        root,
        ...html.flatMap(option => [option, join(root, 'page.html')]),
      ];
      const refused = await omneLog([...args, '--max-line-bytes', LIMIT]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_LINE_TOO_LONG') });
      expect(refused.stderr).toContain(`\`omne-log show --max-line-bytes BYTES ${runId} --root ${root}\``);
      expect(await omneLog([...args, '--max-line-bytes', '3000'])).toMatchObject({ code: 0, stderr: '' });
    },
  );

  test('text reads the iterations with it', async () => {
    const { root, runId } = await longRun();
    const args = ['text', runId, 'n', '1', '--root', root];
    expect((await omneLog([...args, '--max-line-bytes', LIMIT])).stderr).toContain('ERR_LINE_TOO_LONG');
    expect(await omneLog([...args, '--max-line-bytes', '3000'])).toMatchObject({ code: 0, stdout: 'said\n' });
    expect(() => iterations(root, runId, 'n', { maxLineBytes: -1 })).toThrow(TypeError);
  });

  test('verify says how long the line is and how to go on, and does not send to show', async () => {
    const { root, runId } = await longRun();
    const args = ['verify', runId, '--root', root];
    const { code, stdout } = await omneLog([...args, '--max-line-bytes', LIMIT]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /line 4, byte \d+: line-too-long: the line has 2\d\d\d bytes, over the limit of 1000 /,
    );
    expect(stdout).toContain(`\`omne-log verify --max-line-bytes BYTES ${runId} --root ${root}\``);
    expect(stdout).not.toMatch(/omne-log show|not ended/);
    expect(await omneLog([...args, '--max-line-bytes', '3000'])).toMatchObject({ code: 0 });
  });

  test('verify does not call a run not ended whose last line it did not check', async () => {
    const { root, runId } = await longRun('y'.repeat(2000));
    const { stdout } = await omneLog(['verify', runId, '--root', root, '--max-line-bytes', LIMIT]);
    expect(stdout).toContain('2 problems, 3 events');
    expect(stdout).not.toContain('not ended');
  });

  test('ls marks a run with a longer line as damaged, and counts all of it with a higher limit', async () => {
    const { root } = await longRun();
    const listed = async (...more: string[]) => {
      const { stdout } = await omneLog(['ls', '--json', '--root', root, ...more]);
      const run: { eventCount: number; problem?: string } = JSON.parse(stdout);
      return run;
    };
    const cut = await listed('--max-line-bytes', LIMIT);
    expect(cut).toMatchObject({ eventCount: 3, problem: expect.stringContaining('longer than 1000 bytes') });
    const whole = await listed('--max-line-bytes', '3000');
    expect([whole.eventCount, whole.problem]).toEqual([5, undefined]);
  });

  test('stats counts such a run as damaged', async () => {
    const { root } = await longRun();
    const damaged = async (limit: string) => {
      const args = ['stats', '--json', '--root', root, '--max-line-bytes', limit];
      const { damaged: found }: { damaged: number } = JSON.parse((await omneLog(args)).stdout);
      return found;
    };
    expect([await damaged(LIMIT), await damaged('3000')]).toEqual([1, 0]);
  });

  test.for(['short', 'long'.repeat(2000)])('a listing without counts holds both ends to it', async reason => {
    const { root, runId } = await longRun(reason);
    const problemOf = async (maxLineBytes: number) => {
      for await (const run of EventLog.runs(root, { counts: false, maxLineBytes })) return run.problem;
      return 'no run';
    };
    const log = join(root, '.omne', 'var', 'runs', runId, 'events.jsonl');
    const bytes = readFileSync(log, 'utf8').split('\n').at(-2)?.length ?? 0; // of the last line, and no less than of the first
    expect(await problemOf(bytes)).toBeUndefined();
    expect(await problemOf(bytes - 1)).toContain(`longer than ${bytes - 1} bytes`);
    expect(await problemOf(50)).toContain('longer than 50 bytes');
  });

  test('the server of the live page reads with it', async () => {
    const { root, runId } = await longRun();
    const statusOf = async (maxLineBytes: number) => {
      await using server = await createRunServer(volumeRuns(root, { maxLineBytes }), { token: false });
      return (await fetch(new URL(`/api/v1/runs/${runId}/events`, server.url))).status;
    };
    expect(await statusOf(3000)).toBe(200);
    expect(await statusOf(1000)).not.toBe(200);
    const refused = await omneLog(['serve', '--root', root, '--max-line-bytes', 'long']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
  });

  test('takes a whole number', async () => {
    expect(await omneLog(['cat', 'last', '--max-line-bytes', '1M'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--max-line-bytes takes a whole number, not '1M'"),
    });
  });
});
