// @ts-check
/**
 * `npm run bench -- [options]`: measures this library side by side with its floor and its peers.
 *
 *     --only NAME   one suite: write, read, tail, volume, catch-up, large, diagnostics; mirror, remote (both need nats-server), page (needs chromium), start
 *     --rounds N    rounds that count, 7 by default
 *     --quick       two short rounds: shows that it works, measures nothing
 *     --dir DIR     where to write; a new folder in the system's temporary one by default
 *     --json        one JSON document with every round (`npm run --silent bench -- --json`)
 *     --markdown    the table as Markdown
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSuite } from './harness.mjs';
import { machineOf } from './machine.mjs';
import { asMarkdown, asText } from './table.mjs';

/** Loaded when they run: they import the peers. @type {{ [name: string]: () => Promise<{ default: import('./harness.mjs').Suite }> }} */
const SUITES = {
  write: () => import('./write.mjs'),
  read: () => import('./read.mjs'),
  tail: () => import('./tail.mjs'),
  volume: () => import('./volume.mjs'),
  'catch-up': () => import('./catch-up.mjs'),
  large: () => import('./large.mjs'),
  diagnostics: () => import('./diagnostics.mjs'),
  mirror: () => import('./mirror.mjs'),
  remote: () => import('./remote.mjs'),
  page: () => import('./page.mjs'),
  start: () => import('./start.mjs'),
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    quick: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
  },
});
const rounds = options.quick ? 2 : Number(options.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) throw new TypeError('--rounds must be an integer from 1 up');
const suites = Object.entries(SUITES).filter(([name]) => options.only === undefined || options.only === name);
if (suites.length === 0) throw new TypeError(`--only must be one of ${Object.keys(SUITES).join(', ')}`);

installPeers();
mkdirSync(options.dir, { recursive: true });
const folder = mkdtempSync(join(resolve(options.dir), 'omne-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const machine = machineOf(folder);
if (!options.json) console.log(describe(machine));
const results = [];
for (const [, load] of suites) {
  const result = await runSuite((await load()).default, {
    rounds,
    durationMs: options.quick ? 10 : 100,
    folder,
    progress,
  });
  results.push(result);
  if (!options.json) console.log(`\n${options.markdown ? asMarkdown(result) : asText(result)}`);
}
if (options.json) console.log(JSON.stringify({ machine, rounds, suites: results }, null, 2));

/** The peers are no dependencies of this project; they are fetched when somebody measures. */
function installPeers() {
  const home = import.meta.dirname;
  if (existsSync(join(home, 'node_modules'))) return;
  console.error(`npm ci in ${home}: the peers to compare with`);
  const windows = process.platform === 'win32'; // npm is a script there
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: home,
    stdio: ['ignore', 2, 2],
    shell: windows,
  });
}

/** @param {ReturnType<typeof machineOf>} machine */
function describe({ processor, cores, node, kernel, filesystem, device }) {
  const text = `${processor}, ${cores} cores; node ${node}, ${kernel}; ${filesystem} on ${device}${options.markdown ? '' : ` (${folder})`}`;
  const memory = filesystem === 'tmpfs' || filesystem === 'ramfs';
  return memory
    ? `${text}\nThis folder lies in memory: a sync costs nothing here. Name one on a disk with --dir.`
    : text;
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
