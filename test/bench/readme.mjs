// @ts-check
/**
 * Puts the tables of a benchmark into the page about figures: `npm run bench -- --markdown > tables.md`, or one suite at a time, then
 * `node test/bench/readme.mjs tables.md ...`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('README.md', import.meta.url));
const page = readFileSync(path, 'utf8');
const tables = process.argv.slice(2).map(file => readFileSync(file, 'utf8').trim());
/** Tables by the machine they were measured on, in the order given. @type {Map<string, string[]>} */
const byMachine = new Map();
for (const table of tables) {
  const [machine = '', ...lines] = table.split('\n');
  byMachine.set(machine, [...(byMachine.get(machine) ?? []), lines.join('\n').trim()]);
}
const text = [...byMachine]
  .map(([machine, measured]) => [`Measured on: ${machine}.`, ...measured].join('\n\n'))
  .join('\n\n');
const marked = /(<!-- bench -->)[\s\S]*(<!-- \/bench -->)/;
if (!marked.test(page)) throw new Error('the page has no place for the tables');
writeFileSync(
  path,
  page.replace(marked, (_, start, end) => `${start}\n\n${text}\n\n${end}`),
);
