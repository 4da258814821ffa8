/**
 * `omne-log cat`: the events of a run, one line each.
 *
 * Promises: with `--json` every line is canonical and decodes to the event that is in the log. Backwards too, the log
 * is read a block at a time and never held as a whole.
 */
import { EVENT_TYPES, type EventType, encodeEvent, type RunEvent } from '../../index.js';
import { type Command, defineCommand, EXIT, wholeNumber } from '../command.js';
import { NATS_HELP, NATS_OPTIONS } from '../nats.js';
import { ROOT_OPTION, RUN_HELP } from '../pick-run.js';
import { openSource } from '../run-source.js';
import { eventLine } from '../screen/event-line.js';
import { jsonLine, print } from '../screen/terminal.js';

/** The command `cat`. */
export const cat: Command = defineCommand({
  name: 'cat',
  summary: 'Print the events of a run, one line each.',
  operands: ['RUN'],
  options: {
    type: {
      type: 'string',
      multiple: true,
      value: 'TYPE',
      choices: EVENT_TYPES,
      help: 'Only events of this type; may be given several times.',
    },
    node: { type: 'string', value: 'NODE', help: 'Only events of this node.' },
    limit: {
      type: 'string',
      short: 'n',
      value: 'N',
      help: 'At most so many: the first, or with --reverse the last.',
    },
    after: { type: 'string', value: 'ID', help: 'Only events after the one with this id.' },
    reverse: { type: 'boolean', help: 'Newest first.' },
    json: { type: 'boolean', help: 'Print canonical JSON, an event per line.' },
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: `${RUN_HELP}\n\n${NATS_HELP}`,
  async run({ values, positionals: [run = ''], signal }) {
    const limit = wholeNumber('-n', values.limit);
    await using source = await openSource(values);
    const runId = await source.which(run);
    const options = {
      signal,
      types: values.type?.filter(isType),
      nodeId: values.node,
      after: values.after,
      limit,
    };
    const lineOf = values.json === true ? jsonLineOf : eventLine;
    const batches =
      values.reverse === true
        ? inBatches(source.reversed(runId, options))
        : source.read(runId, options).batches();
    for await (const events of batches) await print(events.map(lineOf).join('\n'));
    return EXIT.ok;
  },
});

const BATCH_EVENTS = 256;

/** Gathers events, so that not every one costs a write; those before an error come out before it. */
async function* inBatches(events: AsyncIterable<RunEvent>): AsyncGenerator<RunEvent[]> {
  let batch: RunEvent[] = [];
  try {
    for await (const event of events) {
      if (batch.push(event) < BATCH_EVENTS) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

function isType(text: string): text is EventType {
  return EVENT_TYPES.some(type => type === text);
}

function jsonLineOf(event: RunEvent): string {
  return jsonLine(encodeEvent(event));
}
