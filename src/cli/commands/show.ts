/** `omne-log show`: what happened in a run, as a tree of its nodes or as JSON. */
import type { LogEvent } from '../../index.js';
import { RunStateReducer } from '../../run/run-state-reducer.js';
import { shortenedNodeEvent } from '../../run/shortened.js';
import { type Command, defineCommand, EXIT } from '../command.js';
import { NATS_HELP, NATS_OPTIONS } from '../nats.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP } from '../pick-run.js';
import { readPastDamage } from '../read-past-damage.js';
import { openSource } from '../run-source.js';
import { treeOf } from '../screen/run-tree.js';
import { jsonLine, lineWidth, print } from '../screen/terminal.js';
import { jsonInUtc } from '../screen/times.js';

/** The command `show`. */
export const show: Command = defineCommand({
  name: 'show',
  example: 'omne-log show last',
  operands: ['RUN'],
  options: {
    json: { type: 'boolean', help: 'Print the state of the run as one JSON object.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: `${RUN_HELP}\n\n${NATS_HELP}`,
  async run({ values, positionals: [run = ''], signal }) {
    const maxLineBytes = lineLimit(values);
    await using source = await openSource(values);
    const runId = await source.which(run);
    const vocabulary = await source.vocabulary(runId);
    const reducer = new RunStateReducer({ events: vocabulary });
    const json = values.json === true;
    const take = (event: LogEvent) => reducer.apply(json ? event : shortenedNodeEvent(event));
    const options = { events: vocabulary, signal, maxLineBytes };
    const damage = await readPastDamage(source, runId, options, take);
    const state = reducer.state.eventCount === 0 ? { ...reducer.state, runId } : reducer.state;
    if (json) await print(jsonLine(jsonInUtc(state)));
    else {
      const writer = state.status === 'running' ? await source.writerOf(runId) : ''; // an ended run has none
      await print(treeOf(state, writer, lineWidth()).join('\n'));
    }
    if (damage !== undefined) throw damage;
    return EXIT.ok;
  },
});
