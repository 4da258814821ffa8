/**
 * The tool `explain_failure`: in one answer what a person would look at: the reason, the nodes that failed, their errors, the end of
 * what they printed, what happened before, and where to look next.
 */
import { isOutOfDescriptors } from '../errors.js';
import { count } from '../figures.js';
import { EventLog, EventLogError, type LogEvent, type NodeState } from '../index.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { LineIndex } from '../run/output/line-index.js';
import { readLines } from '../run/output/output-lines.js';
import { isFileName, placesOf } from '../volume/places.js';
import { parseRunId } from '../volume/run-id.js';
import { Answer, call as callOf, lastThatFit, UNTRUSTED } from './answer.js';
import { outlines } from './list-runs.js';
import { LINE_BYTES, numbered, usingOutput } from './output-window.js';
import { cut, oneLine, plainLine } from './plain-text.js';
import { factsOf, headOf, nodeLine, type RunFacts } from './run-facts.js';
import { type Call, defineTool, RUN, type Tool } from './tool.js';

const MOST_NODES = 3;
const OUTPUT_LINES = 60;
const MESSAGE_LINES = 20;
const EVENTS_BEFORE = 10;

/** The tool `explain_failure`. */
export const explainFailure: Tool = defineTool({
  name: 'explain_failure',
  title: 'Explain a failure',
  description:
    'Explains why a run failed, in one call: the reason, the failed nodes with their errors and the end of their output, the last events, and where to look next. Without `run`: the latest run that was aborted or left and can be read.',
  parameters: {
    run: RUN,
    pipe: { type: 'string', description: 'Without `run`: only runs of this pipe.' },
  },
  async answer({ run, pipe }, call) {
    const { facts, unreadable } =
      run === undefined
        ? await latestFailed(pipe, call)
        : { facts: await factsOf(call.root, await call.which(run), call.signal), unreadable: [] };
    if (facts === undefined)
      return ['No run that can be read was aborted or left by its writer.', ...passedOver(unreadable)].join(
        '\n',
      );
    const { runId } = facts;
    const suspects = suspectsOf(facts);
    const next = nextCalls(facts, suspects[0]);
    const answer = new Answer(call.most, next.join('\n').length + 1);
    answer.addAll([...passedOver(unreadable), ...headOf(facts)]);
    answer.add(verdictOf(facts, suspects));
    const eventsRoom = Math.floor(call.most / 8);
    const nodes = suspects.slice(0, MOST_NODES);
    for (const [index, node] of nodes.entries()) {
      const room = Math.floor((answer.room - eventsRoom) / (nodes.length - index));
      await addNode(answer, runId, node, room, call);
    }
    const { root, signal } = call;
    const vocabulary = await runVocabulary(placesOf(root, runId));
    const options = { events: vocabulary, last: EVENTS_BEFORE, onMalformed: () => undefined, signal };
    const events = (await EventLog.read(root, runId, options).toArray()).map(eventLine);
    if (answer.add('The last events:')) answer.addAll(lastThatFit(events, answer.room));
    return answer.text(next);
  },
});

function nextCalls({ runId }: RunFacts, suspect: NodeState | undefined): string[] {
  const node = suspect?.nodeId ?? '';
  const nameable = isFileName(node); // else there is no output
  const ofNode = [
    `All it printed: ${callOf('read_output', { run: runId, node, line: 1 })}`,
    `To find a text: ${callOf('search_output', { run: runId, node, text: 'error' })}`,
  ];
  return [
    'Where to look next:',
    ...(nameable ? ofNode : []),
    `What else ran: ${callOf('get_run', { run: runId })}`,
    `Earlier runs: ${callOf('list_runs', { pipe: parseRunId(runId).pipe, before: runId })}`,
  ];
}

/** The newest that failed and can be read, and the failures of those after it that cannot. */
async function latestFailed(
  pipe: string | undefined,
  { root, signal }: Call,
): Promise<{ facts: RunFacts | undefined; unreadable: EventLogError[] }> {
  const unreadable: EventLogError[] = [];
  for await (const { runId, status, orphan } of outlines(root, { pipe, signal })) {
    if (status !== 'aborted' && !orphan) continue;
    try {
      return { facts: await factsOf(root, runId, signal), unreadable };
    } catch (error) {
      if (!(error instanceof EventLogError) || isOutOfDescriptors(error)) throw error;
      unreadable.push(error);
    }
  }
  return { facts: undefined, unreadable };
}

/** A line about the runs that cannot be read. */
function passedOver(unreadable: readonly EventLogError[]): string[] {
  const [newest] = unreadable;
  if (newest === undefined) return [];
  return [
    `Passed over, not readable: ${count(unreadable.length, 'run')}; the newest: ${newest.code}: ${oneLine(newest.message, 400)}`,
  ];
}

/** The nodes that failed at last, the latest first; where none did, those that were cut off. */
function suspectsOf({ state: { nodes }, live }: RunFacts): NodeState[] {
  const latest = (status: NodeState['status'], time: 'endedAt' | 'startedAt') =>
    nodes
      .filter(node => node.status === status)
      .sort((a, b) => Date.parse(b[time] ?? '') - Date.parse(a[time] ?? '') || 0);
  const failed = latest('failed', 'endedAt');
  if (failed.length > 0) return failed;
  return [...latest('interrupted', 'endedAt'), ...(live === true ? [] : latest('running', 'startedAt'))];
}

function verdictOf({ state: { status, nodes }, live, problem }: RunFacts, suspects: NodeState[]): string {
  const retried = nodes.filter(node => node.status === 'completed' && node.failedAttempts > 0).length;
  const again = retried === 0 ? '' : ` ${retried} nodes failed at first and completed when tried again.`;
  const failed = suspects.filter(node => node.status === 'failed').length;
  if (failed > 0) return `${failed} nodes failed, the latest first (${UNTRUSTED}):${again}`;
  if (suspects.length > 0) return `No node failed; these did not end (${UNTRUSTED}):${again}`;
  if (status === 'completed') return `The run completed.${again}`;
  if (live === true) return `The run is live, and no node has failed.${again}`;
  return `No node failed or was cut off${problem === undefined ? '' : ', as far as the log can be read'}.${again}`;
}

/** A node with its whole message and the end of what it printed, within `room`. */
async function addNode(
  answer: Answer,
  runId: string,
  node: NodeState,
  room: number,
  { root, signal }: Call,
): Promise<void> {
  const target = answer.room - Math.max(0, room); // what is to be left
  const { message: _, ...withoutMessage } = node;
  answer.add(nodeLine(withoutMessage));
  const message = (node.message ?? '').trimEnd().split('\n').slice(-MESSAGE_LINES);
  const said = message.map(line => cut(plainLine(line), 400)).filter(line => line !== '');
  for (const line of lastThatFit(said, Math.floor((answer.room - target) / 2)))
    answer.add(`  message| ${line}`);
  try {
    const window = await usingOutput(root, runId, node.nodeId, output =>
      readLines(output, new LineIndex(), {
        line: -OUTPUT_LINES,
        lines: OUTPUT_LINES,
        maxBytes: LINE_BYTES,
        signal,
      }),
    );
    const texts = window.lines.map(line => `  ${numbered(line, 400)}`);
    const shown = lastThatFit(texts, answer.room - target - 80);
    answer.add(`  The last ${shown.length} of ${window.totalLines} lines it printed:`);
    answer.addAll(shown);
  } catch (error) {
    if (!(error instanceof EventLogError)) throw error;
    answer.add(`  No output: ${error.code}`);
  }
}

function eventLine(event: LogEvent): string {
  const node: unknown = Reflect.get(event, 'node_id');
  const named = typeof node === 'string' ? ` ${oneLine(node, 60)}` : '';
  return `  ${event.ts} ${event.type}${named}`;
}
