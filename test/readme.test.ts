/**
 * Every code block of the manual runs: each program, by default all in one process after the other; jq lines and recipes on the
 * demo's log.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NatsServer, noServer } from './jetstream/nats-server.js';
import { installed } from './support/packages.js';
import { blocks, manual, programs, project, withoutTypes } from './support/pages.js';
import { programPath } from './support/programs.js';
import { fullStrength } from './support/rounds.js';
import { temporaryVolume } from './support/volume.js';

const run = promisify(execFile);
const temporary = await mkdtemp(join(tmpdir(), 'omne-examples-'));
const examples = programs()
  .map(({ page, heading, code }, index) => ({
    name: `${heading} (${page}, block ${index + 1})`,
    code,
    folder: join(temporary, `${index + 1}`),
  }))
  .filter(({ code }) => !noServer || !code.includes('@nats-io/'));
const server = NatsServer.forAll();

/** Comments after a `console.log` that are about it; every other one is the line that it prints. */
const REMARKS = [
  'canonical JSON, no newline',
  'ends after pipe.completed',
  'filled in, and on disk by now',
  'node.started of `test`, then pipe.completed',
  'or to your chat',
];

/** The lines that a program says it prints. */
function promisedLines(code: string): string[] {
  const comments = [...code.matchAll(/console\.log\(.*; \/\/ (.+)$/gm)].map(([, comment = '']) => comment);
  return comments.filter(comment => !REMARKS.includes(comment));
}

const openTelemetry = await installed('@opentelemetry/api@1.9.0');

/** Writes all examples, each into its folder; `import 'omne-event-log'` finds this project there, and what they use beside it. */
beforeAll(async () => {
  const packages = join(temporary, 'node_modules');
  await mkdir(packages);
  await symlink(project, join(packages, 'omne-event-log'), 'dir');
  for (const path of [
    join(project, 'node_modules/@nats-io'),
    join(openTelemetry, 'node_modules/@opentelemetry'),
  ])
    await symlink(path, join(packages, basename(path)), 'dir');
  for (const { folder, code } of examples) {
    await mkdir(folder);
    await writeFile(join(folder, 'example.mjs'), withoutTypes(code));
  }
});

afterAll(() => rm(temporary, { recursive: true }));

test('there are examples on many pages, in both languages, and every block of JavaScript is one', () => {
  const all = programs();
  expect(all.length).toBeGreaterThan(20);
  expect(new Set(all.map(({ page }) => page)).size).toBeGreaterThan(7);
  expect(new Set(all.map(({ language }) => language))).toEqual(new Set(['js', 'ts']));
  expect(all.filter(({ language }) => language === 'js')).toHaveLength(blocks('js').length);
});

test('many examples say what they print, and every remark is one', () => {
  expect(examples.flatMap(({ code }) => promisedLines(code)).length).toBeGreaterThanOrEqual(10);
  expect(REMARKS.filter(remark => !manual.includes(`; // ${remark}\n`))).toEqual([]);
});

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

let allInOne: Promise<Printed> | undefined;

/** What the example in a folder prints; by default one process runs all of them, each when the one before it has ended. */
async function outcomeOf(folder: string): Promise<Printed> {
  const env = { ...process.env, NATS_URL: server.url };
  if (fullStrength) return run(process.execPath, ['example.mjs'], { cwd: folder, env });
  const command = [programPath('run-examples'), ...examples.map(example => example.folder)];
  allInOne ??= run(process.execPath, command, { env }).catch((error: Printed) => error); // those after it did not run
  const { stdout, stderr } = await allInOne;
  expect(stdout).toContain(`in ${folder}\n`);
  const partOf = (text: string) => text.split(`in ${folder}\n`)[1]?.split(`in ${temporary}`)[0] ?? '';
  return { stdout: partOf(stdout), stderr: partOf(stderr) };
}

test.each(examples)('the example under "$name" runs, and prints what it says', async ({ code, folder }) => {
  const { stdout, stderr } = await outcomeOf(folder);
  expect(stderr).toBe('');
  if (code.includes('console.log')) expect(stdout).not.toBe('');
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(promisedLines(code)));
});

test('no program escapes under another name of its language', () => {
  expect(['javascript', 'typescript', 'mjs', 'mts', 'jsx', 'tsx'].flatMap(blocks)).toEqual([]);
});

test('every piece of TypeScript is in the type tests, word for word', async () => {
  const files = await readdir(join(project, 'test'), { recursive: true });
  const typeTests = files.filter(name => name.endsWith('.test-d.ts') && !name.includes('node_modules'));
  const texts = await Promise.all(typeTests.map(name => readFile(join(project, 'test', name), 'utf8')));
  const codes = new Set(programs().map(({ code }) => code));
  const pieces = blocks('ts').filter(({ code }) => !codes.has(code));
  expect(pieces).not.toEqual([]);
  expect(pieces.filter(({ code }) => !texts.some(text => text.includes(code.trim())))).toEqual([]);
});

test('the jq lines work on the log of the demo', async () => {
  const folder = await volumeOfDemo();
  const [log = ''] = (await readdir(folder, { recursive: true })).filter(name =>
    name.endsWith('events.jsonl'),
  );
  const lines = blocks('sh').flatMap(({ code }) => code.split('\n').filter(line => line.startsWith('jq ')));
  expect(lines.length).toBeGreaterThanOrEqual(3);
  for (const line of lines) {
    const { stdout: found } = await run('sh', ['-c', line], { cwd: join(folder, dirname(log)) });
    expect(found.trim()).not.toBe('');
  }
});

/** A volume with the run of a demo that was played once. */
async function volumeOfDemo(): Promise<string> {
  const folder = temporaryVolume();
  await cp(demo, folder, { recursive: true });
  return folder;
}

const demo = await mkdtemp(join(tmpdir(), 'omne-demo-'));
await run(process.execPath, [join(project, 'dist/cli.cjs'), 'demo', '--dir', demo]);
afterAll(() => rm(demo, { recursive: true }));

const recipes = blocks('sh').filter(({ heading }) => heading === 'Recipes');

test('there are recipes', () => {
  expect(recipes.length).toBeGreaterThan(3);
});

test.each(recipes)(
  'a recipe runs: $code',
  async ({ code }) => {
    const folder = await volumeOfDemo();
    const bin = join(folder, 'bin');
    await mkdir(bin);
    const command = `#!/bin/sh\nexec "${process.execPath}" "${project}/dist/cli.cjs" "$@"\n`;
    await writeFile(join(bin, 'omne-log'), command, { mode: 0o755 });
    const environment = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
    const { stdout, stderr } = await run('sh', ['-e', '-c', code], { cwd: folder, env: environment });
    expect([stderr, stdout === '']).toEqual(['', false]);
  },
  120_000,
);
