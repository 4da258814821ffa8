/**
 * `omne-log stats`: figures over many runs: how they ended, how long each node takes, what fails, and whether it gets slower.
 *
 * Promise: it reads what `ls` reads, once. A damaged run is counted and named, and ends nothing.
 */

import { count, duration, milliseconds } from '../../figures.js';
import { nowMs } from '../../real-time.js';
import { foldedRuns } from '../../run/list-runs.js';
import { shortId } from '../../run/shortened.js';
import { type NodeStatistics, RunTally, type Spread, type Statistics } from '../../run/statistics.js';
import { type Command, defineCommand, EXIT, UsageError } from '../command.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, whichRoot } from '../pick-run.js';
import { type Cell, Columns } from '../screen/columns.js';
import { jsonLine, lineWidth, print, printable, sayNothing } from '../screen/terminal.js';
import { cutTo } from '../screen/width.js';

const MOST_NODES = 20;
const MOST_DAMAGED = 5;
const BLOCKS = '▁▂▃▄▅▆▇█';
/** What the columns beside the name of a node take. */
const FIGURES_WIDTH = 58;

/** The command `stats`. */
export const stats: Command = defineCommand({
  name: 'stats',
  example: 'omne-log stats --pipe nightly --since 30d',
  operands: [],
  options: {
    pipe: { type: 'string', value: 'PIPE', help: 'Only runs of this pipe.' },
    since: { type: 'string', value: 'AGE', help: 'Only runs begun within this time, e.g. 36h or 7d.' },
    json: { type: 'boolean', help: 'Print all figures as one JSON object.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
  },
  notes: [
    'Times of nodes are of attempts that completed. FLAKY: in so many runs a node failed and then',
    'completed. TREND: the median over time, oldest runs first, up to twenty stretches.',
  ].join('\n'),
  async run({ values, signal }) {
    const { pipe, since, json, root } = values;
    const maxLineBytes = lineLimit(values);
    const age = since === undefined ? Number.POSITIVE_INFINITY : milliseconds(since);
    if (Number.isNaN(age)) throw new UsageError(`--since takes a time such as 36h or 7d, not '${since}'`);
    const tally = new RunTally();
    for await (const run of foldedRuns(await whichRoot(root), { pipe, signal, maxLineBytes }, nowMs() - age))
      tally.add(run);
    const { statistics } = tally;
    if (json) await print(jsonLine(JSON.stringify(statistics)));
    else if (statistics.runs > 0) await print(textOf(statistics).join('\n'));
    else sayNothing(pipe === undefined && since === undefined ? 'no runs' : 'no run matches');
    return EXIT.ok;
  },
});

function textOf(statistics: Statistics): string[] {
  const { runs, completed, aborted, live, left, noEvent, damaged, took, failures, nodes } = statistics;
  const ends = [
    [completed, 'completed'],
    [aborted, 'aborted'],
    [live, 'live'],
    [left, 'left without an end'],
    [noEvent, 'with no event yet'],
    [damaged, 'damaged'],
  ] as const;
  const ended = ends.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return [
    `${count(runs, 'run')}: ${ended.join(', ')}`,
    ...(took === undefined ? [] : [`completed runs took ${spread(took)}  ${blocks(statistics.trend)}`]),
    ...(failures.length === 0
      ? []
      : [`failures: ${failures.map(({ kind, count: number }) => `${kind} ${number}`).join(', ')}`]),
    ...damagedLines(statistics),
    ...(nodes.length === 0 ? [] : ['', ...nodeLines(nodes)]),
  ];
}

function damagedLines({ damaged, damagedRuns }: Statistics): string[] {
  const named = damagedRuns.slice(0, MOST_DAMAGED);
  const more = damaged > named.length ? [`  and ${damaged - named.length} more`] : [];
  return [...named.map(runId => `  ! ${runId}: see omne-log verify ${runId}`), ...more];
}

function spread({ median, p95 }: Spread): string {
  return `${duration(median)} (median), ${duration(p95)} (p95)`;
}

function nodeLines(nodes: readonly NodeStatistics[]): string[] {
  const several = new Set(nodes.map(({ pipe }) => pipe)).size > 1;
  const shown = nodes.slice(0, MOST_NODES);
  const nameWidth = Math.max(12, lineWidth() - FIGURES_WIDTH);
  const head: Cell[] = ['NODE', 'MEDIAN', 'P95', 'FAILED', 'FLAKY', 'TREND'].map((text, index) => {
    return { text, colour: 'dim', ...(index === 0 || index === 5 ? {} : { align: 'right' }) };
  });
  const rows = shown.map((node): Cell[] => {
    const { pipe, nodeId, took, failed, attempts, flaky, trend } = node;
    const id = shortId(nodeId);
    const name = printable(several ? `${pipe}/${id}` : id);
    const share = failed === 0 ? '-' : `${failed} (${percent(failed, attempts)}%)`;
    return [
      { text: cutTo(name, nameWidth) },
      { text: took === undefined ? '-' : duration(took.median), align: 'right' },
      { text: took === undefined ? '-' : duration(took.p95), align: 'right' },
      { text: share, align: 'right', ...(failed === 0 ? {} : { colour: 'red' }) },
      { text: flaky === 0 ? '-' : String(flaky), align: 'right' },
      { text: blocks(trend) },
    ];
  });
  const more = nodes.length > shown.length ? [`and ${count(nodes.length - shown.length, 'more node')}`] : [];
  return [...new Columns().lines([head, ...rows], lineWidth()), ...more];
}

/** To the nearest; 0 and 100 are said only of what is so. */
function percent(part: number, whole: number): number {
  if (part >= whole) return 100;
  return Math.min(99, Math.max(1, Math.round((part / whole) * 100)));
}

/** One block for each stretch: the higher, the longer it took. */
function blocks(trend: readonly (number | null)[]): string {
  const known = trend.filter(value => value !== null);
  const most = Math.max(1, ...known);
  return trend
    .map(value =>
      value === null ? ' ' : BLOCKS[Math.min(BLOCKS.length - 1, Math.floor((value / most) * BLOCKS.length))],
    )
    .join('');
}
