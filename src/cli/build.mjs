/**
 * Bundles the command: dist/cli.cjs, the first file, and dist/cli/main.cjs, all the rest. Run by `npm run build`, after the compiler,
 * whose own files of the command it takes away: nothing else imports them.
 *
 * One file is loaded in a tenth of the time that its hundred modules take. It is CommonJS because there a module, and a package
 * that it needs, is run when it is first imported, and not at the start. Packages stay outside, but for ulid.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const project = fileURLToPath(new URL('../..', import.meta.url));
const [src, dist] = [join(project, 'src'), join(project, 'dist')];
const ulid = join(project, 'node_modules/ulid');

/** A module that looks for files beside itself finds them as if it were the file that the compiler made of it. */
const places = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const compiled = relative(src, path).replaceAll('\\', '/').replace(/\.ts$/, '.js');
      return { contents: text.replaceAll('import.meta.url', `placeOf('${compiled}')`), loader: 'ts' };
    });
  },
};

/** What takes long to load and is seldom used is loaded when it is used. */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:crypto$/, namespace: 'file' }, ({ path }) => ({ path, namespace: 'late' }));
    onResolve({ filter: /./, namespace: 'late' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /./, namespace: 'late' }, ({ path }) => {
      const names = JSON.stringify(Object.keys(createRequire(import.meta.url)(path)));
      const getter = `{ enumerable: true, get: () => require('${path}')[name] }`;
      return { contents: `for (const name of ${names}) Object.defineProperty(exports, name, ${getter});` };
    });
  },
};

/** The first file leaves the rest to be loaded. */
const first = {
  name: 'first',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/cli\/main\.js$/ }, () => ({ path: './cli/main.cjs', external: true }));
  },
};

const options = {
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  supported: { 'dynamic-import': false }, // so that of a package there is one copy, however it is imported
  minifyWhitespace: true,
  minifyIdentifiers: true, // and statements as they are, for the coverage
  sourcemap: 'external', // for the coverage; not in the package
  sourcesContent: false,
};

for (const file of ['cli.js', 'cli.js.map', 'cli.d.ts', 'cli.d.ts.map', 'cli', 'mcp'])
  rmSync(join(dist, file), { recursive: true });
await build({
  ...options,
  entryPoints: [join(src, 'cli.ts')],
  outfile: join(dist, 'cli.cjs'),
  plugins: [first],
});
await build({
  ...options,
  entryPoints: [join(src, 'cli/main.ts')],
  outfile: join(dist, 'cli/main.cjs'),
  banner: {
    js: "const placeOf = file => require('node:url').pathToFileURL(require('node:path').join(__dirname, '..', file)).href;",
  },
  plugins: [places, late],
  // Its build for browsers does the same with the numbers of the Web Crypto API, which Node loads when they are needed.
  alias: { ulid: join(ulid, 'dist/browser/index.js') },
  external: ['@nats-io/*', '@modelcontextprotocol/*'],
});
writeFileSync(join(dist, 'cli/LICENSES.txt'), `ulid\n\n${readFileSync(join(ulid, 'LICENSE'), 'utf8')}`);
