/** The tool `read_output`: what a node printed, by line or by byte. */
import { type Iteration, iterations } from '../index.js';
import { markerAfter } from '../run/output/iteration-marker.js';
import { LineIndex } from '../run/output/line-index.js';
import type { Bounds, NodeOutput } from '../run/output/node-output.js';
import { readLines } from '../run/output/output-lines.js';
import { Answer, call as callOf, lastThatFit, UNTRUSTED } from './answer.js';
import { LINE_BYTES, numbered, usingOutput } from './output-window.js';
import { ArgumentError, type ArgumentsOf } from './parameters.js';
import { plainLine } from './plain-text.js';
import { type Call, defineTool, RUN, type Tool } from './tool.js';

const USUAL_LINES = 100;
const MOST_LINES = 1000;

const PARAMETERS = {
  run: RUN,
  node: { type: 'string', description: 'The id of the node, as get_run shows it.' },
  line: {
    type: 'integer',
    minimum: -Number.MAX_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    description: `The first line, counted from 1; negative: from the end. The last ${USUAL_LINES} by default.`,
  },
  lines: {
    type: 'integer',
    minimum: 1,
    maximum: MOST_LINES,
    description: `How many lines; ${USUAL_LINES} by default.`,
  },
  from_byte: {
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Read from this byte on instead, e.g. within a very long line.',
  },
  iteration: {
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Of a loop node: only what this iteration printed; the latest with this number.',
  },
} as const;

type Values = ArgumentsOf<typeof PARAMETERS>;

/** The tool `read_output`. */
export const readOutput: Tool = defineTool({
  name: 'read_output',
  title: 'Read output',
  description:
    'Reads what a node printed (stdout and stderr), with line numbers, colours removed. The end of it by default.',
  parameters: PARAMETERS,
  required: ['run', 'node'],
  async answer(values, call) {
    const runId = await call.which(values.run ?? '');
    const { node = '' } = values;
    const bounds = await boundsOf(call.root, runId, node, values.iteration);
    return usingOutput(call.root, runId, node, output =>
      values.from_byte === undefined
        ? byLine(output, runId, bounds, values, call)
        : byByte(output, runId, bounds, { ...values, from_byte: values.from_byte }, call),
    );
  },
});

async function byLine(
  output: NodeOutput,
  runId: string,
  bounds: Bounds | undefined,
  values: Values,
  { most, again, signal }: Call,
): Promise<string> {
  const { node, iteration, lines = USUAL_LINES } = values;
  const line = values.line === 0 ? 1 : (values.line ?? -lines);
  const fromEnd = line < 0;
  const first = bounds === undefined || fromEnd ? line : line + (await firstLine(output, bounds, signal)) - 1;
  const options = { line: first, lines, maxBytes: LINE_BYTES, bounds, signal };
  const window = await readLines(output, new LineIndex(), options);
  const answer = new Answer(most);
  const total = window.totalLines;
  if (window.lines.length === 0) {
    const what = total === 0 ? 'nothing yet' : `${total} lines, none from line ${line} on`;
    return `The output of the node holds ${what}.`;
  }
  const texts = window.lines.map(each => numbered(each, answer.lineLength));
  const head = `Output of the node, ${total} lines (${UNTRUSTED}):`;
  answer.add(head);
  // From the end, what is newest matters most.
  const shown = fromEnd ? lastThatFit(texts, answer.room) : texts;
  const count = answer.addAll(shown);
  const skipped = fromEnd ? texts.length - shown.length : 0;
  const from = (window.lines[skipped]?.number ?? 1) - window.firstLine + 1; // within the iteration, where one is asked for
  const to = from + count - 1;
  const to_be_read = { run: runId, node, iteration, ...again };
  const next: string[] = [];
  if (fromEnd && from > 1) {
    const before = Math.max(1, from - lines);
    const earlier = callOf('read_output', { ...to_be_read, line: before, lines: from - before });
    next.push(`Lines 1 to ${from - 1} come before. Next: ${earlier}`);
  }
  const later = callOf('read_output', { ...to_be_read, line: to + 1, lines: values.lines });
  if (to < total) next.push(`Lines ${to + 1} to ${total} follow. Next: ${later}`);
  else next.push(`This is the end of it${window.unfinished ? ', in the middle of a line' : ''}.`);
  return answer.text(next);
}

/** The number in the whole file of the first line within bounds. */
async function firstLine(output: NodeOutput, bounds: Bounds, signal: AbortSignal): Promise<number> {
  const window = await readLines(output, new LineIndex(), { line: 1, lines: 0, maxBytes: 0, bounds, signal });
  return window.firstLine;
}

async function byByte(
  output: NodeOutput,
  runId: string,
  bounds: Bounds | undefined,
  { node, iteration, from_byte: from }: Values & { readonly from_byte: number },
  { most, again }: Call,
): Promise<string> {
  const within = output.within(bounds);
  // What is shown can be longer than what was read: every line has a mark. Then less is read.
  for (let bytes = most; ; bytes = Math.floor(bytes / 2)) {
    const answer = new Answer(most);
    const window = await output.text(from, Math.max(bytes, 16), bounds);
    answer.add(
      `Bytes ${window.start} to ${window.end} of ${within.end - within.start} of the output of the node (${UNTRUSTED}):`,
    );
    const lines = window.text
      .replace(/\n$/, '')
      .split('\n')
      .map(line => `| ${plainLine(line)}`);
    if (answer.addAll(lines) < lines.length) continue;
    const values = { run: runId, node, iteration, from_byte: window.end, ...again };
    const more = window.end < within.end;
    return answer.text([
      more ? `There is more. Next: ${callOf('read_output', values)}` : 'This is the end of it.',
    ]);
  }
}

async function boundsOf(
  root: string,
  runId: string,
  node: string,
  number: number | undefined,
): Promise<Bounds | undefined> {
  if (number === undefined) return undefined;
  let first: Iteration | undefined;
  let found: Iteration | undefined;
  for await (const each of iterations(root, runId, node)) {
    first ??= each;
    if (each.iteration === number) found = each;
  }
  if (found === undefined) throw new ArgumentError(`the node has no iteration ${number}`);
  const { start, end = Number.MAX_SAFE_INTEGER } = found;
  const marker = await markerAfter(root, runId, node, found, first); // of the next iteration
  return { start, end: end - Buffer.byteLength(marker) };
}
