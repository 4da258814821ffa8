/**
 * `omne-log mirror`: copies runs to a NATS server, as they are written.
 *
 * Promise: a run that cannot be copied is reported at once, and the others go on; with `--once` the exit code says so too.
 */
import { EventLogError } from '../../errors.js';
import { count, milliseconds, size } from '../../figures.js';
import type { MirroredRun, MirrorOptions, StreamOptions } from '../../jetstream.js';
import { type Command, defineCommand, EXIT, UsageError, wholeNumber } from '../command.js';
import { connectTo, LOGIN_HELP, loadJetStream, NATS_OPTIONS } from '../nats.js';
import { ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { beginToWait } from '../reader-left.js';
import { checkStream } from '../run-source.js';
import { Reports } from '../screen/reports.js';
import { StatusLine } from '../screen/status-line.js';
import { DAMAGED, MARKS } from '../screen/status-marks.js';
import { paint, printable } from '../screen/terminal.js';

/** The command `mirror`. */
export const mirror: Command = defineCommand({
  name: 'mirror',
  example: 'omne-log mirror --all --nats nats://nats.example.org',
  operands: ['[RUN]'],
  options: {
    all: {
      type: 'boolean',
      help: 'All runs of the volume, also those that appear later, until interrupted.',
    },
    once: {
      type: 'boolean',
      help: 'With --all: what there is now; exit with 1 when a run could not be copied.',
    },
    ...NATS_OPTIONS,
    replicas: {
      type: 'string',
      value: 'N',
      help: 'For a stream that is made: on how many servers; on 1 by default.',
    },
    'max-age': {
      type: 'string',
      value: 'AGE',
      help: 'How long it keeps an event, as 90m, 36h or 30d; for ever by default.',
    },
    'max-bytes': {
      type: 'string',
      value: 'N',
      help: 'How many bytes it keeps, the oldest events going first; all by default.',
    },
    root: ROOT_OPTION,
  },
  notes: [RUN_HELP, '', LOGIN_HELP].join('\n'),
  async run({ values, positionals: [run], signal }) {
    const { all = false, once = false, nats, creds } = values;
    if (all === (run !== undefined)) throw new UsageError('either RUN or --all must be given');
    if (once && !all) throw new UsageError('--once goes with --all');
    if (nats === undefined) throw new UsageError('--nats URL is missing');
    checkStream(values.stream);
    const stream = streamOptions(values);
    const root = await whichRoot(values.root);
    const runId = run === undefined ? undefined : await whichRun(root, run);
    const connection = await connectTo(nats, creds);
    try {
      const options = { connection, stream, signal };
      return await (runId === undefined ? mirrorAll(root, options, once) : mirrorOne(root, runId, options));
    } finally {
      await connection.close();
    }
  },
});

async function mirrorOne(root: string, runId: string, options: MirrorOptions): Promise<number> {
  const { mirrorRun } = await loadJetStream();
  const status = new StatusLine(() => `copying ${runId}`);
  try {
    await status.print(lineOf(await mirrorRun(root, runId, options)));
  } finally {
    await status.close();
  }
  return EXIT.ok;
}

async function mirrorAll(root: string, options: MirrorOptions, once: boolean): Promise<number> {
  const { mirrorVolume } = await loadJetStream();
  if (!once) beginToWait();
  let ended = 0;
  let failed = 0;
  const status = new StatusLine(() => {
    return `copying all runs: ${ended} to their end${failed === 0 ? '' : `, ${count(failed, 'failure')}`}`;
  });
  const reports = new Reports(lines => status.print(lines));
  try {
    const { runs, events, dropped } = await mirrorVolume(root, {
      ...options,
      once,
      onRun: run => {
        ended++;
        reports.add(lineOf(run));
      },
      onError: (error, runId) => {
        failed++;
        reports.add(failureOf(error, runId));
      },
    });
    const left =
      dropped === 0 ? '' : `; ${count(dropped, 'run')} dropped by the stream before, not sent again`;
    await status.print(`${count(runs, 'run')}, ${count(events, 'event')} sent${left}`);
  } finally {
    await reports.end();
    await status.close();
  }
  return failed === 0 ? EXIT.ok : EXIT.error;
}

function lineOf({ runId, events, position }: MirroredRun): string {
  const { glyph, colour } = MARKS.completed;
  return `${paint(colour, glyph)} ${runId}  ${count(events, 'event')} sent, ${size(position)} in all`;
}

function failureOf(error: unknown, runId: string): string {
  const { glyph, colour } = DAMAGED;
  const code = error instanceof EventLogError ? `${error.code}: ` : '';
  const message = error instanceof Error ? error.message : String(error);
  return `${paint(colour, `${glyph} ${runId}`)}  ${code}${printable(message)}`;
}

interface StreamValues {
  readonly stream?: string | undefined;
  readonly replicas?: string | undefined;
  readonly 'max-age'?: string | undefined;
  readonly 'max-bytes'?: string | undefined;
}

/** The server counts in nanoseconds, and 292 years of them are all that it can count. */
const LONGEST_AGE_MS = 100_000 * 24 * 60 * 60 * 1000;

function streamOptions(values: StreamValues): StreamOptions {
  const replicas = wholeNumber('--replicas', values.replicas);
  const maxBytes = wholeNumber('--max-bytes', values['max-bytes']);
  const maxAge = values['max-age'] === undefined ? undefined : milliseconds(values['max-age']);
  if (Number.isNaN(maxAge)) throw new UsageError('--max-age takes an age such as 90m, 36h or 30d');
  if ((maxAge ?? 0) > LONGEST_AGE_MS) throw new UsageError('--max-age takes at most 100000d');
  if (maxBytes === 0) throw new UsageError('--max-bytes takes a number from 1 up');
  if (replicas === 0) throw new UsageError('--replicas takes a number from 1 up');
  return {
    ...(values.stream === undefined ? {} : { name: values.stream }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}
