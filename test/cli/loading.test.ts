/** Which modules a command loads: that, and not a time, is what keeps it quick. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SUMMARIES } from '../../src/cli/summaries.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, plainEnvironment } from '../support/command.js';
import { spread } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const PROJECT = new URL('../../', import.meta.url);
const SOURCE = new URL('src/', PROJECT);

/** What a command loaded besides what every Node does, from what V8 counted. */
interface Loaded {
  /** Files of the project, and of packages by the package's name. */
  readonly files: readonly string[];
  /** Modules of Node that take longer to load than all else of a short command. */
  readonly slow: readonly string[];
}

const SLOW = /^node:(crypto|perf_hooks|http|child_process|worker_threads|internal\/fs\/promises)$/;

async function loadedBy(args: readonly string[]): Promise<Loaded> {
  const folder = join(temporaryVolume(), 'counted');
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: 'ignore', // whether the reader of a pipe has left is looked at in time, and that loads a package
    env: { ...plainEnvironment(), NODE_V8_COVERAGE: folder },
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  const urls = readdirSync(folder).flatMap(name => {
    const { result }: { result: { url: string }[] } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    return result.map(({ url }) => url);
  });
  const files = urls.filter(url => url.startsWith('file:')).map(url => url.slice(PROJECT.href.length));
  return { files: files.sort(), slow: urls.filter(url => SLOW.test(url)) };
}

/** The source files that run when this one is imported: those it imports by a statement, and so on. */
function neededBy(file: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = readFileSync(new URL(file, SOURCE), 'utf8');
  for (const [, path = ''] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)\.js';/gm))
    neededBy(new URL(`${path}.ts`, new URL(file, SOURCE)).href.slice(SOURCE.href.length), found);
  return found;
}

const root = () => {
  const volume = temporaryVolume();
  writeRun(volume, 'feature', COMPLETED);
  return volume;
};

/** Wings that no command needs which only looks at a volume. */
const NEVER =
  /^(append\/|web|mcp\/|jetstream\/(fetch|ship)\/|jetstream\.ts|index\.ts|event-log\.ts|cli\/demo\/)/;

describe('a command loads what it needs', () => {
  const commands = [
    ['ls', '-n', '1'],
    ['show', 'last'],
    ['cat', 'last'],
    ['stats'],
    ['verify', 'last'],
    ['completion', 'runs'],
  ];

  test.for(spread(commands, 2))('%s: two files, no package, and nothing of Node that is slow', async args => {
    const { files, slow } = await loadedBy([...args, '--root', root()]);
    expect(files).toEqual(['dist/cli.cjs', 'dist/cli/main.cjs']);
    expect(slow).toEqual([]);
  });

  test.for<[string, RegExp]>([
    ['ls', /^cli\/(timeline|commands\/(?!ls))/],
    ['show', /^cli\/(timeline|commands\/(?!show))/],
    ['cat', /^cli\/(timeline|commands\/(?!cat))/],
    ['stats', /^cli\/(timeline|commands\/(?!stats))/],
    ['completion', /^(read|run|format\/(?!lines))|^cli\/(timeline|commands\/(?!completion))/],
  ])('%s runs no module of another command, and none that only writes', async ([name, others]) => {
    const files = [...neededBy(`cli/commands/${name}.ts`)];
    expect(files).toContain('volume/run-folders.ts');
    expect(files.filter(file => NEVER.test(file) || others.test(file))).toEqual([]);
  });

  test('the help and the version run no command at all', async () => {
    const files = [...neededBy('cli/main.ts')];
    expect(files).toContain('cli/summaries.ts');
    expect(files.filter(file => /^(read|run|format|append|cli\/commands\/(?!table))/.test(file))).toEqual([]);
    for (const option of spread(['--help', '--version'], 2))
      expect(await loadedBy([option])).toEqual({ files: ['dist/cli.cjs', 'dist/cli/main.cjs'], slow: [] });
  });

  test.for(Object.keys(SUMMARIES))('%s --help has an example', async name => {
    const { stdout } = await omneLog([name, '--help']);
    expect(stdout).toMatch(/\n\nExample: .*omne-log \w/);
  });
});
