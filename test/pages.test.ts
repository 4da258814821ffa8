/** The manual is whole: a page for each wing, links that lead somewhere, and everything public named on a page. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES, omneEvents } from '../src/format/events.js';
import { omneLog } from './support/command.js';
import { anchorsOf, linksOf, manual, pages, project, proseOf, sectionOf, textOf } from './support/pages.js';
import { temporaryVolume } from './support/volume.js';

const run = promisify(execFile);
const front = textOf('README.md');

function read(path: string): string {
  return readFileSync(join(project, path), 'utf8');
}

/** The codes of `EventLogError`. */
const codes = [...read('src/errors.ts').matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code = '']) => code);

/** Every wing: a folder of `src/`. */
const wings = readdirSync(join(project, 'src'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name);

describe('the pages', () => {
  test('are one for each wing, linked from the front page and from the guide to the source', () => {
    expect(wings).toContain('format');
    for (const wing of wings) {
      const page = `src/${wing}/README.md`;
      expect(pages.map(({ path }) => path)).toContain(page);
      expect(front).toContain(`](${page}`);
      expect(textOf('src/README.md')).toContain(`](${wing}/README.md`);
    }
  });

  test('are short: the front page is read in a few minutes, and none of the others is a book', () => {
    for (const { path, text } of pages) {
      const lines = text.split('\n').length - 1;
      expect([path, lines >= (path === 'README.md' ? 250 : 20)]).toEqual([path, true]);
      expect([path, lines <= 350]).toEqual([path, true]);
    }
  });

  test.each(pages)('$path has one title, and no heading twice', ({ text }) => {
    expect(text).toMatch(/^# /);
    expect(proseOf(text).match(/^# /gm)).toHaveLength(1);
    expect(anchorsOf(text).filter((anchor, place, all) => all.indexOf(anchor) !== place)).toEqual([]);
  });

  test.each(pages)('the links of $path lead to files that are there and to headings on pages', page => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      if (!existsSync(join(project, path))) return true;
      return anchor !== '' && !anchorsOf(read(path)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('link to each other', () => {
    expect(linksOf({ path: 'README.md', text: front }).length).toBeGreaterThan(40);
  });

  test.each(pages)('the tests that $path names are there', ({ text }) => {
    const tests = readdirSync(join(project, 'test'), { recursive: true, encoding: 'utf8' });
    const named = [...proseOf(text).matchAll(/`(?:test\/)?([\w/-]+\.test\.ts)`/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter(name => !tests.some(path => path === name || path.endsWith(`/${name}`)))).toEqual([]);
  });

  test.each(wings)('the page of %s names every file of the wing', wing => {
    const text = textOf(`src/${wing}/README.md`);
    if (wing === 'jetstream') return; // its files are changing
    const files = readdirSync(join(project, 'src', wing)).filter(name => name !== 'README.md');
    const named = new Set(text.match(/[\w.-]+/g));
    expect(files.filter(name => !named.has(name))).toEqual([]);
  });
});

describe('errors', () => {
  test('every code has one heading, and every such heading is a code', () => {
    const headings = [...manual.matchAll(/^### `(ERR_\w+)`$/gm)].map(([, code]) => code);
    expect(headings.sort()).toEqual(codes.toSorted());
  });

  test('the front page has a line for each, in the order of the alphabet', () => {
    const rows = [...front.matchAll(/^\| \[`(ERR_\w+)`\]\(\S+#(\w+)\) \| \S.*\|$/gm)];
    expect(rows.map(([, code]) => code)).toEqual(codes.toSorted());
    for (const [, code = '', anchor] of rows) expect(anchor).toBe(code.toLowerCase());
  });
});

test('every name that the package exports is on a page', () => {
  const names = [...read('src/index.ts').matchAll(/^export (?:type )?\{([^}]*)\} from/gm)].flatMap(
    ([, list = '']) => list.match(/\b(?!type\b)\w+/g) ?? [],
  );
  expect(names).toEqual(expect.arrayContaining(['EventLog', 'isTerminal', 'RunSummary', 'VerifyReport']));
  // As code: in text some of them are words like any other.
  const spans = [...proseOf(manual).matchAll(/`([^`\n]+)`/g)].flatMap(
    ([, span = '']) => span.match(/\w+/g) ?? [],
  );
  const code = new Set(spans);
  expect(names.filter(name => !code.has(name))).toEqual([]);
});

test('the table of event types names every type and its fields, in the order of the wire', () => {
  const rows = [...front.matchAll(/^\| `(\w+\.\w+)` \|(.*)\|$/gm)];
  expect(rows.map(([, type]) => type)).toEqual(EVENT_TYPES);
  for (const [row, type = '', cells = ''] of rows) {
    const fields = (omneEvents.draftShapes.get(type)?.fields ?? []).map(({ name }) => name);
    const places = fields.map(name => cells.indexOf(`\`${name}\``));
    expect([row, places]).toEqual([row, places.filter(place => place !== -1).toSorted((a, b) => a - b)]);
  }
});

test('every script that a page names is one of the package, and that of the demo runs it', async () => {
  const { scripts } = JSON.parse(read('package.json'));
  const named = [...manual.matchAll(/\bnpm run (\w+)/g)].map(([, name]) => name);
  expect(named).toEqual(expect.arrayContaining(['build', 'check', 'bench', 'demo']));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...named, 'test']));
  const [building, program] = scripts.demo.split(' && ');
  expect(building).toBe('npm run build'); // `npm test` has done that; again would pull it from under the other tests
  const env = { ...process.env, TMPDIR: temporaryVolume() };
  const { stdout } = await run('sh', ['-c', program], { cwd: project, env });
  expect(stdout).toContain('Replayed from disk by a second process');
});

test('the section on checking names every field of the report, every option and every kind of problem', () => {
  const declarations = read('dist/run/verify.d.ts') + read('dist/run/verify-report.d.ts');
  const fields = [...declarations.matchAll(/^ {4}(?:readonly )?(\w+)\??: /gm)].map(([, name]) => name);
  const kinds = /kind: (.*);/.exec(declarations)?.[1]?.match(/[\w-]+/g) ?? [];
  expect(fields).toEqual(expect.arrayContaining(['ok', 'offset', 'onProgress']));
  expect(kinds).toContain('torn-tail');
  const section = sectionOf(textOf('src/run/README.md'), 'Checking and repairing');
  expect([...fields, ...kinds].filter(name => !new RegExp(`\`${name}\\b`).test(section))).toEqual([]);
});

test('the table of commands has every command', async () => {
  const { stdout } = await omneLog(['--help']);
  const commands = [...stdout.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, name]) => name);
  expect(commands).toEqual(expect.arrayContaining(['ls', 'completion']));
  const section = sectionOf(textOf('src/cli/README.md'), 'Commands');
  expect(commands.filter(name => !new RegExp(`^\\| \`${name}\\b`, 'm').test(section))).toEqual([]);
});

test.each([
  ['LogOptions', 'append/open-for-appending', 'src/append/README.md', 'Options'],
  ['OpenLogOptions', 'append/open-for-appending', 'src/append/README.md', 'Options'],
  ['ReadOptions', 'read/event-filter', 'src/read/README.md', 'Options'],
  ['TailOptions', 'read/tail-options', 'src/read/README.md', 'Tailing'],
  ['DecoderOptions', 'read/event-decoder', 'src/read/README.md', 'From a pipe: `eventDecoder\\(\\)`'],
  ['RunsOptions', 'run/list-runs', 'src/run/README.md', 'Listing: `EventLog.runs`'],
])('the page names every option of %s', (name, file, page, heading) => {
  const declaration = new RegExp(`interface ${name}\\b[^{]*\\{([\\s\\S]*?)^\\}`, 'm').exec(
    read(`dist/${file}.d.ts`),
  );
  const options = [...(declaration?.[1] ?? '').matchAll(/^ {4}(?:readonly )?(\w+)\?: /gm)].map(
    ([, each]) => each,
  );
  expect([name, options.length > 0 || /extends|Pick/.test(read(`dist/${file}.d.ts`))]).toEqual([name, true]);
  const section = sectionOf(textOf(page), heading);
  expect(options.filter(option => !new RegExp(`\`${option}\\b`).test(section))).toEqual([]);
});
