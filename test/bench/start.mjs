// @ts-check
/** How long the command takes from its start to its end, beside a Node that does nothing. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLog } from '../../dist/index.js';

const COMMAND = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
const STARTS = 10;
const QUICK_STARTS = 2;

const root = mkdtempSync(join(tmpdir(), 'omne-bench-start-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true }));
const log = await EventLog.create(root, 'feature');
await log.append({ type: 'pipe.completed' });
await log.close();

/** @typedef {import('./harness.mjs').Row} Row */

/** @param {string[]} args @returns {Row['measure']} */
const started = (...args) =>
  async function measure({ durationMs }) {
    const operations = durationMs < 100 ? QUICK_STARTS : STARTS;
    const start = performance.now();
    for (let count = 0; count < operations; count++) execFileSync(process.execPath, args, { cwd: root });
    return { operations, elapsedMs: performance.now() - start };
  };

/** @type {(name: string, args: string[], more?: Partial<Row>) => Row} */
const row = (name, args, more) => ({ name, compare: 'time', measure: started(COMMAND, ...args), ...more });

/** @type {import('./harness.mjs').Suite} */
export default {
  name: 'start',
  title: 'The command, from its start to its end',
  operation: 'start',
  baseline: { name: 'node -e 0', what: 'a Node that does nothing', measure: started('-e', '0') },
  groups: [
    {
      heading: 'In a volume with one run',
      rows: [
        row('omne-log ls -n 1', ['ls', '-n', '1'], { must: 1.8, aim: 1.4 }),
        row('omne-log completion runs', ['completion', 'runs'], { must: 1.8, aim: 1.4 }),
        row('omne-log --help', ['--help']),
      ],
    },
  ],
  notes: {},
};
