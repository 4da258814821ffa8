/** `omne-log` alone, and what it suggests for what it does not know. */
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { omneLog } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

function inVolume(cwd: string) {
  return omneLog([], { cwd });
}

describe('outside a volume it is wrong usage', () => {
  test('shows what runs now, what failed lately, and where to look next', async () => {
    const root = temporaryVolume();
    const done = writeRun(root, 'feature', COMPLETED);
    const failed = writeRun(root, 'feature', ABORTED);
    const left = writeRun(root, 'feature', UNFINISHED, { start: Date.now() - 7_000_000 });
    abandon(left);
    await using log = await EventLog.create(root, 'live');
    await log.append({ type: 'pipe.started', pipe: 'live' });
    const { code, stdout, stderr } = await inVolume(root);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(': 4 runs\n');
    expect(stdout).toMatch(new RegExp(`Running now \\(1\\)\n▸  ${log.runId} `));
    expect(stdout).toMatch(new RegExp(`Failed or left \\(2\\)\n✗  ${failed.runId} .*node publish failed\n`));
    expect(stdout).toMatch(new RegExp(`▸  ${left.runId} .*its writer died`));
    expect(stdout).not.toContain(done.runId);
    expect(stdout).toContain(`omne-log tail ${log.runId}`);
    expect(stdout).toContain(`omne-log show ${failed.runId}`);
  });

  test('where nothing failed it shows the last run that ended well; where there are no runs it says so', async () => {
    const root = temporaryVolume();
    const { runId } = writeRun(root, 'feature', COMPLETED);
    expect((await inVolume(root)).stdout).toMatch(new RegExp(`Ended well \\(1\\)\n✓  ${runId}`));
    await EventLog.prune(root, { keep: 0 });
    expect((await inVolume(root)).stdout).toContain(': no runs yet\n');
  });

  test('outside of a volume it is wrong usage', async () => {
    const { code, stdout, stderr } = await inVolume(temporaryVolume());
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('a command is missing, and there is no folder .omne here or above');
  });
});

describe('what is not known', () => {
  test.for([
    [['lss'], "unknown command 'lss'; did you mean ls?"],
    [['stat'], "unknown command 'stat'; did you mean stats?"],
    [['--hepl'], "unknown option '--hepl'; did you mean --help?"],
    [['frobnicate'], "unknown command 'frobnicate'\n"],
    [['ls', '--limt', '3'], "unknown option '--limt'; did you mean --limit?"],
    [['show', '--jsn', 'last'], "unknown option '--jsn'; did you mean --json?"],
    [['cat', '--frobnicate'], "unknown option '--frobnicate'\n"],
  ] as const)('%j: %s', async ([args, expected]) => {
    const { code, stdout, stderr } = await omneLog(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(expected);
  });
});
