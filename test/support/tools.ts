/**
 * Tests that need more of the machine than Node: a tool, or the right to use it.
 *
 * Where it is missing (a laptop without strace, a user who may not mount) the test is skipped and its name says why. In
 * CI (`CI=true`) a missing tool is a failure: a proof that does not run proves nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';

/** Each tool is tried with what the tests ask of it: being installed is not enough. */
const TRIALS = {
  strace: 'strace -f --seccomp-bpf -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO true',
  prlimit: 'prlimit --fsize=1000 true',
  flock: 'flock --version',
  tmpfs: 'mkdir disk && mount -t tmpfs -o size=64k tmpfs disk && umount disk',
  chromium: 'chromium --version',
  script: 'script -qec true /dev/null',
  zsh: 'zsh -fc true',
  fish: 'fish --no-config -c true',
  jq: 'jq -n 1',
  ext4: 'mkdir disk && truncate -s 300K image && mkfs.ext4 -q image && mount -o loop image disk && umount disk',
};

/** Something that a test needs of the machine; `tmpfs` and `ext4` stand for the right to mount one. */
export type Tool = keyof typeof TRIALS;

/** What a test does, and how long it may take, in milliseconds. */
export type TestBody = () => void | Promise<void>;

const missing = new Map<Tool, boolean>();

/** A test that runs where all these tools are; elsewhere it is skipped, or fails in CI. */
export function testWith(tools: readonly Tool[], name: string, body: TestBody, timeoutMs?: number): void {
  const lacking = tools.filter(isMissing).join(' and ');
  if (lacking === '') {
    test(name, body, timeoutMs);
  } else if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(`this machine has no usable ${lacking}; in CI it must`);
    });
  } else {
    test.skip(`${name} (skipped: no usable ${lacking} here)`);
  }
}

function isMissing(tool: Tool): boolean {
  const known = missing.get(tool);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'omne-tool-'));
  try {
    const { status } = spawnSync('sh', ['-c', TRIALS[tool]], { cwd: folder, stdio: 'ignore' });
    missing.set(tool, status !== 0);
    return status !== 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
