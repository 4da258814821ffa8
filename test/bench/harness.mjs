// @ts-check
/**
 * What every benchmark suite needs: alternating rounds and medians (`table.mjs` shows them).
 *
 * Machines are noisy, disks most of all. So nothing is compared across minutes: in each round every row is measured once,
 * with its baseline measured directly before it, and a round's figure is the ratio of these two neighbours. What is
 * reported is the median of the rounds' ratios, with the lowest and the highest beside it. A round of warming up
 * comes first and is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';

/**
 * One measurement: how many operations were done, in how long. A latency is one operation. `amount` is what was counted, of a
 * row that is no time.
 * @typedef {{ operations: number, elapsedMs: number, amount?: number }} Sample
 */

/**
 * How long a measurement should take, and an empty folder of its own, gone after the round.
 * @typedef {{ folder: string, durationMs: number }} Setting
 */

/**
 * One line of the table. `compare` tells what its figure is: `time` per operation as a multiple of the baseline's (lower is
 * better), `rate` of operations as a multiple of the baseline's (higher is better), `alone`, milliseconds per operation, or
 * `amount` per operation, in the row's `unit`.
 * `must` and `aim` are limits of that figure; `note` is the key of a note of the suite; `against` is measured in the place of the
 * suite's baseline, where a row has one of its own.
 * @typedef {object} Row
 * @property {string} name
 * @property {'time' | 'rate' | 'alone' | 'amount'} compare
 * @property {(setting: Setting) => Promise<Sample>} measure
 * @property {string} [unit]
 * @property {number} [must]
 * @property {number} [aim]
 * @property {string} [note]
 * @property {(setting: Setting) => Promise<Sample>} [against]
 */

/**
 * A table: its rows under their headings, what they are compared with, and its footnotes by key.
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} title
 * @property {string} operation - what one operation is called
 * @property {{ name: string, what: string, measure: (setting: Setting) => Promise<Sample> }} baseline
 * @property {{ heading: string, rows: Row[] }[]} groups
 * @property {{ [key: string]: string }} notes
 * @property {() => Promise<void>} [close] - ends what it has started
 */

/**
 * What became of a row. `figure` is the median of `figures`, one for each round; a limit the row has not is undefined.
 * @typedef {object} RowResult
 * @property {string} heading
 * @property {string} name
 * @property {Row['compare']} compare
 * @property {string | undefined} unit
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
 * @property {{ name: string, what: string, microseconds: number }} baseline - per operation, median of all measurements
 * @property {RowResult[]} rows
 * @property {{ [key: string]: string }} notes
 */

/**
 * Measures every row of a suite once a round.
 * @param {Suite} suite
 * @param {{ rounds: number, durationMs: number, folder: string, progress: (text: string) => void }} options
 * @returns {Promise<SuiteResult>}
 */
export async function runSuite(suite, { rounds, durationMs, folder, progress }) {
  const rows = suite.groups.flatMap(({ heading, rows }) =>
    rows.map(row => ({ heading, row, rounds: /** @type {RowResult['rounds']} */ ([]) })),
  );
  for (let round = 0; round <= rounds; round++) {
    const roundFolder = mkdtempSync(join(folder, `${suite.name}-`));
    const setting = () => ({ folder: mkdtempSync(roundFolder + sep), durationMs });
    for (const [index, { row, rounds: taken }] of rows.entries()) {
      progress(
        `${suite.name}: ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}, row ${index + 1} of ${rows.length}`,
      );
      const compared = row.compare === 'time' || row.compare === 'rate';
      const baseline = compared ? await (row.against ?? suite.baseline.measure)(setting()) : undefined;
      const sample = await row.measure(setting());
      if (round > 0) taken.push({ figure: figureOf(row, sample, baseline), row: sample, baseline });
    }
    rmSync(roundFolder, { recursive: true });
  }
  await suite.close?.();
  progress('');
  const baselines = rows.flatMap(({ row, rounds }) =>
    row.against ? [] : rounds.flatMap(({ baseline }) => (baseline ? [baseline] : [])),
  );
  return {
    name: suite.name,
    title: suite.title,
    operation: suite.operation,
    baseline: {
      name: suite.baseline.name,
      what: suite.baseline.what,
      microseconds: median(baselines.map(microseconds)),
    },
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
  if (row.compare === 'amount') return (sample.amount ?? Number.NaN) / sample.operations;
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
function summarize(heading, { name, compare, unit, must, aim, note }, rounds) {
  const figures = rounds.map(({ figure }) => figure);
  const figure = median(figures);
  /** @param {number | undefined} limit */
  const reached = limit =>
    limit === undefined ? undefined : compare === 'rate' ? figure >= limit : figure <= limit;
  return {
    heading,
    name,
    compare,
    unit,
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
