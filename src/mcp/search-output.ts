/** The tool `search_output`: where a text is in what nodes printed, with the lines around it and exact totals. */
import { EventLogError } from '../index.js';
import { LineIndex } from '../run/output/line-index.js';
import type { NodeOutput } from '../run/output/node-output.js';
import { readLines } from '../run/output/output-lines.js';
import { type Found, type Hit, searchOutput as search } from '../run/output/output-search.js';
import { Answer, call as callOf, UNTRUSTED } from './answer.js';
import { LINE_BYTES, numbered, usingOutput } from './output-window.js';
import type { ArgumentsOf } from './parameters.js';
import { oneLine, plainLine } from './plain-text.js';
import { factsOf } from './run-facts.js';
import { type Call, defineTool, RUN, type Tool } from './tool.js';

const USUAL_HITS = 50;
const MOST_HITS = 200;
const USUAL_CONTEXT = 2;
const MOST_CONTEXT = 10;
/** A text may be so long, so that the next call can always be named. */
const MOST_TEXT = 200;
const NEXT_ROOM = 3000;

const PARAMETERS = {
  run: RUN,
  text: {
    type: 'string',
    maxLength: MOST_TEXT,
    description: 'The text to look for, as it is, within one line; no pattern.',
  },
  node: { type: 'string', description: 'Only in the output of this node; of every node by default.' },
  case_sensitive: { type: 'boolean', description: 'Whether capitals matter; false by default.' },
  context: {
    type: 'integer',
    minimum: 0,
    maximum: MOST_CONTEXT,
    description: `How many lines to show before and after each; ${USUAL_CONTEXT} by default.`,
  },
  limit: {
    type: 'integer',
    minimum: 1,
    maximum: MOST_HITS,
    description: `How many matching lines to show at most; ${USUAL_HITS} by default. All are counted.`,
  },
  from_line: {
    type: 'integer',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Matching lines from this one on; with `node`.',
  },
} as const;

type Values = ArgumentsOf<typeof PARAMETERS>;

/** The tool `search_output`. */
export const searchOutput: Tool = defineTool({
  name: 'search_output',
  title: 'Search output',
  description:
    'Finds a text in what the nodes of a run printed: matching lines with their numbers and context.',
  parameters: PARAMETERS,
  required: ['run', 'text'],
  async answer(values, call) {
    const runId = await call.which(values.run ?? '');
    const nodes = values.node === undefined ? await nodesOf(runId, call) : [values.node];
    const answer = new Answer(call.most, Math.min(NEXT_ROOM, Math.floor(call.most / 2)));
    answer.add(`Matching lines are marked > (${UNTRUSTED}):`);
    let left = values.limit ?? USUAL_HITS;
    let found = 0;
    for (const [index, node] of nodes.entries()) {
      const result = await inNode(runId, node, values, left, answer, call);
      if (result === undefined) continue;
      found += result.matches;
      left -= result.shown;
      if (result.from === undefined) continue;
      const { run: _, ...rest } = values;
      const next = { run: runId, ...rest, node, from_line: result.from, ...call.again };
      const others = nodes.length - index - 1;
      return answer.text([
        ...(others === 0 ? [] : [`Not looked at yet: the output of ${others} nodes after it.`]),
        `There are more. Next: ${callOf('search_output', next)}`,
      ]);
    }
    return found === 0 ? 'No line holds this text.' : answer.text(['These are all.']);
  },
});

async function nodesOf(runId: string, { root, signal }: Call): Promise<string[]> {
  const { state } = await factsOf(root, runId, signal);
  return state.nodes.map(({ nodeId }) => nodeId);
}

interface NodeResult {
  readonly matches: number;
  readonly shown: number;
  /** The line from which on there is more to show. */
  readonly from: number | undefined;
}

/** Searches one output; undefined where a node that was not named has none. */
async function inNode(
  runId: string,
  node: string,
  values: Values,
  limit: number,
  answer: Answer,
  { root, signal }: Call,
): Promise<NodeResult | undefined> {
  try {
    return await usingOutput(root, runId, node, async output => {
      const index = new LineIndex();
      const found = await search(output, index, {
        text: values.text ?? '',
        caseSensitive: values.case_sensitive === true,
        limit: limit + 1,
        from: values.from_line ?? 1,
        signal,
      });
      if (found.lines === 0) return { matches: 0, shown: 0, from: undefined };
      const room = answer.add(`${oneLine(node, 255)}: ${found.matches} matches on ${found.lines} lines`);
      const shown =
        room && limit > 0 ? await show(output, index, found.hits.slice(0, limit), values, answer) : 0;
      return { matches: found.matches, shown, from: nextLine(found, shown) };
    });
  } catch (error) {
    const none = ['ERR_CAPTURE_NOT_FOUND', 'ERR_UNSAFE_PATH'];
    if (values.node === undefined && error instanceof EventLogError && none.includes(error.code))
      return undefined;
    throw error;
  }
}

function nextLine({ hits }: Found, shown: number): number | undefined {
  return hits[shown]?.line;
}

/** Shows hits with the lines around them; returns how many there was room for. */
async function show(
  output: NodeOutput,
  index: LineIndex,
  hits: readonly Hit[],
  { context = USUAL_CONTEXT }: Values,
  answer: Answer,
): Promise<number> {
  const at = new Map(hits.map(hit => [hit.line, hit]));
  let last = 0; // the last line shown
  for (const [count, hit] of hits.entries()) {
    if (hit.line <= last) continue; // in the context of the one before
    const first = Math.max(last + 1, hit.line - context);
    const options = { line: first, lines: hit.line + context - first + 1, maxBytes: LINE_BYTES };
    const { lines } = await readLines(output, index, options);
    const texts = lines.map(line => {
      const match = at.get(line.number);
      if (match === undefined) return numbered(line, 400);
      const whole = numbered(line, 400, '>');
      return match.matchEnd <= 400 && !whole.endsWith(']') ? whole : excerpt(match);
    });
    const needed = texts.reduce((sum, text) => sum + text.length + 1, 4);
    if (needed > answer.room) return count;
    if (last > 0 && first > last + 1) answer.add('--');
    answer.addAll(texts);
    last = lines.at(-1)?.number ?? hit.line;
  }
  return hits.length;
}

/** Of a long line, what is around its first match. */
function excerpt({ line, offset, excerpt: text }: Hit): string {
  return `>${line}| …${plainLine(text)}… [cut: the line begins at from_byte ${offset}]`;
}
