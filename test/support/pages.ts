/** The pages of the manual: the front page, and a README.md beside the code it is about. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

/** The folder of the project. */
export const project: string = fileURLToPath(new URL('../..', import.meta.url));

/** A page, by its path in the project. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** A code block and the heading it is under. */
export interface Block {
  readonly page: string;
  readonly heading: string;
  readonly code: string;
}

/** Every page, the front page first. */
export const pages: readonly Page[] = ['README.md', ...pagesIn('src'), ...pagesIn('test')].map(path => ({
  path,
  text: readFileSync(join(project, path), 'utf8'),
}));

/** All pages as one text. */
export const manual: string = pages.map(({ text }) => text).join('\n');

/** The text of a page. */
export function textOf(path: string): string {
  const page = pages.find(each => each.path === path);
  if (page === undefined) throw new Error(`there is no page ${path}`);
  return page.text;
}

function pagesIn(folder: string): string[] {
  return readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /(^|[\\/])README\.md$/.test(name) && !name.includes('node_modules'))
    .map(name => join(folder, name))
    .sort();
}

/** The code blocks of one language, on all pages. */
export function blocks(language: string): Block[] {
  return pages.flatMap(({ path, text }) => {
    let heading = '';
    return [...text.matchAll(/^#+ (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, title, tag, code]) => {
      if (title !== undefined) heading = title;
      return tag === language && code !== undefined ? [{ page: path, heading, code }] : [];
    });
  });
}

/** The programs on all pages, in JavaScript or TypeScript: blocks that import something. One that does not is a piece of a program. */
export function programs(): (Block & { readonly language: 'js' | 'ts' })[] {
  const languages = ['js', 'ts'] as const;
  const all = languages.flatMap(language => blocks(language).map(block => ({ ...block, language })));
  return all.filter(({ code }) => IMPORT.test(code));
}

const IMPORT = /^import /m;

/** A program without its types: what Node.js makes of it from 22.18 on. */
export function withoutTypes(code: string): string {
  const tsconfigRaw = { compilerOptions: { verbatimModuleSyntax: true } };
  return transformSync(code, { loader: 'ts', format: 'esm', target: 'node20', tsconfigRaw }).code;
}

/** A page without its code blocks. */
export function proseOf(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** The part of a page under one heading, to the next heading of the same level or a higher one. */
export function sectionOf(text: string, heading: string): string {
  const start = new RegExp(`^(#+) ${heading}$`, 'm').exec(text);
  if (start === null) return '';
  const rest = text.slice(start.index + start[0].length);
  const end = rest.search(new RegExp(`^#{1,${start[1]?.length}} `, 'm'));
  return end === -1 ? rest : rest.slice(0, end);
}

/** The anchors of a page, as GitHub makes them of its headings. */
export function anchorsOf(text: string): string[] {
  return [...proseOf(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Where the links and pictures of a page lead that stay in the project: a path in it, and an anchor or ''. */
export function linksOf({ path, text }: Page): { path: string; anchor: string }[] {
  return [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^https?:/.test(target)) return [];
    const [file = '', anchor = ''] = target.split('#');
    return [{ path: file === '' ? path : normalize(join(dirname(path), file)), anchor }];
  });
}
