/**
 * `omne-log cat`: the events of a run, from disk, one line each.
 *
 * Promise: with `--json` every line is canonical and decodes to the event that stands in the log.
 */
import { type Command, defineCommand, EXIT, UsageError } from './command.js';
import { eventLine } from './event-line.js';
import { EventLog, encodeEvent, findVolumeRoot, type RunEvent } from './index.js';
import { print, printable } from './terminal.js';

/** The command `cat`. */
export const cat: Command = defineCommand({
  name: 'cat',
  summary: 'Print the events of a run, one line each.',
  operands: ['RUN'],
  options: {
    json: { type: 'boolean', help: 'Print JSON lines, as they stand in the log.' },
    root: { type: 'string', value: 'DIR', help: 'The volume root; by default found upwards from here.' },
  },
  async run({ values, positionals: [runId = ''], signal }) {
    const root = values.root ?? (await findVolumeRoot());
    if (root === undefined)
      throw new UsageError('there is no folder .omne here or above; name one with --root');
    const lineOf = values.json === true ? jsonLine : eventLine;
    for await (const events of EventLog.read(root, runId, { signal }).batches()) {
      await print(events.map(lineOf).join('\n'));
    }
    return EXIT.ok;
  },
});

/** On a terminal even JSON is escaped: what a JSON string may hold verbatim can still reorder a line. */
function jsonLine(event: RunEvent): string {
  const line = encodeEvent(event);
  return process.stdout.isTTY ? printable(line) : line;
}
