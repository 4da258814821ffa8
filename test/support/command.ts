/** Runs the built command `omne-log` as a person would: in a process of its own where that matters, and always in CI. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { fullStrength } from './rounds.js';
import { answerOf, Servers } from './servers.js';

/** The path of the built command. */
export const COMMAND = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

/** What it can do, in the order of its help. */
export const COMMANDS: readonly string[] = [
  'ls',
  'show',
  'cat',
  'tail',
  'text',
  'stats',
  'verify',
  'repair',
  'prune',
  'timeline',
  'serve',
  'mcp',
  'mirror',
  'demo',
  'completion',
];

/** The environment without what the test runner says about colours. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR, FORCE_COLOR, ...rest } = process.env;
  return rest;
}

/** What a process printed, and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a process is given beside its arguments; `onStart` may watch it. */
interface Surroundings {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly onStart?: (child: ChildProcess) => void;
}

/** Runs `omne-log` with these arguments to its end. */
export function omneLog(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const { onStart, env } = surroundings;
  const counted = process.env['NODE_V8_COVERAGE'] !== undefined; // coverage is of processes
  const atStart = Object.keys(env ?? {}).some(name => name.startsWith('NODE_')); // Node heeds it then only
  return fullStrength || counted || atStart || onStart !== undefined
    ? runToEnd([process.execPath, COMMAND, ...args], surroundings)
    : served(args, surroundings);
}

const servers = new Servers(fileURLToPath(new URL('command-server.mjs', import.meta.url)));

/** The same in a process that has run other command lines before: see `command-server.mjs`. */
async function served(args: readonly string[], { env, cwd }: Surroundings): Promise<Outcome> {
  const given = { env: { ...plainEnvironment(), ...env }, cwd: cwd ?? process.cwd() };
  const outcome = await servers.use(server =>
    answerOf<Outcome>(server, { command: COMMAND, args, ...given }),
  );
  return outcome ?? { code: null, stdout: '', stderr: '' };
}

/** Runs any program to its end. */
export async function runToEnd(
  [program, ...args]: readonly [string, ...string[]],
  { env, cwd, onStart }: Surroundings = {},
): Promise<Outcome> {
  const child = spawn(program, args, {
    cwd,
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onStart?.(child);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}
