/**
 * `omne-log demo`: runs a pipe of real child processes, logs it, and replays it in a second process.
 *
 * Promise: nothing is made up. Outputs, exit codes, offsets and times are those of the children, the files and the
 * clock; when the second process does not read back exactly what was appended, the demo fails.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import { EventLog, type EventType, eventDecoder, omneEvents, type RunEvent } from '../../index.js';
import { parseRunId } from '../../volume/run-id.js';
import { type Command, defineCommand, EXIT, table } from '../command.js';
import { type FinishedRun, type RunPipeOptions, resumePipe, runPipe } from '../demo/executor.js';
import { notesPipe } from '../demo/notes-pipe.js';
import { RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { volumeSource } from '../run-source.js';
import { eventLine } from '../screen/event-line.js';
import { print, printable } from '../screen/terminal.js';

/** The command `demo`. */
export const demo: Command = defineCommand({
  name: 'demo',
  example: 'omne-log demo --dir /tmp/demo',
  operands: [],
  options: {
    dir: { type: 'string', value: 'DIR', help: 'The volume to run in; by default a new temporary folder.' },
    resume: {
      type: 'string',
      value: 'RUN',
      help: 'Go on with a run of the demo that was interrupted (Ctrl-C) or killed; with --dir.',
    },
  },
  notes: RUN_HELP,
  async run({ values: { dir, resume }, signal }) {
    const root = await rootOf(dir, resume);
    const appended: RunEvent[] = [];
    const appendTimes: number[] = [];
    const onEvent = (event: RunEvent, milliseconds: number) => {
      appended.push(event);
      appendTimes.push(milliseconds);
      void print(eventLine(event));
    };
    const options = { signal, onEvent, isPause };
    const run = resume === undefined ? start(root, options) : goOn(root, resume, appended, options);
    const { runId, logPath } = await run.catch((error: unknown) => {
      if (isPause(error)) console.error(`omne-log: ${PAUSED} --dir ${printable(root)}`);
      throw error;
    });

    const { events, pid } = await replay(root, runId, signal);
    if (!isDeepStrictEqual(events, appended)) {
      throw new Error(`the replay differs from what was appended (${logPath})`);
    }
    const facts = table([
      [
        'events',
        `${events.length}, replayed by process ${pid}, equal to those appended by process ${process.pid}`,
      ],
      ['nodes', `${countOf(events, 'node.completed')} done, ${countOf(events, 'node.failed')} failed`],
      ['iterations', String(countOf(events, 'iteration.started'))],
      ['duration', `${durationOf(events)} ms`],
      ['appends', describe(appendTimes)],
      ['log', printable(logPath)],
    ]);
    await print(`\nReplayed from disk by a second process:\n\n${facts.join('\n')}`);
    await print(`\nSee it in a browser: omne-log serve --root ${printable(root)} --open`);
    return EXIT.ok;
  },
});

const PAUSED = 'the run is left as it is; go on with it: omne-log demo --resume last';

/** Ctrl-C leaves the run to be resumed; what else ends the demo ends its run. */
function isPause(reason: unknown): boolean {
  return reason instanceof Error && 'signal' in reason && reason.signal === 'SIGINT';
}

async function rootOf(dir: string | undefined, resume: string | undefined): Promise<string> {
  if (resume !== undefined) return dir === undefined ? whichRoot(undefined) : resolve(dir);
  return dir === undefined ? mkdtemp(join(tmpdir(), 'omne-demo-')) : resolve(dir);
}

async function start(root: string, options: RunPipeOptions): Promise<FinishedRun> {
  await mkdir(root, { recursive: true });
  await print(`Running a pipe of real child processes in ${printable(root)} (times are UTC):\n`);
  return runPipe(root, notesPipe(), options);
}

/** Goes on with a run; `events` gets what is there before. */
async function goOn(
  root: string,
  given: string,
  events: RunEvent[],
  options: RunPipeOptions,
): Promise<FinishedRun> {
  const runId = await whichRun(root, given);
  const pipe = notesPipe();
  const ofDemo =
    parseRunId(runId).pipe === pipe.name && (await volumeSource(root).vocabulary(runId)) === omneEvents;
  if (!ofDemo) throw new Error(`${runId} is no run of the demo; --resume goes on with those only`);
  for await (const event of EventLog.read(root, runId)) events.push(event);
  await print(`Going on with ${runId}, which has ${events.length} events (times are UTC):\n`);
  return resumePipe(root, runId, pipe, options);
}

/** Reads a run in another process, `omne-log cat RUN --json`, and decodes what that prints. */
async function replay(
  root: string,
  runId: string,
  signal: AbortSignal,
): Promise<{ events: RunEvent[]; pid: number | undefined }> {
  const [, command = ''] = process.argv; // omne-log itself
  const reader = spawn(process.execPath, [command, 'cat', runId, '--json', '--root', root], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  const events: RunEvent[] = [];
  const collect = async (decoded: AsyncIterable<RunEvent>) => {
    for await (const event of decoded) events.push(event);
  };
  const [[code]] = await Promise.all([
    once(reader, 'close'),
    pipeline(reader.stdout, eventDecoder(), collect),
  ]);
  if (code !== 0) throw new Error(`the second process ended with exit code ${code}`);
  return { events, pid: reader.pid };
}

function countOf(events: readonly RunEvent[], type: EventType): number {
  return events.filter(event => event.type === type).length;
}

/** From the first event to the last, by their own time stamps, in milliseconds. */
function durationOf(events: readonly RunEvent[]): number {
  return Date.parse(events.at(-1)?.ts ?? '') - Date.parse(events.at(0)?.ts ?? '');
}

function describe(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const show = (milliseconds = 0) => `${milliseconds.toFixed(2)} ms`;
  const total = times.reduce((sum, time) => sum + time, 0);
  const median = sorted[Math.floor(sorted.length / 2)];
  return `${times.length} durable ones in ${show(total)}: median ${show(median)}, max ${show(sorted.at(-1))}`;
}
