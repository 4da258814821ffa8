/**
 * The package as others get it: packed, installed into an empty folder, and used in each way it can be used. By default it is
 * unpacked beside what its manifest says it depends on, for `npm install` takes longer than all else here.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../src/format/events.js';
import { plainEnvironment } from './support/command.js';
import { linksOf, manual, pages, textOf } from './support/pages.js';
import { fullStrength } from './support/rounds.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const project = fileURLToPath(new URL('..', import.meta.url));
const manifest: { name: string; version: string } = require('../package.json');
const readme = textOf('README.md');
const consumer = mkdtempSync(join(tmpdir(), 'omne-consumer-'));
/** Where a package is, in the project or in the consumer's folder. */
const ofProject = (name: string): string => join(project, 'node_modules', name);
const ofConsumer = (name: string): string => join(consumer, 'node_modules', name);

let packed: { filename: string; size: number; unpackedSize: number; files: { path: string }[] };

beforeAll(async () => {
  // The tests run on what `npm test` has built; building again would pull it from under the others.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', consumer];
  [packed] = JSON.parse((await run('npm', pack, { cwd: project })).stdout);
  writeFileSync(join(consumer, 'package.json'), '{ "private": true }');
  if (fullStrength) {
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${packed.filename}`];
    await run('npm', install, { cwd: consumer });
  } else {
    await unpack(packed.filename);
  }
}, 180_000);

afterAll(() => rmSync(consumer, { recursive: true, force: true }));

/** Does what npm does with the tarball: the package, the packages it depends on, and its command. */
async function unpack(tarball: string): Promise<void> {
  const folder = ofConsumer(manifest.name);
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'], { cwd: consumer });
  copyDependencies(manifest.name);
  mkdirSync(ofConsumer('.bin'));
  for (const [name, path] of Object.entries(manifestIn(folder).bin ?? {}))
    symlinkSync(join('..', manifest.name, path), ofConsumer(join('.bin', name)));
}

/** Copies the packages of this project that one in the consumer's folder depends on, those for this platform, and so on. */
function copyDependencies(ofPackage: string): void {
  const { dependencies, optionalDependencies } = manifestIn(ofConsumer(ofPackage));
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (existsSync(ofConsumer(name)) || !existsSync(ofProject(name))) continue;
    cpSync(ofProject(name), ofConsumer(name), { recursive: true });
    copyDependencies(name);
  }
}

type Names = Readonly<Record<string, string>>;

function manifestIn(folder: string): { dependencies?: Names; optionalDependencies?: Names; bin?: Names } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** Writes a program into the consumer's folder and runs it there; what it prints. */
async function runs(file: string, code: string): Promise<string> {
  writeFileSync(join(consumer, file), code);
  const { stdout, stderr } = await run(process.execPath, [file], { cwd: consumer, env: plainEnvironment() });
  expect(stderr).toBe('');
  return stdout.trim();
}

/** What the browser's side is built into. */
const PAGE = ['LICENSES.txt', 'index.html', 'page.css', 'page.js'].concat(
  ['completed', 'damaged', 'failed', 'orphan', 'running'].map(kind => `icon-${kind}.svg`),
);

/** What the command is bundled into. */
const BUNDLE = ['cli.cjs', 'cli/main.cjs', 'cli/LICENSES.txt'];

/** The names of the source files that are built one by one, without their ending: not those of the page and of the command. */
function sources(): string[] {
  const bundled = ['web/page', 'cli', 'mcp'].map(folder => join(folder, sep));
  return readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts') && name !== 'cli.ts')
    .filter(name => !bundled.some(folder => name.startsWith(folder)))
    .map(name => name.slice(0, -'.ts'.length));
}

describe('the tarball', () => {
  test('holds the sources, what was built from them, and nothing else', () => {
    const built = sources().flatMap(name =>
      ['.js', '.js.map', '.d.ts', '.d.ts.map'].map(ending => `dist/${name}${ending}`),
    );
    const written = readdirSync(join(project, 'src'), {
      recursive: true,
      encoding: 'utf8',
      withFileTypes: true,
    })
      .filter(entry => entry.isFile() && !entry.name.endsWith('.png'))
      .map(({ parentPath, name }) => relative(project, join(parentPath, name)))
      .filter(path => !path.startsWith(join('src', 'web', 'page') + sep)); // no map leads there
    const wanted = [
      'LICENSE',
      'README.md',
      'package.json',
      'dist/event.schema.json',
      'src/web/page/page.png',
      'test/bench/README.md',
      'test/power/README.md',
      ...built,
      ...written,
    ].concat(
      PAGE.map(name => `dist/web/page/${name}`),
      BUNDLE.map(name => `dist/${name}`),
    );
    expect(packed.files.map(({ path }) => path).sort()).toEqual(wanted.sort());
  });

  test('holds what its pages lead to, but for what they say is in the repository only', () => {
    const held = packed.files.map(({ path }) => path);
    const leadsOut = pages
      .filter(({ path }) => held.includes(path))
      .flatMap(page => linksOf(page).map(({ path }) => ({ page: page.path, path: path.replace(/\/$/, '') })))
      .filter(({ path }) => !held.some(each => each === path || each.startsWith(`${path}/`)));
    const said = leadsOut.filter(({ page, path }) =>
      page === 'src/README.md' ? path.startsWith('test/') : path === 'src/web/page/README.md',
    );
    expect(leadsOut).toEqual(said);
  });

  test('has the name that the README installs', () => {
    expect(readme).toContain(`npm install <this folder>/${packed.filename}`);
  });

  test('is no larger than the README says, and no more than a tenth smaller', () => {
    const [, size, unpacked] = /at most (\d+) kB to download, (\d+) kB unpacked/.exec(readme) ?? [];
    expectWithin(packed.size, Number(size) * 1000);
    expectWithin(packed.unpackedSize, Number(unpacked) * 1000);
  });
});

/** A bound that is far off says nothing. */
function expectWithin(bytes: number, most: number): void {
  expect(bytes).toBeLessThanOrEqual(most);
  expect(bytes).toBeGreaterThan(most / 1.1);
}

test('what is installed with it is no larger than the README says, and no more than a tenth smaller', () => {
  const [, most] = /at most ([\d.]+) MB with all that it depends on/.exec(readme) ?? [];
  const installed = readdirSync(join(consumer, 'node_modules'), { recursive: true, encoding: 'utf8' });
  const bytes = installed
    .map(path => lstatSync(join(consumer, 'node_modules', path)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  expectWithin(bytes, Number(most) * 1_000_000);
});

describe('installed into an empty folder', { timeout: 120_000 }, () => {
  const USE = `
    const log = await EventLog.create('.', 'feature');
    await log.append({ type: 'pipe.started', pipe: 'feature' });
    await log.append({ type: 'pipe.completed' });
    await log.close();
    console.log((await EventLog.read('.', log.runId).toArray()).map(event => event.type).join(' '));`;

  test('it is imported by an ES module', async () => {
    const program = `import { EventLog } from 'omne-event-log';\n${USE}`;
    expect(await runs('import.mjs', program)).toBe('pipe.started pipe.completed');
  });

  test('it is required by a CommonJS module, without a warning', async () => {
    const program = `const { EventLog } = require('omne-event-log');\n(async () => {${USE}})();`;
    expect(await runs('require.cjs', program)).toBe('pipe.started pipe.completed');
  });

  test('it gives its JSON Schema and its manifest, and nothing that is not public', async () => {
    const program = `
      console.log(require('omne-event-log/event.schema.json').oneOf.length);
      console.log(require('omne-event-log/package.json').version);
      try { require('omne-event-log/dist/format/decode.js'); } catch (error) { console.log(error.code); }`;
    expect(await runs('paths.cjs', program)).toBe(
      `${EVENT_TYPES.length}\n${manifest.version}\nERR_PACKAGE_PATH_NOT_EXPORTED`,
    );
  });

  test('without the clients of NATS what needs them is not found, and all else works', async () => {
    const program = `
      const found = await import('omne-event-log/jetstream').catch(error => error);
      console.log(found.code, /@nats-io\\/(jetstream|transport-node)/.test(found.message));
      const { EventLog } = await import('omne-event-log');\n${USE}`;
    const printed = 'ERR_MODULE_NOT_FOUND true\npipe.started pipe.completed';
    expect(await runs('no-clients.mjs', program)).toBe(printed);
  });

  test('npx runs its command', async () => {
    const npx = async (...args: string[]) => {
      const options = { cwd: consumer, env: plainEnvironment() };
      return (await run('npx', ['--no-install', 'omne-log', ...args], options)).stdout;
    };
    const runId = await runs(
      'run.mjs',
      "const { EventLog } = await import('omne-event-log');\nconsole.log((await EventLog.create('.', 'seen')).runId);",
    );
    expect(await npx('ls')).toContain(runId);
    if (fullStrength) expect((await npx('--version')).trim()).toBe(manifest.version);
  });
});

const flags = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  lib: ['es2022', 'esnext.disposable'],
  types: ['node'],
};
const beside = createRequire(require.resolve('@arethetypeswrong/cli/package.json'));
const core = createRequire(beside.resolve('@arethetypeswrong/core'));
type Command = readonly string[];
const newest = [
  require.resolve('typescript/package.json').replace('package.json', 'bin/tsc'),
  '--singleThreaded',
];
const compilers: readonly [string, Command][] = [
  ['TypeScript 7', newest],
  ['TypeScript 5', [core.resolve('typescript/lib/tsc.js')]],
];
const resolutions = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'esnext', moduleResolution: 'bundler' },
];
/** What a compiler says about a file in the consumer's folder, under the strictest flags. */
const complaints = (compiler: Command, file: string, code: string, options: object): Promise<string> =>
  complaintsUnder(compiler, file, code, { ...flags, ...options });

async function complaintsUnder(
  compiler: Command,
  file: string,
  code: string,
  compilerOptions: object,
): Promise<string> {
  writeFileSync(join(consumer, file), code);
  writeFileSync(join(consumer, `${file}.json`), JSON.stringify({ compilerOptions, files: [file] }));
  const compiling = run(process.execPath, [...compiler, '-p', `${file}.json`], { cwd: consumer });
  return (await compiling.catch((error: { stdout: string }) => error)).stdout;
}

describe('in TypeScript under the strictest flags, with declarations checked too', {
  timeout: 120_000,
}, () => {
  const program = `
    import { EventLog, EventLogError, eventDecoder, type LogOptions, type RunEvent } from 'omne-event-log';
    import type { Duplex } from 'node:stream';

    const options: LogOptions = { mode: undefined, lockTimeout: 1000 };
    export async function use(signal: AbortSignal | undefined): Promise<readonly RunEvent[]> {
      await using log = await EventLog.create('.', 'feature', options);
      const started = await log.append({ type: 'node.started', node_id: 'a', kind: 'bash' });
      const kind: 'command' | 'prompt' | 'bash' | 'loop' = started.kind;
      // @ts-expect-error there is no such kind
      await log.append({ type: 'node.started', node_id: kind, kind: 'daydream' });
      for await (const event of log.tail({ signal })) if (event.type === 'node.failed') console.log(event.error.kind);
      const decoder: Duplex = eventDecoder({ signal });
      decoder.destroy(new EventLogError('ERR_SYSTEM', 'made up'));
      return log.read({ signal }).toArray();
    }`;

  // By default without what takes an older compiler seconds: test/typescript.test.ts asks one in any case.
  const cases = compilers
    .flatMap(([name, compiler]) => resolutions.map(resolution => ({ name, compiler, ...resolution })))
    .slice(0, fullStrength ? undefined : 1);

  beforeAll(() => {
    mkdirSync(ofConsumer('@types'));
    symlinkSync(ofProject('@types/node'), ofConsumer('@types/node'), 'dir');
  });

  test.for(cases)('it compiles with $name, moduleResolution $moduleResolution', async settings => {
    const { name, compiler, ...resolution } = settings;
    const file = `${name.at(-1)}-${resolution.moduleResolution}.mts`;
    expect(await complaints(compiler, file, program, resolution)).toBe('');
  });

  test.for(compilers.slice(0, fullStrength ? 2 : 1))(
    'it compiles with %s when tsconfig.json says strict and no more',
    async ([name, compiler]) => {
      const bare =
        "import { EventLog } from 'omne-event-log';\nexport const log = await EventLog.create('.', 'feature');";
      const options = { strict: true, module: 'nodenext', noEmit: true };
      expect(await complaintsUnder(compiler, `bare-${name.at(-1)}.mts`, bare, options)).toBe('');
    },
  );

  test('it compiles as a CommonJS module that requires it', async () => {
    const required = `import log = require('omne-event-log');\nconst types: readonly string[] = log.EVENT_TYPES;\nexport = types;`;
    const options = { module: 'nodenext', moduleResolution: 'nodenext', skipLibCheck: true };
    expect(await complaints(newest, 'required.cts', required, options)).toBe('');
  });

  test('it does not compile where it is used wrongly: the compiler does look at its types', async () => {
    const wrong = program.replace("kind: 'bash'", "kind: 'cobol'");
    const options = { ...resolutions[0], skipLibCheck: true };
    const found = await complaints(newest, 'wrong.mts', wrong, options);
    expect(found).toContain('error TS');
  });
});

describe('with the clients of NATS beside it', { timeout: 120_000 }, () => {
  beforeAll(() => symlinkSync(ofProject('@nats-io'), ofConsumer('@nats-io'), 'dir'));

  test('it gives the functions that the manual describes', async () => {
    const program = `
      const functions = Object.entries(await import('omne-event-log/jetstream'));
      for (const [name, value] of functions) console.log(name, typeof value);`;
    const names = [
      'RemoteReader',
      'RemoteTail',
      'mirrorRun',
      'mirrorVolume',
      'readRemote',
      'remoteRuns',
      'tailRemote',
    ];
    const printed = await runs('clients.mjs', program);
    expect(printed.split('\n').sort()).toEqual(names.map(name => `${name} function`));
    for (const name of names) expect(manual).toContain(name);
  });

  const program = `
    import type { NatsConnection } from '@nats-io/transport-node';
    import type { RunEvent } from 'omne-event-log';
    import { mirrorRun, mirrorVolume, type RemoteTail, readRemote, remoteRuns, tailRemote } from 'omne-event-log/jetstream';

    export async function use(connection: NatsConnection, signal: AbortSignal | undefined): Promise<RunEvent[]> {
      const { position } = await mirrorRun('.', 'run', { connection, signal });
      const { dropped }: { dropped: number } = await mirrorVolume('.', { connection, once: true });
      for await (const { runId } of remoteRuns(connection)) console.log(runId, dropped);
      const tail: RemoteTail = tailRemote(connection, 'run', { from: position, signal });
      for await (const event of tail) if (event.type === 'node.failed') console.log(event.error.kind);
      // @ts-expect-error a run is named by a text
      readRemote(connection, 1);
      return readRemote(connection, 'run', { types: ['node.failed'] }).toArray();
    }`;

  test.for(resolutions.slice(fullStrength ? 0 : 1))(
    'it compiles, moduleResolution $moduleResolution',
    async resolution => {
      const file = `remote-${resolution.moduleResolution}.mts`;
      const found = await complaints(newest, file, program, resolution);
      // The declarations of the clients do not stand these flags. A line that goes on is indented.
      const ours = found.split('\n').filter(line => !/^(\S+\/node_modules\/@nats-io\/|\s|$)/.test(line));
      expect(ours).toEqual([]);
    },
  );
});
