/**
 * Coverage that counts child processes too: the tests start programs that import `dist/`, and what these run belongs to
 * the source it was compiled from, also where they run a copy of `dist/` elsewhere, e.g. without an optional package. A child
 * writes what V8 counted when it ends by itself; one that is killed does not.
 *
 * Lines are exact. A statement, function or branch that the two compilers place differently is twice in the table,
 * so these figures are too low for files that both run.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { mergeProcessCovs } from '@bcoe/v8-coverage';
import v8 from '@vitest/coverage-v8';
import convert from 'ast-v8-to-istanbul';
import { parseAst } from 'vite';

const CHILDREN = new URL('../../coverage/children/', import.meta.url);
const DIST = new URL('../../dist/', import.meta.url);
const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));

export default {
  ...v8,

  /** In each test process: Node heeds the variable when it starts, so it is for the children. */
  startCoverage(options) {
    process.env.NODE_V8_COVERAGE = fileURLToPath(CHILDREN);
    return v8.startCoverage(options);
  },

  async getProvider() {
    const { V8CoverageProvider } = await import('@vitest/coverage-v8/dist/provider.js');
    return new (class extends V8CoverageProvider {
      name = 'custom'; // so that the test processes load this module too

      async generateCoverage(context) {
        const coverage = await super.generateCoverage(context);
        for (const script of scriptsOfChildren()) coverage.merge(await toSource(script));
        return coverage;
      }
    })();
  },
};

function scriptsOfChildren() {
  let merged = { result: [] };
  for (const name of existsSync(CHILDREN) ? readdirSync(CHILDREN) : []) {
    const result = scriptsIn(readFileSync(new URL(name, CHILDREN), 'utf8')).flatMap(ofThisBuild);
    merged = mergeProcessCovs([merged, { result }]);
  }
  return merged.result;
}

function scriptsIn(text) {
  try {
    return JSON.parse(text).result;
  } catch {
    return []; // cut short: some children run under a limit on the length of files
  }
}

/** What was counted of a file of `dist/`, or of a copy of it: V8 keeps no text, but says how long the script was. */
function ofThisBuild(script) {
  if (script.url.startsWith(DIST.href)) return [script];
  const [, path] = /^file:.*\/dist\/(.+)$/.exec(script.url) ?? [];
  const original = path === undefined ? undefined : new URL(path, DIST);
  if (original === undefined || !existsSync(original)) return [];
  const length = script.functions[0]?.ranges[0]?.endOffset;
  return length === readFileSync(original, 'utf8').length ? [{ ...script, url: original.href }] : [];
}

async function toSource(coverage) {
  const code = readFileSync(new URL(coverage.url), 'utf8');
  const sourceMap = JSON.parse(readFileSync(new URL(`${coverage.url}.map`), 'utf8'));
  sourceMap.sources = sourceMap.sources.map(source => new URL(source, coverage.url).href);
  const found = Object.entries(await convert({ code, sourceMap, coverage, ast: parseAst(code) }));
  return Object.fromEntries(found.filter(([path]) => path.startsWith(SOURCE))); // the command's bundle holds a package
}
