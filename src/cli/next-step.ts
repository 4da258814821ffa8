/** What to do next: the command to run, ready to be copied. */
import { basename, dirname } from 'node:path';
import { EventLogError, type EventLogErrorCode } from '../errors.js';
import { findVolumeRoot } from '../volume/places.js';
import { isRunId } from '../volume/run-id.js';

type Step = (command: (name: string) => string) => string;

const SEE_RUNS: Step = command => `run ${command('ls')} to see the runs there are`;
const SEE_NODES: Step = command => `run ${command('show')} to see its nodes`;
const CHECK: Step = command => `run ${command('verify')} to see all that is wrong with the log`;

const RAISE: Step = command =>
  `run ${command('show --max-line-bytes BYTES')} with a higher limit, as cat, tail and text take it too; ${command('verify')} says how many bytes the line has`;

const STEPS: Partial<Record<EventLogErrorCode, Step>> = {
  ERR_CAPTURE_NOT_FOUND: SEE_NODES,
  ERR_CAPTURE_TRUNCATED: SEE_NODES,
  ERR_INVALID_RUN_ID: SEE_RUNS,
  ERR_LINE_TOO_LONG: RAISE,
  ERR_LOCK_TIMEOUT: () => 'another process is writing to the run; try again when it is done',
  ERR_LOG_CORRUPT: CHECK,
  ERR_LOG_REPLACED: () => 'run the command again to read what is there now',
  ERR_LOG_TRUNCATED: CHECK,
  ERR_MALFORMED_LINE: CHECK,
  ERR_NO_SPACE: () => 'make room on the disk, then run the command again',
  ERR_RUN_ENDED: SEE_NODES,
  ERR_RUN_NOT_FOUND: SEE_RUNS,
  ERR_RUN_OWNED: () => 'wait until that process has ended, or end it',
};

/** Where the run is on a server; which one is left open: its URL may hold a secret. */
const REMOTE_STEPS: Partial<Record<EventLogErrorCode, Step>> = {
  ERR_INVALID_RUN_ID: SEE_RUNS,
  ERR_LINE_TOO_LONG: () => 'give a higher limit with --max-line-bytes',
  ERR_RUN_NOT_FOUND: SEE_RUNS,
  ERR_STREAM_NOT_FOUND: command =>
    `name the stream with --stream, or copy runs there with ${command('mirror --all')}`,
};

const REMOTE = /^nats:/;

/** The next step after an error, with the run and the root filled in; undefined where there is none. */
export async function nextStep(error: unknown): Promise<string | undefined> {
  if (!(error instanceof EventLogError)) return undefined;
  const { code, path = '' } = error;
  if (REMOTE.test(path)) return REMOTE_STEPS[code]?.(name => commandLine(name, undefined, ' --nats URL'));
  const step = STEPS[code];
  if (step === undefined) return undefined;
  const root = path === '' ? undefined : path.split(/[\\/]\.omne[\\/]/)[0];
  const suffix = await rootSuffix(root);
  return step(name => commandLine(name, name === 'ls' ? undefined : (runIn(path) ?? 'RUN'), suffix));
}

/** `omne-log NAME RUN`, in backquotes, with the root where it would not be found from here. */
export async function commandFor(name: string, runId: string, root: string): Promise<string> {
  return commandLine(name, runId, await rootSuffix(root));
}

function commandLine(name: string, runId: string | undefined, suffix: string): string {
  return `\`omne-log ${name}${runId === undefined ? '' : ` ${runId}`}${suffix}\``;
}

/** ` --root DIR` where the volume would not be found from here. */
export async function rootSuffix(root: string | undefined): Promise<string> {
  if (root === undefined || root === (await findVolumeRoot())) return '';
  return ` --root ${/^[\w./-]+$/.test(root) ? root : `'${root.replaceAll("'", "'\\''")}'`}`;
}

/** The run whose folder a path goes through. */
function runIn(path: string): string | undefined {
  return [path, dirname(path), dirname(dirname(path))].map(part => basename(part)).find(isRunId);
}
