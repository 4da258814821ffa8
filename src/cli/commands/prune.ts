/**
 * `omne-log prune`: removes old runs, each as a whole, and says what that freed.
 *
 * Promise: nothing goes that was not asked for: an age or a number to keep must be given, and a run that somebody has open stays.
 */

import { age, count, milliseconds, size } from '../../figures.js';
import { pruneRuns } from '../../run/prune.js';
import { type Command, defineCommand, EXIT, UsageError, wholeNumber } from '../command.js';
import { ROOT_OPTION, whichRoot } from '../pick-run.js';
import { Columns } from '../screen/columns.js';
import { MARKS } from '../screen/status-marks.js';
import { jsonLine, lineWidth, print, printable } from '../screen/terminal.js';

/** The command `prune`. */
export const prune: Command = defineCommand({
  name: 'prune',
  example: 'omne-log prune --older-than 30d --keep 10 --dry-run',
  operands: [],
  options: {
    'older-than': {
      type: 'string',
      value: 'AGE',
      help: 'Only runs last written to before this time, e.g. 12h or 30d.',
    },
    keep: { type: 'string', value: 'N', help: 'Keep the newest N runs of each pipe, however old.' },
    pipe: { type: 'string', value: 'PIPE', help: 'Only runs of this pipe.' },
    status: {
      type: 'string',
      value: 'STATUS',
      choices: ['completed', 'aborted'],
      help: 'Only runs that ended so.',
    },
    orphans: { type: 'boolean', help: 'Also runs that have not ended and that nobody has open.' },
    'dry-run': { type: 'boolean', short: 'n', help: 'Remove nothing; say what would go.' },
    json: { type: 'boolean', help: 'Print the report as one JSON object.' },
    root: ROOT_OPTION,
  },
  notes: [
    '--older-than, --keep or both must be given. A run goes with its whole folder; one that somebody',
    'has open never goes. Runs that are mirrored should be there first.',
  ].join('\n'),
  async run({ values, signal }) {
    const { pipe, status, orphans, json } = values;
    const dryRun = values['dry-run'] === true;
    const olderThan = ageOf(values['older-than']);
    const keep = wholeNumber('--keep', values.keep);
    if (olderThan === undefined && keep === undefined) {
      throw new UsageError('--older-than or --keep must say which runs go');
    }
    const report = await pruneRuns(await whichRoot(values.root), {
      olderThan,
      keep,
      pipe,
      status: status === 'completed' || status === 'aborted' ? status : undefined,
      orphans,
      dryRun,
      signal,
    });
    const { runs, bytes, kept } = report;
    const failures = report.failures.map(({ runId, error }) => ({
      runId,
      code: error.code,
      message: error.message,
    }));
    if (json === true) await print(jsonLine(JSON.stringify({ dryRun, runs, bytes, kept, failures })));
    else {
      const rows = runs.map(run => [
        { text: MARKS[run.status].glyph, colour: MARKS[run.status].colour },
        { text: run.runId },
        { text: age(Date.parse(run.lastTs ?? '')), align: 'right', colour: 'dim' } as const,
        { text: size(run.bytes), align: 'right' } as const,
      ]);
      const freed = `${count(runs.length, 'run')} ${dryRun ? 'would go' : 'removed'}, ${size(bytes)} ${dryRun ? 'would be freed' : 'freed'}, ${kept} kept`;
      await print([...new Columns().lines(rows, lineWidth()), freed].join('\n'));
    }
    for (const { message } of failures) console.error(`omne-log: ${printable(message)}`);
    return failures.length === 0 ? EXIT.ok : EXIT.error;
  },
});

function ageOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const age = milliseconds(given);
  if (Number.isNaN(age)) throw new UsageError(`--older-than takes a time such as 12h or 30d, not '${given}'`);
  return age;
}
