/**
 * `omne-log verify`: every line of one log or of all logs held against the rules. Changes nothing.
 *
 * Promise: exit code 1 when anything is wrong anywhere; a log that cannot be checked at all does not end the checking of
 * the others.
 */
import { EventLogError, isOutOfDescriptors } from '../../errors.js';
import { count, size } from '../../figures.js';
import { verifyRun } from '../../run/verify.js';
import type { VerifyReport } from '../../run/verify-report.js';
import { isFresh } from '../../volume/orphan.js';
import { placesOf } from '../../volume/places.js';
import { runFolderOf, runIdsOf } from '../../volume/run-folders.js';
import { type Command, defineCommand, EXIT, UsageError } from '../command.js';
import { commandFor } from '../next-step.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { StatusLine } from '../screen/status-line.js';
import { DAMAGED, MARKS, NO_EVENT } from '../screen/status-marks.js';
import { paint, printable } from '../screen/terminal.js';

const SHOWN_PROBLEMS = 20;
const BAR_WIDTH = 24;

/** The command `verify`. */
export const verify: Command = defineCommand({
  name: 'verify',
  example: 'omne-log verify --all',
  operands: ['[RUN]'],
  options: {
    all: { type: 'boolean', help: 'Check all runs, oldest first; print those with problems or warnings.' },
    verbose: { type: 'boolean', short: 'v', help: 'With --all: print every run.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
  },
  notes: RUN_HELP,
  async run({ values, positionals: [run], signal }) {
    const all = values.all === true;
    if (all === (run !== undefined)) throw new UsageError('either RUN or --all must be given');
    const maxLineBytes = lineLimit(values);
    const root = await whichRoot(values.root);
    const runIds = run === undefined ? await runIdsOf(root) : [await whichRun(root, run)];
    let runs = 0;
    let wrong = 0;
    let progress = '';
    const status = new StatusLine(() => progress);
    try {
      for (const [index, runId] of runIds.entries()) {
        const place = all ? `, run ${index + 1} of ${runIds.length}` : '';
        const onProgress = (bytes: number, total: number) => {
          progress = `${barOf(bytes, total)}${place}  ${runId}`;
        };
        const checked = await check(root, runId, { maxLineBytes, onProgress, signal }, all);
        if (checked === undefined) continue;
        runs++;
        const { ok, quiet, lines } = checked;
        if (!ok) wrong++;
        if (!all || !quiet || values.verbose === true) await status.print(lines.join('\n'));
      }
      if (all) await status.print(`${count(runs, 'run')} checked, ${wrong} with problems`);
    } finally {
      await status.close();
    }
    return wrong === 0 ? EXIT.ok : EXIT.error;
  },
});

type CheckOptions = NonNullable<Parameters<typeof verifyRun>[2]>;

/** Undefined where there is no run: a file, or nothing any more, has its name, or it is just being made. */
async function check(
  root: string,
  runId: string,
  options: CheckOptions,
  goOn: boolean,
): Promise<{ ok: boolean; quiet: boolean; lines: string[] } | undefined> {
  try {
    const report = await verifyRun(root, runId, { ...options, maxProblems: SHOWN_PROBLEMS });
    const lines = linesOf(report);
    if (!report.ok) lines.push(`    ${await stepFor(root, report)}`);
    return { ok: report.ok, quiet: report.ok && report.warningCount === 0, lines };
  } catch (error) {
    if (!goOn || !(error instanceof EventLogError) || isOutOfDescriptors(error)) throw error;
    const folder = await runFolderOf(placesOf(root, runId));
    // Without a log, and made just now, it is a run to be.
    if (folder === undefined || (error.code === 'ERR_RUN_NOT_FOUND' && isFresh(folder.mtimeMs)))
      return undefined;
    const { glyph, colour } = DAMAGED;
    return {
      ok: false,
      quiet: false,
      lines: [`${paint(colour, `${glyph} ${runId}`)}  ${error.code}: ${printable(error.message)}`],
    };
  }
}

function linesOf(report: VerifyReport): string[] {
  const { runId, ok, problems, problemCount, warnings, warningCount, ended } = report;
  const { glyph, colour } = ok ? MARKS.completed : DAMAGED;
  const facts = [
    ok ? 'ok' : count(problemCount, 'problem'),
    ...(warningCount === 0 ? [] : [count(warningCount, 'warning')]),
    report.events === 0 && report.lines === 0 ? NO_EVENT : count(report.events, 'event'),
    size(report.bytes),
    ...(ended || isUnknown(report) ? [] : ['not ended']),
  ];
  const lines = [`${paint(colour, glyph)} ${runId}  ${facts.join(', ')}`];
  for (const { kind, line, offset, message } of problems) {
    lines.push(`    line ${line}, byte ${offset}: ${paint('yellow', kind)}: ${printable(message)}`);
  }
  if (problemCount > problems.length) lines.push(`    ... and ${problemCount - problems.length} more`);
  for (const { kind, line, offset, message } of warnings) {
    lines.push(`    line ${line}, byte ${offset}: warning: ${kind}: ${printable(message)}`);
  }
  if (warningCount > warnings.length)
    lines.push(`    ... and ${warningCount - warnings.length} more warnings`);
  return lines;
}

/** Whether the run may have ended in a line that was not checked for its length. */
function isUnknown({ lines, problems, problemCount }: VerifyReport): boolean {
  if (problemCount > problems.length) return true;
  return problems.some(({ kind, line }) => kind === 'line-too-long' && line === lines);
}

async function stepFor(root: string, { runId, problems }: VerifyReport): Promise<string> {
  if (problems.every(({ kind }) => kind === 'torn-tail')) {
    const repair = await commandFor('repair', runId, root);
    return `a writer died here, or is writing just now: run ${repair} to repair it`;
  }
  if (problems.every(({ kind }) => kind === 'line-too-long')) {
    const again = await commandFor('verify --max-line-bytes BYTES', runId, root);
    return `to check it all, run ${again} with the bytes that the longest line has`;
  }
  const show = await commandFor('show', runId, root);
  return `no torn tail, so repair leaves it as it is: run ${show} to see what can be read`;
}

function barOf(bytes: number, total: number): string {
  const share = total === 0 ? 1 : bytes / total;
  const full = Math.round(share * BAR_WIDTH);
  const bar = '━'.repeat(full) + '─'.repeat(BAR_WIDTH - full);
  return `${bar} ${String(Math.floor(share * 100)).padStart(3)} % of ${size(total)}`;
}
