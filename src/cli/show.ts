/** `omne-log show`: what happened in a run, as a tree of its nodes or as JSON. */
import { RunStateReducer } from '../index.js';
import { isLive } from '../liveness.js';
import { placesOf } from '../places.js';
import { PLATFORM } from '../platform.js';
import { type Command, defineCommand, EXIT } from './command.js';
import { foldRun } from './fold.js';
import { jsonLine, lineWidth, print } from './terminal.js';
import { treeOf } from './tree.js';
import { ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from './which.js';

/** The command `show`. */
export const show: Command = defineCommand({
  name: 'show',
  summary: 'Show what happened in a run: its nodes, gates, iterations and failures.',
  operands: ['RUN'],
  options: {
    json: { type: 'boolean', help: 'Print the state of the run as one JSON object.' },
    root: ROOT_OPTION,
  },
  notes: RUN_HELP,
  async run({ values, positionals: [run = ''], signal }) {
    const root = await whichRoot(values.root);
    const runId = await whichRun(root, run);
    const reducer = new RunStateReducer();
    const damage = await foldRun(root, runId, signal, event => reducer.apply(event));
    const state = reducer.state.eventCount === 0 ? { ...reducer.state, runId } : reducer.state;
    if (values.json === true) await print(jsonLine(JSON.stringify(state)));
    else await print(treeOf(state, await writerOf(root, runId), lineWidth()).join('\n'));
    if (damage !== undefined) throw damage;
    return EXIT.ok;
  },
});

async function writerOf(root: string, runId: string): Promise<string> {
  if (!PLATFORM.flock) return 'not ended';
  const live = await isLive(placesOf(root, runId).folder).catch(() => false);
  return live ? 'LIVE: a writer holds it open' : 'but no writer holds it open';
}
