/**
 * Bundles the page into dist/web/page: one script, one style sheet, its icons, and the licences of what is in the bundle. Run by
 * `npm run build`, after the compiler. Fails where the script is over its size.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const MOST_BYTES = 60_000;
const BUNDLED = ['preact', '@preact/signals-core'];
const ICONS = {
  running: ['#0072b2', 'M6 4l7 4-7 4z'],
  completed: ['#1a7f37', 'M4 8l3 3 5-6'],
  failed: ['#d55e00', 'M4 4l8 8M12 4l-8 8'],
  orphan: ['#667079', 'M8 4v5M8 12h.01'],
  damaged: ['#b3261e', 'M8 4v5M8 12h.01'],
};

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, '../../..');
const target = join(project, 'dist/web/page');
const { PALETTE } = await import(new URL('../../../dist/cli/timeline/palette.js', import.meta.url).href);

mkdirSync(target, { recursive: true });
const { outputFiles } = await build({
  entryPoints: [join(here, 'main.tsx')],
  bundle: true,
  minify: true,
  format: 'esm',
  charset: 'utf8',
  target: 'es2022',
  jsx: 'transform',
  jsxFactory: 'h',
  jsxFragment: 'Fragment',
  inject: [join(here, 'reactive.ts')],
  tsconfigRaw: '{}', // the compiler's own setting, which is for types, would win
  write: false,
});
const script = outputFiles[0].contents;
if (script.length > MOST_BYTES)
  throw new Error(`the page's script has ${script.length} bytes, more than ${MOST_BYTES}`);
writeFileSync(join(target, 'page.js'), script);

const css = `${PALETTE}\n${readFileSync(join(here, 'page.css'), 'utf8')}`;
writeFileSync(join(target, 'page.css'), (await transform(css, { loader: 'css', minify: true })).code);
copyFileSync(join(here, 'index.html'), join(target, 'index.html'));
for (const [kind, [colour, path]] of Object.entries(ICONS)) {
  const shape = `<path d="${path}" fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="${colour}"/>${shape}</svg>\n`;
  writeFileSync(join(target, `icon-${kind}.svg`), svg);
}
const licences = BUNDLED.map(
  name => `${name}\n\n${readFileSync(join(project, 'node_modules', name, 'LICENSE'), 'utf8')}`,
);
writeFileSync(join(target, 'LICENSES.txt'), licences.join('\n\n'));
