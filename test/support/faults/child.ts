/** Runs `append.mjs` while strace breaks its system calls or a limit stops its files from growing. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { placesOf } from '../../../src/volume/places.js';
import { programPath } from '../programs.js';
import type { Outcome } from './outcomes.js';

/** What the child does; each step makes its calls at once and waits for all of them. */
export interface Plan {
  readonly root: string;
  readonly runId: string;
  /** `create` starts a run with an id of its own, `ensure` makes this one; by default it is there. */
  readonly make?: 'create' | 'ensure';
  /** How many types of its own the vocabulary has besides the built-in ones; none by default. */
  readonly own?: number;
  /** `false`: a commit is a write and an fdatasync instead of one write with O_DSYNC. */
  readonly dsync?: boolean;
  /** Makes the lines longer by so many bytes. */
  readonly paddingBytes?: number;
  /** A call is the names of its events; `tear` leaves half a line, as a peer that dies in a write. */
  readonly steps: readonly (readonly (readonly string[])[] | 'tear')[];
}

/** What is broken. */
export interface Fault {
  /** As strace takes it: `write:error=EIO:when=2` breaks the second write. */
  readonly inject?: string;
  /** The files and folders concerned; by default the log. */
  readonly paths?: readonly string[] | 'all';
  /** No file may become longer than this. */
  readonly fileLimit?: number;
}

/** What was seen. */
export interface Run {
  /** Opening, the calls in order, closing. */
  readonly outcomes: readonly Outcome[];
  /** The system calls strace saw, in order: those that matter to durability, or the one that is broken. */
  readonly calls: readonly string[];
  /** Of these, those after the last broken one. */
  readonly callsAfter: readonly string[];
  /** How many were broken. */
  readonly broken: number;
}

/** What makes a plan come true. */
export const PROGRAM: string = programPath('faults/append');
const WATCHED = 'write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate';
/** A child takes a fraction of a second; one that hangs is ended and fails the test. */
const HANG_MS = 20_000;

let traces = 0;

/** Runs the plan under the fault. */
export async function runBroken(plan: Plan, { inject, paths, fileLimit }: Fault): Promise<Run> {
  const command = [process.execPath, PROGRAM, JSON.stringify(plan)];
  if (fileLimit !== undefined) command.unshift('prlimit', `--fsize=${fileLimit}`);
  const trace = join(plan.root, `trace-${traces++}`);
  if (inject !== undefined) {
    const watchedPaths = paths === 'all' ? [] : (paths ?? [placesOf(plan.root, plan.runId).log]);
    const where = watchedPaths.flatMap(path => ['-P', path]);
    const watched = `trace=${WATCHED},${inject.split(':')[0]}`;
    command.unshift(
      ...['strace', '-f', '-qq', '--seccomp-bpf', '-o', trace, ...where, '-e', watched],
      ...['-e', `inject=${inject}`],
    );
  }
  const [program = '', ...args] = command;
  // One thread for file work: strace counts the calls of each thread apart.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const { stdout } = await promisify(execFile)(program, args, {
    env,
    timeout: HANG_MS,
    killSignal: 'SIGKILL',
  });
  const outcomes: Outcome[] = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
  return { outcomes, ...(inject === undefined ? NO_CALLS : callsIn(readFileSync(trace, 'utf8'))) };
}

const NO_CALLS = { calls: [], callsAfter: [], broken: 0 };

/** Lines of strace: `<thread> write(17, "...", 171) = -1 EIO (Input/output error) (INJECTED)`. */
function callsIn(trace: string): Omit<Run, 'outcomes'> {
  const lines = trace.split('\n').filter(line => /^\d+ +\w+\(/.test(line));
  const isBroken = (line: string) => line.endsWith('(INJECTED)');
  const nameOf = (line: string) => /\w+(?=\()/.exec(line)?.[0] ?? line;
  return {
    calls: lines.map(nameOf),
    callsAfter: lines.slice(lines.findLastIndex(isBroken) + 1).map(nameOf),
    broken: lines.filter(isBroken).length,
  };
}
