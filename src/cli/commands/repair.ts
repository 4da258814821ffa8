/** `omne-log repair`: repairs the torn tail of a run, says what it did, and keeps the bytes. */

import { count } from '../../figures.js';
import { repairRun } from '../../run/repair.js';
import { type Command, defineCommand, EXIT } from '../command.js';
import { ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { print, printable } from '../screen/terminal.js';

/** The command `repair`. */
export const repair: Command = defineCommand({
  name: 'repair',
  example: 'omne-log repair last',
  operands: ['RUN'],
  options: { root: ROOT_OPTION },
  notes: `${RUN_HELP}\nIt asks nothing. Damage that is no torn tail is left as it is.`,
  async run({ values, positionals: [run = ''] }) {
    const root = await whichRoot(values.root);
    const runId = await whichRun(root, run);
    const cut = await repairRun(root, runId);
    await print(
      cut === undefined
        ? `${runId}: the tail is whole, nothing was changed`
        : `${runId}: ${count(cut.bytes, 'torn byte')} cut at byte ${cut.offset}, kept in ${printable(cut.savedTo)}`,
    );
    return EXIT.ok;
  },
});
