// @ts-check
/**
 * What every benchmark suite needs: alternating rounds, medians, and the table.
 *
 * Machines are noisy, disks most of all. So nothing is compared across minutes: in each round every row is measured once,
 * with its baseline measured directly before it, and a round's figure is the ratio of these two neighbours. What is
 * reported is the median of the rounds' ratios, with the lowest and the highest beside it. A round of warming up
 * comes first and is not counted.
 */
import { readFileSync, statfsSync, statSync } from 'node:fs';
import { cpus, release } from 'node:os';

/**
 * One measurement: how many operations were done, in how long. A latency is one operation.
 * @typedef {{ operations: number, elapsedMs: number }} Sample
 */

/**
 * How long a measurement should take, and a folder to put files into.
 * @typedef {{ folder: string, durationMs: number }} Setting
 */

/**
 * One line of the table. `compare` tells what its figure is: `time` per operation as a multiple of the baseline's (lower is
 * better), `rate` of operations as a multiple of the baseline's (higher is better), or `alone`, milliseconds per operation.
 * `must` and `aim` are limits of that figure; `note` is the key of a note of the suite.
 * @typedef {object} Row
 * @property {string} name
 * @property {'time' | 'rate' | 'alone'} compare
 * @property {(setting: Setting) => Promise<Sample>} measure
 * @property {number} [must]
 * @property {number} [aim]
 * @property {string} [note]
 */

/**
 * A table: what it compares with, its rows under their headings, and its footnotes by key.
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} title
 * @property {string} operation - what one operation is called
 * @property {(setting: Setting) => Promise<Sample>} baseline
 * @property {{ heading: string, rows: Row[] }[]} groups
 * @property {{ [key: string]: string }} notes
 */

/**
 * What became of a row. `figure` is the median of `figures`, one for each round; a limit the row has not is undefined.
 * @typedef {object} RowResult
 * @property {string} heading
 * @property {string} name
 * @property {Row['compare']} compare
 * @property {number} figure
 * @property {number} lowest
 * @property {number} highest
 * @property {number} microseconds - per operation, median of the rounds
 * @property {number | undefined} must
 * @property {boolean | undefined} mustReached
 * @property {number | undefined} aim
 * @property {boolean | undefined} aimReached
 * @property {string | undefined} note
 * @property {{ figure: number, row: Sample, baseline: Sample | undefined }[]} rounds
 */

/**
 * @typedef {object} SuiteResult
 * @property {string} name
 * @property {string} title
 * @property {string} operation
 * @property {number} baselineMicroseconds - per operation, median of all measurements
 * @property {RowResult[]} rows
 * @property {{ [key: string]: string }} notes
 */

/**
 * Measures every row of a suite once a round.
 * @param {Suite} suite
 * @param {{ rounds: number, durationMs: number, makeFolder: () => string, progress: (text: string) => void }} options
 * @returns {Promise<SuiteResult>}
 */
export async function runSuite(suite, { rounds, durationMs, makeFolder, progress }) {
  const rows = suite.groups.flatMap(({ heading, rows }) =>
    rows.map(row => ({ heading, row, rounds: /** @type {RowResult['rounds']} */ ([]) })),
  );
  const setting = () => ({ folder: makeFolder(), durationMs });
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { row, rounds: taken }] of rows.entries()) {
      progress(
        `${suite.name}: ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}, row ${index + 1} of ${rows.length}`,
      );
      const baseline = row.compare === 'alone' ? undefined : await suite.baseline(setting());
      const sample = await row.measure(setting());
      if (round > 0) taken.push({ figure: figureOf(row, sample, baseline), row: sample, baseline });
    }
  }
  progress('');
  const baselines = rows.flatMap(({ rounds }) =>
    rounds.flatMap(({ baseline }) => (baseline ? [baseline] : [])),
  );
  return {
    name: suite.name,
    title: suite.title,
    operation: suite.operation,
    baselineMicroseconds: median(baselines.map(microseconds)),
    rows: rows.map(({ heading, row, rounds }) => summarize(heading, row, rounds)),
    notes: suite.notes,
  };
}

/**
 * Times `work`, which repeats its operation until `due()` and returns how often it did.
 * @param {number} durationMs
 * @param {(due: () => boolean) => number | Promise<number>} work
 * @returns {Promise<Sample>}
 */
export async function timed(durationMs, work) {
  const started = performance.now();
  const deadline = started + durationMs;
  const operations = await work(() => performance.now() >= deadline);
  return { operations, elapsedMs: performance.now() - started };
}

/**
 * @param {Row} row
 * @param {Sample} sample
 * @param {Sample | undefined} baseline
 */
function figureOf(row, sample, baseline) {
  if (baseline === undefined) return microseconds(sample) / 1000;
  const times = microseconds(sample) / microseconds(baseline);
  return row.compare === 'rate' ? 1 / times : times;
}

/**
 * @param {string} heading
 * @param {Row} row
 * @param {RowResult['rounds']} rounds
 * @returns {RowResult}
 */
function summarize(heading, { name, compare, must, aim, note }, rounds) {
  const figures = rounds.map(({ figure }) => figure);
  const figure = median(figures);
  /** @param {number | undefined} limit */
  const reached = limit =>
    limit === undefined ? undefined : compare === 'rate' ? figure >= limit : figure <= limit;
  return {
    heading,
    name,
    compare,
    figure,
    lowest: Math.min(...figures),
    highest: Math.max(...figures),
    microseconds: median(rounds.map(({ row }) => microseconds(row))),
    must,
    mustReached: reached(must),
    aim,
    aimReached: reached(aim),
    note,
    rounds,
  };
}

/** @param {Sample} sample */
function microseconds({ operations, elapsedMs }) {
  return (elapsedMs * 1000) / operations;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return ((sorted[middle] ?? Number.NaN) + (sorted[sorted.length - 1 - middle] ?? Number.NaN)) / 2;
}

/** How a figure and its limits are written: lower or higher is better, a multiple of the baseline or milliseconds. */
const STYLES = /** @type {const} */ ({
  time: { limit: '<= ', unit: ' x time' },
  rate: { limit: '>= ', unit: ' x rate' },
  alone: { limit: '<= ', unit: ' ms' },
});

/**
 * @param {SuiteResult} result
 * @returns {{ heads: string[], groups: { heading: string, rows: string[][] }[] }}
 */
function cellsOf({ operation, rows }) {
  const keys = [...new Set(rows.flatMap(({ note }) => note ?? []))];
  const heads = ['', `us/${operation}`, `${operation}s/s`, 'figure', 'lowest..highest', 'must', 'aim'];
  /** @type {{ heading: string, rows: string[][] }[]} */
  const groups = [];
  for (const row of rows) {
    const { limit, unit } = STYLES[row.compare];
    /** @type {(value: number | undefined, reached: boolean | undefined, mark: string) => string} */
    const limited = (value, reached, mark) =>
      value === undefined ? '' : `${limit}${value} ${reached ? 'reached' : mark}`;
    const cells = [
      row.note === undefined ? row.name : `${row.name} [${keys.indexOf(row.note) + 1}]`,
      rounded(row.microseconds),
      Math.round(1e6 / row.microseconds).toLocaleString('en'),
      rounded(row.figure) + unit,
      `${rounded(row.lowest)}..${rounded(row.highest)}`,
      limited(row.must, row.mustReached, 'MISSED'),
      limited(row.aim, row.aimReached, 'not yet'),
    ];
    if (groups.at(-1)?.heading !== row.heading) groups.push({ heading: row.heading, rows: [] });
    groups.at(-1)?.rows.push(cells);
  }
  return { heads, groups };
}

/** @param {number} value */
function rounded(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/**
 * The footnotes that rows refer to, in the order of their numbers; they begin with the number.
 * @param {SuiteResult} result
 */
function footnotes({ rows, notes }) {
  const keys = [...new Set(rows.flatMap(({ note }) => note ?? []))];
  return keys.map((key, index) => `[${index + 1}] ${notes[key]}`);
}

/** @param {SuiteResult} result */
function headline({ title, operation, baselineMicroseconds }) {
  return Number.isNaN(baselineMicroseconds)
    ? title
    : `${title}: ${rounded(baselineMicroseconds)} us/${operation}`;
}

/**
 * The table as aligned text.
 * @param {SuiteResult} result
 */
export function asText(result) {
  const { heads, groups } = cellsOf(result);
  const widths = heads.map((head, column) =>
    Math.max(
      ...[heads, ...groups.flatMap(({ rows }) => rows)].map(cells => cells[column]?.length ?? 0),
      head.length,
    ),
  );
  /** @param {string[]} cells */
  const line = cells =>
    cells
      .map((cell, column) =>
        column === 0 || column > 4 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [
    headline(result),
    '',
    line(heads),
    ...groups.flatMap(({ heading, rows }) => [
      heading,
      ...rows.map(cells => line([`  ${cells[0]}`, ...cells.slice(1)])),
    ]),
    '',
    ...footnotes(result),
  ].join('\n');
}

/**
 * The table as Markdown.
 * @param {SuiteResult} result
 */
export function asMarkdown(result) {
  const { heads, groups } = cellsOf(result);
  /** @param {string[]} cells */
  const line = cells => `| ${cells.join(' | ')} |`;
  return [
    headline(result),
    '',
    line(heads),
    line(heads.map((_, column) => (column === 0 || column > 4 ? '---' : '---:'))),
    ...groups.flatMap(({ heading, rows }) => [
      line([`**${heading}**`, ...heads.slice(1).map(() => '')]),
      ...rows.map(line),
    ]),
    '',
    ...footnotes(result).map(note => `${note}\n`),
  ].join('\n');
}

/**
 * What the figures depend on.
 * @param {string} folder
 */
export function machineOf(folder) {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    node: process.version,
    kernel: `${process.platform} ${release()}`,
    ...storageOf(folder),
  };
}

/**
 * The type of the file system that holds a folder, and its device, where the system tells.
 * @param {string} folder
 */
function storageOf(folder) {
  try {
    const { dev } = statSync(folder);
    const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
    // id parent major:minor root mount-point options optional... - type device super-options
    for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
      const fields = line.split(' ');
      if (fields[2] !== number) continue;
      const [filesystem = 'unknown', device = 'unknown'] = fields.slice(fields.indexOf('-') + 1);
      return { filesystem, device };
    }
  } catch {
    // Not Linux: the number of the file system's type is all there is.
  }
  return { filesystem: `type 0x${statfsSync(folder).type.toString(16)}`, device: 'unknown' };
}
