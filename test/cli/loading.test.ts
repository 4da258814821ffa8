/** Which modules a command loads: that, and not a time, is what keeps it quick. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SUMMARIES } from '../../src/cli/summaries.js';
import { COMPLETED, writeRun } from '../support/cli-runs.js';
import { COMMAND, omneLog, plainEnvironment } from '../support/command.js';
import { temporaryVolume } from '../support/volume.js';

const PROJECT = new URL('../../', import.meta.url);

interface Loaded {
  /** Source files, relative to `src/`. */
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

/** Runs a command and finds out what it loaded, from what V8 counted. */
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
  const packages = urls.flatMap(url => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
  const built = urls.filter(url => url.startsWith(`${PROJECT.href}dist/`));
  return { files: built.flatMap(sourcesOf).sort(), packages: [...new Set(packages)].sort() };
}

/** The source files that a built file was made of. */
function sourcesOf(url: string): string[] {
  const map = fileURLToPath(`${url}.map`);
  if (!existsSync(map)) return [];
  const { sources }: { sources: string[] } = JSON.parse(readFileSync(map, 'utf8'));
  const from = `${PROJECT.href}src/`;
  return sources.map(source => new URL(source, url).href).map(href => href.slice(from.length));
}

const root = () => {
  const volume = temporaryVolume();
  writeRun(volume, 'feature', COMPLETED);
  return volume;
};

/** Wings that no command loads which only looks at a volume. */
const NEVER =
  /^(append\/|web|mcp\/|jetstream\/(fetch|ship)\/|jetstream\.ts|index\.ts|event-log\.ts|cli\/demo\/)/;

describe('a command loads what it needs', () => {
  test.for<[string, string[], RegExp]>([
    ['ls', ['ls', '-n', '1'], /^cli\/(timeline|commands\/(?!ls|table))/],
    ['show', ['show', 'last'], /^cli\/(timeline|commands\/(?!show|table))/],
    ['cat', ['cat', 'last'], /^cli\/(timeline|commands\/(?!cat|table))/],
    ['stats', ['stats'], /^cli\/(timeline|commands\/(?!stats|table))/],
    [
      'completion runs',
      ['completion', 'runs'],
      /^(read|run|format\/(?!lines))|^cli\/(timeline|commands\/(?!completion|table))/,
    ],
  ])('%s', async ([, args, others]) => {
    const { files, packages } = await loadedBy([...args, '--root', root()]);
    expect(files).toContain('cli.ts');
    expect(files).toContain('volume/run-folders.ts');
    expect(files.filter(file => NEVER.test(file) || others.test(file))).toEqual([]);
    expect(packages.filter(name => name !== 'ulid')).toEqual([]);
  });

  test('the help and the version load no command at all', async () => {
    for (const option of ['--help', '--version']) {
      const { files, packages } = await loadedBy([option]);
      expect(files.filter(file => /^(read|run|format|append|cli\/commands\/(?!table))/.test(file))).toEqual(
        [],
      );
      expect(packages).toEqual([]);
    }
  });

  test.for(Object.keys(SUMMARIES))('%s --help has an example', async name => {
    const { stdout } = await omneLog([name, '--help']);
    expect(stdout).toMatch(/\n\nExample: .*omne-log \w/);
  });
});
