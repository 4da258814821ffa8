/** What needs no counts reads no whole log: what it takes does not grow with the logs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunsAnswer } from '../../src/web.js';
import { ABORTED, abandon, COMPLETED, UNFINISHED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, runToEnd } from '../support/command.js';
import { bytesRead } from '../support/logs.js';
import { toolsOf } from '../support/mcp-client.js';
import { quickVolume } from '../support/quick-volume.js';
import { askJson, serverOf } from '../support/web-client.js';

const LOG_BYTES = 4 * 1024 * 1024;
/** Less than any of the long logs has, and more than what a process reads beside them differs by. */
const DIFFERENCE = 1024 * 1024;
const linux = process.platform === 'linux'; // elsewhere nothing counts what a process has read

/** A run of each kind, left ten minutes ago, its log made longer in the middle. */
function volumeOf(bytes: number, root = quickVolume()): string {
  for (const [index, steps] of [COMPLETED, ABORTED, UNFINISHED].entries()) {
    const run = writeRun(root, 'feature', steps, { start: Date.now() - 3_600_000 + index });
    const lines = readFileSync(run.path, 'utf8').split(/(?<=\n)/);
    const [second = ''] = lines.splice(1, 1);
    writeFileSync(run.path, lines.toSpliced(1, 0, second.repeat(1 + bytes / second.length)).join(''));
    abandon(run);
  }
  return root;
}

/** What a command reads, Node itself with it. */
async function bytesOf(args: readonly string[]): Promise<number> {
  const tell = `import { readFileSync } from 'node:fs';
    process.on('exit', () => console.error(readFileSync('/proc/self/io', 'utf8')));`;
  const loader = `data:text/javascript,${encodeURIComponent(tell)}`;
  const { code, stderr } = await runToEnd([process.execPath, '--import', loader, COMMAND, ...args]);
  expect(code).toBe(0);
  return Number(/^rchar: (\d+)$/m.exec(stderr)?.[1]);
}

const long = volumeOf(LOG_BYTES, quickVolume(afterAll)); // which no test changes
let ofProgram = 0; // what is read where there are no logs
beforeAll(async () => {
  if (linux) ofProgram = await bytesOf(['--version']);
});

/** What a command reads of the long logs. */
async function ofLogs(args: readonly string[]): Promise<number> {
  return (await bytesOf([...args, '--root', long])) - ofProgram;
}

describe.runIf(linux)('however long the logs are, no more of them is read by', () => {
  test.each([
    ['the overview', []],
    ['ls --no-counts', ['ls', '--no-counts']],
    ['ls --no-counts --json of one status', ['ls', '--no-counts', '--json', '--status', 'aborted']],
    ['prune --dry-run', ['prune', '--keep', '0', '--dry-run', '--orphans']],
    ['the completion of runs', ['completion', 'runs']],
    ['the completion of types', ['completion', 'types', 'last']],
    ['cat --reverse -n 1', ['cat', 'last', '--reverse', '-n', '1']],
  ])('%s', async (_, args) => {
    expect(await ofLogs(args)).toBeLessThan(DIFFERENCE);
  });

  test('the list of the live page, and that for agents', async () => {
    const before = bytesRead();
    const { port } = await serverOf(long);
    const { runs } = await askJson<RunsAnswer>(port, '/api/v1/runs');
    expect(runs.map(({ status }) => status)).toEqual(['running', 'aborted', 'completed']);
    const { text } = await (await toolsOf(long))('list_runs');
    expect(text).toContain('node publish failed');
    expect(bytesRead() - before).toBeLessThan(DIFFERENCE);
  });
});

test.runIf(linux)('what counts nodes does read whole logs', async () => {
  expect(await ofLogs(['ls'])).toBeGreaterThan(3 * LOG_BYTES - DIFFERENCE);
});

test('ls --no-counts shows sizes in the place of nodes, and says the rest as ls does', async () => {
  const root = volumeOf(0);
  const rows = async (...more: string[]) =>
    (await omneLog(['ls', '--root', root, ...more])).stdout.trimEnd().split('\n');
  const [whole, without] = [await rows(), await rows('--no-counts')];
  expect(without).toHaveLength(3);
  expect(whole.map(row => /\d+\/4 nodes done/.test(row))).toEqual([true, true, true]);
  expect(without.map(row => / \d\.\d kB/.test(row))).toEqual([true, true, true]);
  for (const [index, word] of ['ORPHAN', 'node publish failed', '✓'].entries()) {
    expect(whole[index]).toContain(word);
    expect(without[index]).toContain(word);
  }
  const [run] = (await rows('--no-counts', '--json')).map(row => JSON.parse(row));
  expect(run).toMatchObject({ status: 'running', orphan: true });
  expect(run).not.toHaveProperty('nodeCount');
});
