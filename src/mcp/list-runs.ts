/** The tool `list_runs`: the runs of a volume, newest first, a line each. Only the two ends of each log are read. */

import { duration } from '../figures.js';
import type { RunOutline } from '../index.js';
import { outlineRun } from '../run/list-runs.js';
import { runIdsOf } from '../volume/run-folders.js';
import { compareRunIds, parseRunId } from '../volume/run-id.js';
import { Answer, call } from './answer.js';
import { oneLine } from './plain-text.js';
import { defineTool, type Tool } from './tool.js';

const USUAL_RUNS = 20;
const MOST_RUNS = 100;

/** The runs there are, newest first; those after `before` in that order. */
export async function* outlines(
  root: string,
  { pipe, before, signal }: { pipe?: string | undefined; before?: string | undefined; signal: AbortSignal },
): AsyncGenerator<RunOutline, undefined> {
  for (const runId of (await runIdsOf(root)).reverse()) {
    if (before !== undefined && compareRunIds(runId, before) >= 0) continue;
    if (pipe !== undefined && parseRunId(runId).pipe !== pipe) continue;
    signal.throwIfAborted();
    const outline = await outlineRun(root, runId);
    if (outline !== undefined) yield outline;
  }
  return undefined;
}

/** How a run is doing, in a word. */
function wordOf({ status, live, orphan }: Pick<RunOutline, 'status' | 'live' | 'orphan'>): string {
  if (status !== 'running') return status;
  if (live) return 'live';
  return orphan ? 'left (its writer died)' : 'not ended';
}

/** The tool `list_runs`. */
export const listRuns: Tool = defineTool({
  name: 'list_runs',
  title: 'List runs',
  description:
    'Lists pipe runs, newest first: id, status, when it started, how long it took, and why it was aborted.',
  parameters: {
    pipe: { type: 'string', description: 'Only runs of this pipe.' },
    status: {
      type: 'string',
      enum: ['running', 'completed', 'aborted', 'left'],
      description: 'Only runs with this status; left: not ended, and no process writes it any more.',
    },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_RUNS,
      description: `At most so many; ${USUAL_RUNS} by default.`,
    },
    before: { type: 'string', description: 'A run id: list those before it, as the last answer said.' },
  },
  async answer(values, { root, which, most, again, signal }) {
    const { pipe, status, limit = USUAL_RUNS } = values;
    const before = values.before === undefined ? undefined : await which(values.before);
    const answer = new Answer(most);
    let listed = 0;
    let last: string | undefined;
    for await (const run of outlines(root, { pipe, before, signal })) {
      if (status !== undefined && (status === 'left' ? !run.orphan : run.status !== status)) continue;
      if (listed === limit || !answer.add(lineOf(run))) {
        const next = call('list_runs', { pipe, status, limit: values.limit, before: last, ...again });
        return answer.text([`There are more. Next: ${next}`]);
      }
      listed++;
      last = run.runId;
    }
    return listed === 0 ? 'No runs.' : answer.text(['These are all.']);
  },
});

function lineOf(run: RunOutline): string {
  const { runId, startedAt, durationMs, reason, problem } = run;
  const facts = [
    wordOf(run),
    ...(startedAt === undefined ? [] : [`started ${startedAt}`]),
    ...(durationMs === undefined ? [] : [`took ${duration(durationMs)}`]),
    ...(reason === undefined ? [] : [`reason: ${oneLine(reason, 160)}`]),
    ...(problem === undefined ? [] : [`damaged: ${oneLine(problem, 240)}`]),
  ];
  return `${runId}  ${facts.join(', ')}`;
}
