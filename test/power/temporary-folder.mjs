// @ts-check
/**
 * A folder that goes with this process, however it ends: after a SIGKILL a small shell, which waits for the end of its
 * input, removes it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * @param {string} [parent]
 * @returns {string}
 */
export function temporaryFolder(parent = tmpdir()) {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(resolve(parent), 'omne-power-'));
  const janitor = spawn('sh', ['-c', 'read -r _; sleep 1; rm -rf -- "$1"', 'sh', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C at the terminal must not reach it
  });
  janitor.unref();
  /** @type {import('node:net').Socket} */ (janitor.stdin).unref();
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
  return folder;
}
