/**
 * `omne-log ls`: the runs of a volume or a server, newest first, a row each.
 *
 * Promise: rows are printed as they are found, a page at a time, so a long listing takes little memory and its first rows
 * come at once.
 */

import { age, count, duration, size } from '../../figures.js';
import type { RunOutline, RunSummary } from '../../index.js';
import type { RemoteRunSummary } from '../../jetstream.js';
import { nowMs } from '../../real-time.js';
import { shortText } from '../../run/shortened.js';
import { parseRunId } from '../../volume/run-id.js';
import { type Command, defineCommand, EXIT, wholeNumber } from '../command.js';
import { NATS_HELP, NATS_OPTIONS } from '../nats.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION } from '../pick-run.js';
import { openSource } from '../run-source.js';
import { type Cell, Columns } from '../screen/columns.js';
import { DAMAGED, MARKS, NO_EVENT } from '../screen/status-marks.js';
import { jsonLine, lineWidth, print, printable, sayNothing } from '../screen/terminal.js';
import { jsonInUtc } from '../screen/times.js';

const PAGE_ROWS = 50;

type AnyRun = RunOutline | RunSummary | RemoteRunSummary;

/** The command `ls`. */
export const ls: Command = defineCommand({
  name: 'ls',
  example: 'omne-log ls --status aborted -n 5',
  operands: [],
  options: {
    pipe: { type: 'string', value: 'PIPE', help: 'Only runs of this pipe.' },
    status: {
      type: 'string',
      value: 'STATUS',
      choices: ['running', 'completed', 'aborted'],
      help: 'Only runs with this status.',
    },
    limit: { type: 'string', short: 'n', value: 'N', help: 'At most so many.' },
    'no-counts': { type: 'boolean', help: 'Read only the two ends of each log: its size, but no nodes.' },
    json: { type: 'boolean', help: 'Print a JSON object for each run, one a line.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: [
    'LIVE: a writer holds the run open. ORPHAN: it has not ended, no writer holds it, and',
    'nothing was written for a minute. A damaged log is marked with !; its figures are those',
    'of what could be read. With --no-counts a listing takes no longer for larger logs; damage',
    'between the two ends is not seen then.',
    '',
    NATS_HELP,
    'Such a listing knows the first event, the last and how many there are.',
  ].join('\n'),
  async run({ values, signal }) {
    const { pipe, status } = values;
    const limit = wholeNumber('-n', values.limit);
    const maxLineBytes = lineLimit(values);
    await using source = await openSource(values);
    const options = {
      reverse: true,
      signal,
      pipe,
      status: isStatus(status) ? status : undefined,
      limit,
      maxLineBytes,
    };
    const runs = source.runs(values['no-counts'] === true ? { ...options, counts: false } : options);
    if (values.json === true) {
      for await (const run of runs) await print(jsonLine(jsonInUtc(run)));
      return EXIT.ok;
    }
    const columns = new Columns();
    let printed = false;
    for await (const page of pagesOf(runs)) {
      printed = true;
      await print(columns.lines(page.map(rowOf), lineWidth()).join('\n'));
    }
    const all = pipe === undefined && status === undefined && limit === undefined;
    if (!printed) sayNothing(all ? 'no runs' : 'no run matches');
    return EXIT.ok;
  },
});

function isStatus(text: string | undefined): text is RunSummary['status'] {
  return text === 'running' || text === 'completed' || text === 'aborted';
}

async function* pagesOf(runs: AsyncIterable<AnyRun>): AsyncGenerator<AnyRun[]> {
  let page: AnyRun[] = [];
  for await (const run of runs) {
    if (page.push(run) < PAGE_ROWS) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function rowOf(run: AnyRun): Cell[] {
  const { glyph, colour } = run.problem === undefined ? MARKS[run.status] : DAMAGED;
  const startedAt = Date.parse(run.startedAt ?? '') || parseRunId(run.runId).createdAt.getTime();
  const local = 'live' in run ? run : undefined; // a summary of a remote copy knows neither nodes nor writers
  const lasts = run.durationMs ?? (local?.live === true ? nowMs() - startedAt : undefined);
  return [
    { text: glyph, colour },
    { text: run.runId }, // whole, so that it can be copied; it begins with the pipe
    { text: age(startedAt), align: 'right', colour: 'dim' },
    { text: lasts === undefined ? '-' : duration(lasts), align: 'right' },
    { text: progressOf(run) },
    remark(run),
  ];
}

/** How far a run is, by what is known of it. */
function progressOf(run: AnyRun): string {
  if (!('nodeCount' in run)) return 'eventCount' in run ? count(run.eventCount, 'event') : size(run.bytes);
  const { completedCount, nodeCount, failedCount } = run;
  const failed = failedCount === 0 ? '' : `, ${failedCount} failed`;
  return `${completedCount}/${count(nodeCount, 'node')} done${failed}`;
}

/** Where the damage is, without the path: that of the log of the row. */
const LOG_PATH = / \([^(]*[\\/]events\.jsonl(?:, |\)$)/;

/** What else is to be said of a run. */
function remark(run: AnyRun): Cell {
  const { problem, reason, lastTs } = run;
  if (problem !== undefined)
    return {
      text: printable(problem.replace(LOG_PATH, place => (place.endsWith(')') ? '' : ' ('))),
      colour: 'yellow',
    };
  const hasNoEvent = 'eventCount' in run ? run.eventCount === 0 : lastTs === undefined;
  const noEvent = hasNoEvent ? `, ${NO_EVENT}` : '';
  if ('live' in run && run.live) return { text: `LIVE${noEvent}`, colour: 'blue' };
  if ('orphan' in run && run.orphan) return { text: `ORPHAN${noEvent}`, colour: 'yellow' };
  if (hasNoEvent) return { text: NO_EVENT, colour: 'dim' };
  return { text: printable(shortText(reason ?? '')), colour: 'dim' };
}
