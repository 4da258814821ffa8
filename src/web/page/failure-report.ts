/** A failure as Markdown, to be pasted into an issue, a chat or the prompt of an agent. */
import type { NodeView, RunHead } from '../api.js';
import { plainText } from './ansi.js';
import { getOutput } from './api-client.js';
import { duration } from './time.js';

const LAST_LINES = 60;
const MOST_NODES = 5;

/** The run, why it failed, and the end of the output of each node that failed. */
export async function failureReport(run: RunHead, nodes: readonly NodeView[]): Promise<string> {
  const failed = nodes.filter(({ status }) => status === 'failed');
  const parts = [
    `## Run \`${run.runId}\` ${run.status}${run.reason === undefined ? '' : `: ${inline(run.reason)}`}`,
    `Started ${run.startedAt ?? 'at an unknown time'}${run.durationMs === undefined ? '' : `, took ${duration(run.durationMs)}`}.`,
    ...(run.problem === undefined ? [] : [`The log is damaged: ${inline(run.problem)}`]),
  ];
  for (const node of failed.slice(0, MOST_NODES)) parts.push(...(await nodeReport(run.runId, node)));
  if (failed.length > MOST_NODES) parts.push(`${failed.length - MOST_NODES} more nodes failed.`);
  return `${parts.join('\n\n')}\n`;
}

async function nodeReport(runId: string, node: NodeView): Promise<string[]> {
  const output = await getOutput(runId, node.nodeId, { line: -LAST_LINES, lines: LAST_LINES }).catch(
    () => undefined,
  );
  const lines = output?.lines.map(({ text }) => plainText(text)) ?? [];
  return [
    `### Node \`${inline(node.nodeId)}\` failed${node.errorKind === undefined ? '' : ` (${node.errorKind})`}`,
    ...(node.message === undefined ? [] : [fenced(node.message)]),
    ...(lines.length === 0
      ? []
      : [`The last ${lines.length} lines of its output:`, fenced(lines.join('\n'))]),
  ];
}

function inline(text: string): string {
  return text.replace(/[`\r\n]+/g, ' ');
}

/** A fence longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text.trimEnd()}\n${fence}`;
}
