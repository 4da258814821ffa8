/** The tool `read_events`: the events of a run as they are in the log, a line of JSON each. */
import { EventLog, encodeEvent, type LogEvent, type Vocabulary } from '../index.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { placesOf } from '../volume/places.js';
import { Answer, call, lastThatFit, UNTRUSTED } from './answer.js';
import { ArgumentError } from './parameters.js';
import { cut, plainLine } from './plain-text.js';
import { defineTool, RUN, type Tool } from './tool.js';

const USUAL_EVENTS = 50;
const MOST_EVENTS = 500;

/** The tool `read_events`. */
export const readEvents: Tool = defineTool({
  name: 'read_events',
  title: 'Read events',
  description:
    'Reads the events of a run in order, one JSON object a line. Without `after` from the first event on; with `last` the newest. Call it again with `after` to follow a run that is live.',
  parameters: {
    run: RUN,
    after: { type: 'string', description: 'An event id: only events after that one.' },
    last: { type: 'boolean', description: 'The newest events instead of the first.' },
    types: {
      type: 'array',
      items: { type: 'string' },
      description: 'Only events of these types, e.g. node.failed.',
    },
    node: { type: 'string', description: 'Only events of this node.' },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_EVENTS,
      description: `At most so many; ${USUAL_EVENTS} by default.`,
    },
  },
  required: ['run'],
  async answer(values, { root, which, most, again, signal }) {
    const runId = await which(values.run ?? '');
    const { after, node, limit = USUAL_EVENTS } = values;
    const fromEnd = values.last === true;
    const vocabulary = await runVocabulary(placesOf(root, runId));
    const { types } = values;
    if (types?.some(type => !vocabulary.has(type)))
      throw new ArgumentError(`argument types must be a list of ${vocabulary.types.join(', ')}`);
    let problem: string | undefined;
    const onMalformed = (error: Error) => {
      problem ??= error.message;
    };
    const wanted = { events: vocabulary, after, types, nodeId: node, onMalformed, signal };
    const events = await EventLog.read(root, runId, {
      ...wanted,
      ...(fromEnd ? { last: limit } : { limit: limit + 1 }),
    }).toArray();
    const answer = new Answer(most);
    if (problem !== undefined) answer.add(`Damaged lines were passed over, the first: ${cut(problem, 300)}`);
    if (events.length === 0) answer.add(`No such events${after === undefined ? '' : ' yet'}.`);
    else answer.add(`Events of ${runId} (${UNTRUSTED}):`);
    const lines = events.map(event => lineOf(event, vocabulary, answer.lineLength));
    const shown = fromEnd ? lastThatFit(lines, answer.room) : lines.slice(0, limit);
    const count = answer.addAll(shown);
    const following = fromEnd ? events.length : count;
    const lastId = events[following - 1]?.id ?? after;
    if (lastId === undefined) return answer.text();
    const next = call('read_events', {
      run: runId,
      after: lastId,
      types,
      node,
      limit: values.limit,
      ...again,
    });
    return answer.text([
      following < events.length ? `There are more. Next: ${next}` : `What comes later: ${next}`,
    ]);
  },
});

function lineOf(event: LogEvent, events: Vocabulary, most: number): string {
  const json = encodeEvent({ ...event }, { events });
  const line = plainLine(json);
  return line.length <= most ? line : `${cut(line, most - 40)} (${json.length} characters)`;
}
