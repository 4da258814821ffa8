/** What tests may need of the machine besides Node: how each is tried, and what to install where it is missing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHROMIUM } from './chromium.js';

/** Being installed is not enough: each tool is tried with what the tests ask of it. `needs` is a package of Debian or a right. */
const TRIALS = {
  strace: {
    trial: 'strace -f --seccomp-bpf -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO true',
    needs: 'strace',
  },
  prlimit: { trial: 'prlimit --fsize=1000 true', needs: 'util-linux' },
  flock: { trial: 'flock --version', needs: 'util-linux' },
  tmpfs: {
    trial: 'mkdir disk && mount -t tmpfs -o size=64k tmpfs disk && umount disk',
    needs: 'the right to mount (root)',
  },
  ext4: {
    trial:
      'mkdir disk && truncate -s 300K image && mkfs.ext4 -q image && mount -o loop image disk && umount disk',
    needs: 'e2fsprogs and the right to mount (root)',
  },
  chromium: { trial: `'${CHROMIUM}' --version`, needs: 'chromium-headless-shell or chromium' },
  script: { trial: 'script -qec true /dev/null', needs: 'bsdutils' },
  zsh: { trial: 'zsh -fc true', needs: 'zsh' },
  fish: { trial: 'fish --no-config -c true', needs: 'fish' },
  jq: { trial: 'jq -n 1', needs: 'jq' },
  bun: { trial: 'bun --version', needs: 'bun (of npm)' },
  'bun-musl': { trial: 'bun-musl --version', needs: 'what test/runtimes/musl.sh makes' },
  deno: { trial: 'deno --version', needs: 'deno (of npm)' },
  'nats-server': { trial: 'PATH="$PATH:/usr/sbin" nats-server --version', needs: 'nats-server' },
} as const;

/** Something that a test needs of the machine; `tmpfs` and `ext4` are the right to mount one. */
export type Tool = keyof typeof TRIALS;

const missing = new Map<Tool, boolean>();

/** Whether the machine lacks a tool; tried once. */
export function isMissing(tool: Tool): boolean {
  const known = missing.get(tool);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'omne-tool-'));
  try {
    const { status } = spawnSync('sh', ['-c', TRIALS[tool].trial], { cwd: folder, stdio: 'ignore' });
    missing.set(tool, status !== 0);
    return status !== 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What this machine lacks, each with what to install. */
export function whatIsMissing(): string[] {
  const tools = Object.keys(TRIALS).filter(name => isTool(name) && isMissing(name));
  return tools.map(name =>
    isTool(name) && TRIALS[name].needs !== name ? `${name} (${TRIALS[name].needs})` : name,
  );
}

function isTool(name: string): name is Tool {
  return Object.hasOwn(TRIALS, name);
}
