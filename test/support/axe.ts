/** What axe, which knows the rules of accessibility, finds wrong with a page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = require.resolve('axe-core/axe.min.js');

/** The rules that are broken, each with the elements that break it, as HTML; `rules` are the only ones asked about. */
export async function brokenRules(page: Page, rules?: readonly string[]): Promise<unknown> {
  const isThere = await page.evaluate("'axe' in window"); // until the next document is loaded
  if (isThere !== true) await page.evaluate(readFileSync(AXE, 'utf8'));
  const options = { resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) }; // others are described briefly
  return page.evaluate(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`);
}
