/** A bundled program appends under a lock, reads and follows, by each bundler in both formats; where koffi is missing the error names it. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, type TestContext, test } from 'vitest';
import { copyBuild, installedOrSkipped } from './support/packages.js';
import { fullStrength, spread } from './support/rounds.js';
import { temporaryVolume } from './support/volume.js';

const project = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = `
import { createReadStream } from 'node:fs';
import { EventLog, eventDecoder } from 'omne-event-log';
const [root, decodes] = process.argv.slice(2);
async function main() {
  const log = await EventLog.create(root, 'p', { lock: true });
  await log.append({ type: 'pipe.started', pipe: 'p' });
  const tail = log.tail().toArray();
  await log.append({ type: 'pipe.completed' });
  console.log('live', await EventLog.isLive(root, log.runId));
  await log.close();
  console.log('read', (await log.read().toArray()).length, 'followed', (await tail).length);
  if (decodes) console.log('decoded', (await createReadStream(log.path).pipe(eventDecoder()).toArray()).length);
}
main().catch(error => console.log(error.code, error.message));
`;
const WORKS = 'live true\nread 2 followed 2';

type Format = 'cjs' | 'esm';
type Bundler = (
  entry: string,
  library: string,
  outfile: string,
  format: Format,
  context: TestContext,
) => Promise<void>;

const withEsbuild: Bundler = async (entry, library, outfile, format) => {
  const alias = { 'omne-event-log': library };
  const options = { bundle: true, platform: 'node', logLevel: 'silent' } as const;
  await build({ entryPoints: [entry], alias, outfile, format, ...options });
};

type Webpack = (
  config: object,
  done: (error: Error | null, stats?: { hasErrors(): boolean; toString(): string }) => void,
) => void;

const withWebpack: Bundler = async (entry, library, outfile, format, context) => {
  const folder = await installedOrSkipped(context, 'webpack@5.113.0');
  const webpack: Webpack = createRequire(join(folder, 'package.json'))('webpack');
  const config = {
    mode: 'production',
    target: 'node20',
    optimization: { minimize: fullStrength }, // it takes most of the time
    entry,
    resolve: { alias: { 'omne-event-log': library }, modules: [join(project, 'node_modules')] },
    output: { path: join(outfile, '..'), filename: outfile.slice(outfile.lastIndexOf('/') + 1) },
  };
  if (format === 'esm') {
    Object.assign(config, { experiments: { outputModule: true }, externalsType: 'module' });
    Object.assign(config.output, { module: true, chunkFormat: 'module', library: { type: 'module' } });
  }
  await new Promise<void>((resolve, reject) => {
    webpack(config, (error, stats) => {
      if (error === null && stats?.hasErrors() === false) resolve();
      else reject(error ?? new Error(stats?.toString()));
    });
  });
};

/** Bundles the program; nothing that it was made of is left. */
async function bundled(bundler: Bundler, format: Format, context: TestContext): Promise<Buffer> {
  const made = await mkdtemp(join(tmpdir(), 'omne-bundle-'));
  try {
    copyBuild(made);
    symlinkSync(join(project, 'node_modules'), join(made, 'node_modules'));
    writeFileSync(join(made, 'main.mjs'), PROGRAM);
    const outfile = join(made, 'out.js');
    await bundler(join(made, 'main.mjs'), join(made, 'dist/index.js'), outfile, format, context);
    return readFileSync(outfile);
  } finally {
    rmSync(made, { recursive: true });
  }
}

/** Runs a bundle in a folder of its own, with the packages given beside it. */
async function run(
  bundle: Buffer,
  format: Format,
  packages: readonly string[],
  decodes = '',
): Promise<string> {
  const folder = temporaryVolume();
  mkdirSync(join(folder, 'node_modules'));
  for (const name of packages)
    symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  const program = join(folder, format === 'cjs' ? 'out.cjs' : 'out.mjs');
  writeFileSync(program, bundle);
  return promisify(execFile)(process.execPath, [program, folder, decodes]).then(
    ({ stdout }) => stdout.trim(),
    ({ stderr }: { stderr: string }) => stderr.slice(-500), // without the bundle's one long line
  );
}

const BUNDLES = [
  { name: 'esbuild', bundler: withEsbuild, format: 'esm' },
  { name: 'esbuild', bundler: withEsbuild, format: 'cjs' },
  { name: 'webpack', bundler: withWebpack, format: 'cjs' },
  { name: 'webpack', bundler: withWebpack, format: 'esm' },
] as const;

describe.for(spread(BUNDLES, 2))(
  'bundled by $name as $format',
  { timeout: 120_000 },
  ({ bundler, format }) => {
    let made: Promise<Buffer> | undefined;
    const bundle = (context: TestContext) => (made ??= bundled(bundler, format, context));

    test('with koffi beside it a program appends under the lock, reads and follows', async context => {
      expect(await run(await bundle(context), format, ['koffi', '@koromix'])).toBe(WORKS);
    });

    test('without koffi the error names the package', async context => {
      const said = await run(await bundle(context), format, []);
      expect(said).toContain('ERR_LOCK_UNSUPPORTED');
      expect(said).toContain('the package koffi');
    });

    test('with split2 beside it a stream is decoded, and fs-extra is used where it is there', async context => {
      const beside = ['koffi', '@koromix', 'split2', 'fs-extra'];
      expect(await run(await bundle(context), format, beside, 'decodes')).toBe(`${WORKS}\ndecoded 2`);
    });
  },
);
