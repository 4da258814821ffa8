/**
 * `omne-log demo`: runs a pipe of real child processes, logs it, and replays it in a second process.
 *
 * Promise: nothing is made up. Outputs, exit codes, offsets and times are those of the children, of the files and of the
 * clock; when the second process does not read back just what was appended, the demo fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import fse from 'fs-extra';
import { type Command, defineCommand, EXIT } from './command.js';
import { eventLine } from './event-line.js';
import { type Pipe, runPipe } from './executor.js';
import { eventDecoder, type EventType, type RunEvent } from './index.js';
import { print, printable, table } from './terminal.js';

/** The command `demo`. */
export const demo: Command = defineCommand({
  name: 'demo',
  summary: 'Run a pipe of real child processes, watch it being logged, and replay it in a second process.',
  operands: [],
  options: {
    dir: { type: 'string', value: 'DIR', help: 'The volume to run in; by default a new temporary folder, which is kept.' },
  },
  async run({ values, signal }) {
    const root = values.dir === undefined ? await temporaryVolume() : resolve(values.dir);
    await fse.ensureDir(root);
    await print(`A pipe of real child processes, logged in ${printable(root)} (times are UTC)\n`);

    const appended: RunEvent[] = [];
    const appendTimes: number[] = [];
    const onEvent = (event: RunEvent, milliseconds: number) => {
      appended.push(event);
      appendTimes.push(milliseconds);
      void print(eventLine(event));
    };
    const { runId, logPath } = await runPipe(root, notesPipe(), { signal, onEvent });

    const { events, pid } = await replay(root, runId, signal);
    if (!isDeepStrictEqual(events, appended)) {
      throw new Error(`the replay of ${logPath} differs from what was appended`);
    }
    await print(['', `Replayed by a second process (pid ${pid}), event by event what the first one appended:`, ...table(summaryOf(events)), '',
      ...].join('\n'));
    return EXIT.ok;
  },
});
