/** `omne-log timeline`: a run as a picture in time, in one HTML page that needs nothing else. */
import { stripVTControlCharacters } from 'node:util';
import type { LogEvent } from '../../index.js';
import { shortenedNodeEvent } from '../../run/shortened.js';
import { type Command, defineCommand, EXIT, UsageError } from '../command.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { readPastDamage } from '../read-past-damage.js';
import { volumeSource } from '../run-source.js';
import { treeOf } from '../screen/run-tree.js';
import { print, printable, write } from '../screen/terminal.js';
import { timelinePage } from '../timeline/page.js';
import { Timeline } from '../timeline/rows.js';
import { writeWhole } from '../write-whole.js';

/** The command `timeline`. */
export const timeline: Command = defineCommand({
  name: 'timeline',
  example: 'omne-log timeline last --html timeline.html',
  operands: ['RUN'],
  options: {
    html: { type: 'string', value: 'FILE', help: 'Where to write the page; - for standard output.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
  },
  notes: RUN_HELP,
  async run({ values, positionals: [run = ''], signal }) {
    const file = values.html;
    if (file === undefined || file === '') throw new UsageError('--html FILE is missing');
    const maxLineBytes = lineLimit(values);
    const root = await whichRoot(values.root);
    const runId = await whichRun(root, run);
    const source = volumeSource(root);
    const vocabulary = await source.vocabulary(runId);
    const picture = new Timeline(vocabulary);
    const take = (event: LogEvent) => picture.apply(shortenedNodeEvent(event));
    const damage = await readPastDamage(source, runId, { events: vocabulary, signal, maxLineBytes }, take);
    const state = { ...picture.state, runId };
    const text = treeOf(state, 'as far as this page knows').map(stripVTControlCharacters); // colours are for terminals
    const page = timelinePage(state, picture, text, damage);
    if (file === '-') {
      await write(page);
    } else {
      await writeWhole(file, page);
      await print(`the timeline of ${runId} is in ${printable(file)}`);
    }
    if (damage !== undefined) throw damage;
    return EXIT.ok;
  },
});
