/** Runs the built command `omne-log` as a person would, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** The path of the built command. */
export const COMMAND = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

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

/** Runs `omne-log` with these arguments to its end; `onStart` may watch the process meanwhile. */
export function omneLog(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; onStart?: (child: ChildProcess) => void } = {},
): Promise<Outcome> {
  return runToEnd([process.execPath, COMMAND, ...args], options);
}

/** Runs any program to its end. */
export async function runToEnd(
  [program, ...args]: readonly [string, ...string[]],
  {
    env,
    cwd,
    onStart,
  }: { env?: NodeJS.ProcessEnv; cwd?: string; onStart?: (child: ChildProcess) => void } = {},
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
