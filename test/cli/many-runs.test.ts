/** Many runs, long logs, logs that grow meanwhile. */
import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeEvent } from '../../src/index.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, runToEnd } from '../support/command.js';
import { sampleEvent, writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { diskVolume } from '../support/volume.js';

const MANY = Math.max(500, rounds(2000));

test(`of ${MANY} runs the first rows come at once, and "ls | head -1" ends quietly`, async () => {
  const root = quickVolume();
  const start = Date.now() - 10_000_000;
  for (let index = 0; index < MANY; index++)
    writeRun(root, 'many', COMPLETED.slice(0, 3), { start: start + index });
  const newest = writeRun(root, 'many', COMPLETED, { start: start + MANY });

  const script = '{ "$0" "$1" ls --root "$2"; echo "exit code $?" >&2; } | head -1';
  const first = await runToEnd(['sh', '-c', script, process.execPath, COMMAND, root]);
  expect(first.stdout).toMatch(new RegExp(`^✓ +${newest.runId}.*\n$`));
  expect(first.stderr).toBe('exit code 0\n');

  const all = await omneLog(['ls', '--root', root]);
  const ids = [...all.stdout.matchAll(/many-\S+/g)].map(([id]) => id);
  expect(ids).toHaveLength(MANY + 1);
  expect(ids).toEqual([...ids].sort().reverse());
  const checked = await omneLog(['verify', '--all', '--root', root]);
  expect(checked.code).toBe(0);
  expect(checked.stdout).toMatch(new RegExp(`\n${MANY + 1} runs checked, 0 with problems\n$`));
});

test('a log that grows while cat prints it is printed in whole lines, from its start to some line', async () => {
  const root = quickVolume();
  const line = (index: number) => `${encodeEvent(sampleEvent(5 * index))}\n`;
  const path = writeLog(root, Array.from({ length: 20_000 }, (_, index) => line(index)).join(''));
  let next = 20_000;
  let growing: NodeJS.Timeout | undefined;
  const fd = openSync(path, 'a');
  const grow = () => {
    // Cut in the middle of lines, as readers of a live log see them.
    const [first, second] = [line(next++), line(next++)];
    writeSync(fd, first + second.slice(0, 40));
    growing = setTimeout(() => {
      writeSync(fd, second.slice(40));
      growing = setTimeout(grow, 1);
    }, 1);
  };
  const { code, stdout } = await omneLog(['cat', 'last', '--json', '--root', root], {
    onStart: child => {
      grow();
      child.stdout?.once('end', () => clearTimeout(growing));
    },
  }).finally(() => closeSync(fd));
  expect(code).toBe(0);
  expect(next).toBeGreaterThan(20_000);
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(readFileSync(path, 'utf8').startsWith(stdout)).toBe(true);
  expect(stdout.split('\n').length).toBeGreaterThan(20_000);
});

test('backwards too, a log is not held in memory', async () => {
  const root = diskVolume(); // too large for some memory disks
  const path = writeLog(root, '');
  const event = { ...sampleEvent(2), stdout: 'x'.repeat(1000) };
  const block = Array.from({ length: 1000 }, () => `${JSON.stringify(event)}\n`).join('');
  const blocks = Math.ceil((fullStrength ? 300e6 : 180e6) / block.length);
  for (let index = 0; index < blocks; index++) appendFileSync(path, block);
  const tellMemory = 'process.on("exit",()=>console.error(process.resourceUsage().maxRSS))';
  const script = '"$0" --import "data:text/javascript,$3" "$1" cat last --reverse --json --root "$2" | wc -l';
  const { stdout, stderr } = await runToEnd([
    'sh',
    '-c',
    script,
    process.execPath,
    COMMAND,
    root,
    tellMemory,
  ]);
  expect(Number(stdout)).toBe(1000 * blocks);
  expect(Number(stderr) * 1024).toBeGreaterThan(20e6);
  expect(Number(stderr) * 1024).toBeLessThan(200e6); // Node itself takes some 60 MB
});
