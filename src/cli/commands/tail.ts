/**
 * `omne-log tail`: a run while it happens, an event per line, and at the foot of a terminal what is running now.
 *
 * Promise: every event is printed once, in order, as soon as it is in the log; nothing of the status line is left,
 * however the following ends.
 */

import { duration } from '../../figures.js';
import { encodeEvent } from '../../format/encode.js';
import { builtInTypes } from '../../format/events.js';
import { nowMs } from '../../real-time.js';
import type { RunState } from '../../run/run-state.js';
import { RunStateReducer } from '../../run/run-state-reducer.js';
import { shortenedNodeEvent } from '../../run/shortened.js';
import { type Command, defineCommand, EXIT } from '../command.js';
import { NATS_HELP, NATS_OPTIONS } from '../nats.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP } from '../pick-run.js';
import { beginToWait } from '../reader-left.js';
import { openSource } from '../run-source.js';
import { eventLine } from '../screen/event-line.js';
import { StatusLine } from '../screen/status-line.js';
import { jsonLine, print, printable } from '../screen/terminal.js';

/** The command `tail`. */
export const tail: Command = defineCommand({
  name: 'tail',
  example: 'omne-log tail last --exit-status',
  operands: ['RUN'],
  options: {
    follow: { type: 'boolean', short: 'f', help: 'Implied.' },
    json: { type: 'boolean', help: 'Print canonical JSON, an event per line.' },
    'exit-status': {
      type: 'boolean',
      help: 'Exit with 1 when the run was aborted, with 3 when it was left: its executor died.',
    },
    ...LINE_OPTION,
    root: ROOT_OPTION,
    ...NATS_OPTIONS,
  },
  notes: `${RUN_HELP}

To --exit-status a run that ended with an event of its own type is completed, whatever that says.

${NATS_HELP}`,
  async run({ values, positionals: [run = ''], signal }) {
    const maxLineBytes = lineLimit(values);
    await using source = await openSource(values);
    const runId = await source.which(run);
    const vocabulary = await source.vocabulary(runId);
    const builtIn = builtInTypes(vocabulary);
    const reducer = new RunStateReducer({ events: vocabulary });
    const json = values.json === true;
    const exitStatus = values['exit-status'] === true;
    const following = source.tail(runId, {
      events: vocabulary,
      maxLineBytes,
      signal,
      onOrphan: exitStatus ? 'end' : 'wait',
    });
    following.caughtUp.then(beginToWait, () => undefined); // what fails there is thrown to who iterates
    const orphaned = () => following.orphaned === true;
    const status = json ? undefined : new StatusLine(() => statusText(reducer.state, orphaned()), orphaned);
    try {
      for await (const events of following.batches()) {
        for (const event of events) reducer.apply(shortenedNodeEvent(event));
        const lines = events
          .map(event =>
            json ? jsonLine(encodeEvent(event, { events: vocabulary })) : eventLine(event, builtIn),
          )
          .join('\n');
        await (status?.print(lines) ?? print(lines));
      }
    } finally {
      await status?.close();
    }
    if (!exitStatus) return EXIT.ok;
    if (orphaned()) {
      console.error(
        `omne-log: no writer holds the run, and it has not ended: ${statusText(reducer.state, true)}`,
      );
      return EXIT.orphan;
    }
    return reducer.state.status === 'aborted' ? EXIT.error : EXIT.ok;
  },
});

/** `build (12.3 s, iteration 3), lint (2.0 s), 4 done, 1 failed`; of a run that was left: `no writer, build was running, 4 done` */
function statusText({ nodes }: RunState, orphaned: boolean): string {
  const running = nodes.filter(node => node.status === 'running');
  const parts = running.map(({ nodeId, startedAt, iterations }) => {
    if (orphaned) return `${printable(nodeId)} was running`;
    const since = nowMs() - Date.parse(startedAt ?? '');
    const facts = [
      ...(Number.isNaN(since) ? [] : [duration(since)]),
      ...(iterations === 0 ? [] : [`iteration ${iterations}`]),
    ];
    return `${printable(nodeId)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
  });
  if (orphaned) parts.unshift('no writer');
  else if (running.length === 0) parts.push('no node is running');
  const count = (status: string) => nodes.filter(node => node.status === status).length;
  parts.push(`${count('completed')} done`);
  if (count('failed') > 0) parts.push(`${count('failed')} failed`);
  return parts.join(', ');
}
