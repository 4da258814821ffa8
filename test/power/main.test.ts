/** The command `npm run power`: its options, before any machine is started. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spread } from '../support/rounds.js';

const MAIN = fileURLToPath(new URL('main.mjs', import.meta.url));

function power(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

test('--help describes every option', () => {
  const { status, stdout } = power('--help');
  expect(status).toBe(0);
  for (const option of ['fs', 'cuts', 'method', 'control', 'dir', 'json', 'help'])
    expect(stdout).toContain(`  --${option} `);
});

const refused = [
  ['--fs', 'fat', '--fs must be one of ext4, xfs, btrfs'],
  ['--cuts', '0', '--cuts must be an integer from 1 up'],
  ['--method', 'axe', '--method must be kill, write-log or both'],
  ['--cutz', '3', "Unknown option '--cutz'"],
] as const;

test.each(spread(refused, 3))('%s %s is refused with status 2 and the help', (option, value, message) => {
  const { status, stderr } = power(option, value);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage: npm run power');
});

const canRun = process.platform === 'linux' && process.arch === 'x64'; // elsewhere that is what it says

test.runIf(canRun)('what is missing is named with its packages', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, '--fs', 'ext4'], {
    encoding: 'utf8',
    env: { PATH: '/nowhere' },
  });
  expect(status).toBe(2);
  expect(stderr).toContain('qemu-system-x86');
});
