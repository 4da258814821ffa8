// @ts-check
/**
 * Puts the tables of a benchmark into the README: `npm run bench -- --markdown > tables.md`, or one suite at a time, then
 * `node test/bench/readme.mjs tables.md ...`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../../README.md', import.meta.url));
const readme = readFileSync(path, 'utf8');
const tables = process.argv.slice(2).map(file => readFileSync(file, 'utf8').trim());
const [machine, ...others] = new Set(tables.map(table => table.split('\n')[0]));
if (others.length > 0)
  throw new Error(`the tables are of several machines: ${[machine, ...others].join(' | ')}`);
const text = tables.map(table => table.split('\n').slice(1).join('\n').trim()).join('\n\n');
const marked = /(<!-- bench -->)[\s\S]*(<!-- \/bench -->)/;
if (!marked.test(readme)) throw new Error('the README has no place for the tables');
writeFileSync(
  path,
  readme.replace(marked, (_, start, end) => `${start}\n\nMeasured on: ${machine}.\n\n${text}\n\n${end}`),
);
