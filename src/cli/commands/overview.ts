/**
 * `omne-log` alone, or with `--root DIR`: what is going on in the volume: what runs now, what failed lately, and where to look next.
 *
 * Promise: it looks at the newest runs only, and only at the two ends of their logs, so that it answers at once in any volume.
 */

import { parseArgs } from 'node:util';
import { age, count, duration } from '../../figures.js';
import type { RunOutline } from '../../index.js';
import { listRuns } from '../../run/list-runs.js';
import { shortText } from '../../run/shortened.js';
import { findVolumeRoot } from '../../volume/places.js';
import { EXIT, strictly, table, UsageError } from '../command.js';
import { rootSuffix } from '../next-step.js';
import { NO_VOLUME, ROOT_OPTION } from '../pick-run.js';
import { type Cell, Columns } from '../screen/columns.js';
import { DAMAGED, MARKS } from '../screen/status-marks.js';
import { lineWidth, paint, print, printable } from '../screen/terminal.js';

const NEWEST_RUNS = 200;
const SHOWN_RUNS = 5;

/** Prints it; a usage error where no volume is named and there is none here or above. */
export async function overview(args: readonly string[], signal: AbortSignal): Promise<number> {
  const root = rootIn(args) ?? (await findVolumeRoot());
  if (root === undefined) throw new UsageError(`a command is missing, and ${NO_VOLUME}`);
  const runs: RunOutline[] = [];
  const options = { counts: false, reverse: true, limit: NEWEST_RUNS, signal } as const;
  for await (const run of listRuns(root, options)) runs.push(run);
  const live = runs.filter(run => run.live);
  const failed = runs.filter(run => run.status === 'aborted' || run.orphan || run.problem !== undefined);
  const last = runs.filter(run => !live.includes(run) && !failed.includes(run));
  const some =
    runs.length === 0
      ? 'no runs yet'
      : runs.length < NEWEST_RUNS
        ? count(runs.length, 'run')
        : `the newest ${NEWEST_RUNS} runs`;
  await print(
    [
      `${printable(root)}: ${some}`,
      ...section('Running now', live),
      ...section('Failed or left', failed),
      ...(live.length + failed.length === 0 ? section('Ended well', last) : []),
      '',
      ...table(nextOf(live[0], failed[0], printable(await rootSuffix(root)))),
    ].join('\n'),
  );
  return EXIT.ok;
}

/** The volume that `--root` names, the only option there is without a command. */
function rootIn(args: readonly string[]): string | undefined {
  const { values, positionals } = strictly({ root: ROOT_OPTION }, () =>
    parseArgs({ args: [...args], options: { root: ROOT_OPTION }, allowPositionals: true }),
  );
  const [command] = positionals;
  if (command !== undefined)
    throw new UsageError(`the command comes first: omne-log ${command} --root ${values.root ?? 'DIR'}`);
  return values.root;
}

function section(title: string, runs: readonly RunOutline[]): string[] {
  if (runs.length === 0) return [];
  const shown = runs.slice(0, SHOWN_RUNS);
  const more = runs.length > shown.length ? `, the newest ${shown.length}` : '';
  const head = paint('bold', `${title} (${runs.length}${more})`);
  return ['', head, ...new Columns().lines(shown.map(rowOf), lineWidth())];
}

function rowOf({
  runId,
  status,
  startedAt,
  durationMs,
  reason,
  orphan,
  problem,
  lastTs,
}: RunOutline): Cell[] {
  const { glyph, colour } = problem === undefined ? MARKS[status] : DAMAGED;
  const since = Date.parse(lastTs ?? startedAt ?? '');
  const said = problem === undefined ? (reason ?? (orphan ? 'its writer died' : '')) : 'the log is damaged';
  return [
    { text: glyph, colour },
    { text: runId },
    { text: age(since), align: 'right', colour: 'dim' },
    { text: durationMs === undefined ? '-' : duration(durationMs), align: 'right' },
    { text: printable(shortText(said)), colour: 'dim' },
  ];
}

/** The next commands; `where` names the volume where they would not find it from here. */
function nextOf(
  live: RunOutline | undefined,
  failed: RunOutline | undefined,
  where: string,
): [string, string][] {
  return [
    ...(live === undefined ? [] : [[`omne-log tail ${live.runId}${where}`, 'follow it'] as [string, string]]),
    ...(failed === undefined
      ? []
      : [[`omne-log show ${failed.runId}${where}`, 'see why'] as [string, string]]),
    [`omne-log ls${where}`, 'all runs'],
    ['omne-log --help', 'all commands'],
  ];
}
