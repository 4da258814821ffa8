/** Every code block of the README runs: JavaScript as programs of their own, jq lines on the demo's log. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { EVENT_TYPES, specOf } from '../src/format/events.js';
import { NatsServer, noServer } from './jetstream/nats-server.js';
import { temporaryVolume } from './support/volume.js';

const run = promisify(execFile);
const project = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(project, 'README.md'), 'utf8');

/** The code blocks of one language, each with the heading it is under. */
function blocks(language: string): { heading: string; code: string }[] {
  const found: { heading: string; code: string }[] = [];
  let heading = '';
  for (const [, title, tag, code] of readme.matchAll(/^#+ (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    else if (tag === language && code !== undefined) found.push({ heading, code });
  }
  return found;
}

/** A folder in which `import 'omne-event-log'` finds this project. */
async function consumer(): Promise<string> {
  const folder = temporaryVolume();
  await mkdir(join(folder, 'node_modules'));
  await symlink(project, join(folder, 'node_modules', 'omne-event-log'), 'dir');
  await symlink(join(project, 'node_modules/@nats-io'), join(folder, 'node_modules/@nats-io'), 'dir');
  return folder;
}

const examples = blocks('js')
  .map(({ heading, code }, index) => ({ name: `${heading} (block ${index + 1})`, code }))
  .filter(({ code }) => !noServer || !code.includes('@nats-io/'));
const env = noServer ? process.env : { ...process.env, NATS_URL: (await NatsServer.start()).url };

test.each(examples)('the example under "$name" runs and prints something', async ({ code }) => {
  const folder = await consumer();
  await writeFile(join(folder, 'example.mjs'), code);
  const { stdout, stderr } = await run(process.execPath, ['example.mjs'], { cwd: folder, env });
  expect(stderr).toBe('');
  if (code.includes('console.log')) expect(stdout).not.toBe('');
});

test('what the examples say they print is what they print', async () => {
  const folder = await consumer();
  const outputs: string[] = [];
  for (const { code } of examples) {
    await writeFile(join(folder, 'example.mjs'), code);
    outputs.push((await run(process.execPath, ['example.mjs'], { cwd: folder, env })).stdout);
  }
  const printed = outputs.join('');
  for (const text of ['ERR_RUN_ENDED', 'ERR_INVALID_EVENT kind', 'true missing field "id"', 'true 1']) {
    expect(readme).toContain(text);
    expect(printed).toContain(text);
  }
});

test('the TypeScript blocks stand in the type tests, word for word', async () => {
  const typeTests = await readFile(join(project, 'test/events.test-d.ts'), 'utf8');
  for (const { code } of blocks('ts')) expect(typeTests).toContain(code.trim());
});

test('the jq lines work on the log of the demo', async () => {
  const folder = temporaryVolume();
  const { stdout } = await run(process.execPath, [join(project, 'dist/cli.js'), 'demo', '--dir', folder]);
  const log = /\S+events\.jsonl/.exec(stdout)?.[0] ?? '';
  const lines = blocks('sh').flatMap(({ code }) => code.split('\n').filter(line => line.startsWith('jq ')));
  expect(lines.length).toBeGreaterThanOrEqual(3);
  for (const line of lines) {
    const { stdout: printed } = await run('sh', ['-c', line], { cwd: dirname(log) });
    expect(printed.trim()).not.toBe('');
  }
});

test.each(blocks('sh').filter(({ heading }) => heading === 'Recipes'))(
  'a recipe runs: $code',
  async ({ code }) => {
    const folder = temporaryVolume();
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(
      join(bin, 'omne-log'),
      `#!/bin/sh\nexec "${process.execPath}" "${project}/dist/cli.js" "$@"\n`,
      {
        mode: 0o755,
      },
    );
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
    await run('omne-log', ['demo', '--dir', folder], { env });
    const { stdout, stderr } = await run('sh', ['-e', '-c', code], { cwd: folder, env });
    expect([stderr, stdout === '']).toEqual(['', false]);
  },
);

test('every error code has a heading, and every heading is a code', async () => {
  const source = await readFile(join(project, 'src/errors.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code);
  const headings = [...readme.matchAll(/^### (`ERR_.+)$/gm)].flatMap(
    ([, line]) => line?.match(/ERR_\w+/g) ?? [],
  );
  expect(headings.sort()).toEqual(codes.sort());
});

test('every name that the package exports stands in it', async () => {
  const source = await readFile(join(project, 'src/index.ts'), 'utf8');
  const names = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from/gm)].flatMap(([, list = '']) => {
    return list.match(/\b(?!type\b)\w+/g) ?? [];
  });
  expect(names).toEqual(expect.arrayContaining(['EventLog', 'isTerminal', 'RunSummary', 'VerifyReport']));
  // As code: in text some of them are words like any other.
  const text = readme.replaceAll(/^```[\s\S]*?^```$/gm, '');
  const code = new Set(
    [...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, span = '']) => span.match(/\w+/g) ?? []),
  );
  expect(names.filter(name => !code.has(name))).toEqual([]);
});

test('the table of event types names every type and its fields, in the order of the wire', () => {
  const rows = [...readme.matchAll(/^\| `(\w+\.\w+)` \|(.*)\|$/gm)];
  expect(rows.map(([, type]) => type)).toEqual(EVENT_TYPES);
  for (const [row, type = '', cells = ''] of rows) {
    const fields = Object.keys(specOf(type) ?? {});
    const places = fields.map(name => cells.indexOf(`\`${name}\``));
    expect([row, places]).toEqual([row, places.filter(place => place !== -1).toSorted((a, b) => a - b)]);
  }
});

test('every script that the README names is one of the package, and that of the demo runs it', async () => {
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'));
  const named = [...readme.matchAll(/\bnpm run (\w+)/g)].map(([, name]) => name);
  expect(named).toEqual(expect.arrayContaining(['build', 'check', 'bench', 'demo']));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...named, 'test']));
  const [building, program] = scripts.demo.split(' && ');
  expect(building).toBe('npm run build'); // `npm test` has done that; again would pull it from under the other tests
  const env = { ...process.env, TMPDIR: temporaryVolume() };
  const { stdout } = await run('sh', ['-c', program], { cwd: project, env });
  expect(stdout).toContain('Replayed from disk by a second process');
});

test('the section on checking names every field of the report, every option and every kind of problem', async () => {
  const declarations = await readFile(join(project, 'dist/verify.d.ts'), 'utf8');
  const fields = [...declarations.matchAll(/^ {4}(?:readonly )?(\w+)\??: /gm)].map(([, name]) => name);
  const kinds = /kind: (.*);/.exec(declarations)?.[1]?.match(/[\w-]+/g) ?? [];
  expect(fields).toEqual(expect.arrayContaining(['ok', 'offset', 'onProgress']));
  expect(kinds).toContain('torn-tail');
  const section = /^## Checking and mending$([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  const missing = [...fields, ...kinds].filter(name => !new RegExp(`\`${name}\\b`).test(section));
  expect(missing).toEqual([]);
});

test('the table of commands has every command', async () => {
  const { stdout } = await run(process.execPath, [join(project, 'dist/cli.js'), '--help']);
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name);
  expect(commands).toEqual(expect.arrayContaining(['ls', 'completion']));
  const section = /^## The command$([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
  expect(commands.filter(name => !new RegExp(`^\\| \`${name}\\b`, 'm').test(section))).toEqual([]);
});
