/**
 * `omne-log cat`: the events of a run, one line each.
 *
 * Promises: with `--json` every line is canonical and decodes to the event that is in the log. Backwards too, the log
 * is read a block at a time and never held as a whole.
 */

import { encodeEvent } from '../../format/encode.js';
import { builtInTypes, EVENT_TYPES } from '../../format/events.js';
import type { LogEvent } from '../../index.js';
import { type Command, defineCommand, EXIT, notChosen, wholeNumber } from '../command.js';
import { NATS_HELP, NATS_OPTIONS } from '../nats.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP } from '../pick-run.js';
import { openSource } from '../run-source.js';
import { eventLine } from '../screen/event-line.js';
import { jsonLine, print, sayNothing } from '../screen/terminal.js';

/** The command `cat`. */
export const cat: Command = defineCommand({
  name: 'cat',
  example: 'omne-log cat last --type node.failed --reverse -n 3',
  operands: ['RUN'],
  options: {
    type: {
      type: 'string',
      multiple: true,
      value: 'TYPE',
      choices: EVENT_TYPES,
      orElse: 'of the run where it has events of its own',
      completion: 'types',
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
    ...LINE_OPTION,
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: `${RUN_HELP}\n\n${NATS_HELP}`,
  async run({ values, positionals: [run = ''], signal }) {
    const limit = wholeNumber('-n', values.limit);
    const maxLineBytes = lineLimit(values);
    await using source = await openSource(values);
    const runId = await source.which(run);
    const events = await source.vocabulary(runId);
    const builtIn = builtInTypes(events);
    const wrong = values.type?.find(type => !events.has(type));
    if (wrong !== undefined) throw notChosen('type', events.types, wrong);
    const options = {
      events,
      signal,
      types: values.type,
      nodeId: values.node,
      after: values.after,
      limit,
      reverse: values.reverse,
      maxLineBytes,
    };
    const lineOf = (event: LogEvent) =>
      values.json === true ? jsonLine(encodeEvent({ ...event }, { events })) : eventLine(event, builtIn);
    let printed = false;
    for await (const batch of source.read(runId, options).batches()) {
      printed ||= batch.length > 0;
      await print(batch.map(lineOf).join('\n'));
    }
    if (!printed && values.json !== true) sayNothing('no event matches');
    return EXIT.ok;
  },
});
