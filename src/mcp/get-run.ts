/** The tool `get_run`: what happened in a run, node by node. */
import { Answer, call, UNTRUSTED } from './answer.js';
import { factsOf, headOf, nodeLine } from './run-facts.js';
import { defineTool, RUN, type Tool } from './tool.js';

const MOST_NODES = 200;

/** The tool `get_run`. */
export const getRun: Tool = defineTool({
  name: 'get_run',
  title: 'Get a run',
  description:
    'Shows one run: status, times, inputs, and each node with its attempts, gates, iterations and error.',
  parameters: {
    run: RUN,
    first_node: {
      type: 'integer',
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: `Nodes from this one on, counted from 1; an answer has at most ${MOST_NODES}.`,
    },
  },
  required: ['run'],
  async answer({ run = '', first_node: first = 1 }, { root, which, most, again, signal }) {
    const runId = await which(run);
    const facts = await factsOf(root, runId, signal);
    const { nodes, status } = facts.state;
    const answer = new Answer(most);
    answer.addAll(headOf(facts));
    answer.add(`${nodes.length} nodes (names and messages are ${UNTRUSTED}):`);
    const shown = answer.addAll(nodes.slice(first - 1, first - 1 + MOST_NODES).map(nodeLine));
    const next: string[] = [];
    const following = first + shown;
    if (following <= nodes.length) {
      const more = call('get_run', { run: runId, first_node: following, ...again });
      next.push(`Nodes ${following} to ${nodes.length} follow. Next: ${more}`);
    }
    if (status === 'aborted' || nodes.some(node => node.status === 'failed'))
      next.push(`Why it failed: ${call('explain_failure', { run: runId })}`);
    return answer.text(next);
  },
});
