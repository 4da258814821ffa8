/** Runs `append.mjs` while strace breaks its system calls or a limit stops its files from growing. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { placesOf } from '../../../src/volume/places.js';
import { programPath } from '../programs.js';
import { fullStrength } from '../rounds.js';
import { answerOf, Servers } from '../servers.js';
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

/** Runs the plan under the fault: by default in a process that has run others before, whose calls strace sees only meanwhile. */
export async function runBroken(plan: Plan, fault: Fault): Promise<Run> {
  const trace = join(plan.root, `trace-${traces++}`);
  const strace = fault.inject === undefined ? [] : straceOf(plan, { ...fault, inject: fault.inject }, trace);
  const outcomes = await (fullStrength ? inOwnProcess : inServer)(plan, strace, fault.fileLimit);
  return { outcomes, ...(strace.length === 0 ? NO_CALLS : callsIn(readFileSync(trace, 'utf8'))) };
}

const NO_CALLS = { calls: [], callsAfter: [], broken: 0 };

/** The command line of strace, without what it traces. */
function straceOf(plan: Plan, { inject, paths }: Fault & { inject: string }, trace: string): string[] {
  const watchedPaths = paths === 'all' ? [] : (paths ?? [placesOf(plan.root, plan.runId).log]);
  const where = watchedPaths.flatMap(path => ['-P', path]);
  const watched = `trace=${WATCHED},${inject.split(':')[0]}`;
  return ['strace', '-f', '-o', trace, ...where, '-e', watched, '-e', `inject=${inject}`];
}

/** Strace counts the calls of each thread apart: there is one for file work. */
const ONE_THREAD = { ...process.env, UV_THREADPOOL_SIZE: '1' };

type Work = (plan: Plan, strace: readonly string[], fileLimit: number | undefined) => Promise<Outcome[]>;

const inOwnProcess: Work = async (plan, strace, fileLimit) => {
  const limit = fileLimit === undefined ? [] : ['prlimit', `--fsize=${fileLimit}`];
  const traced = strace.length === 0 ? [] : [...strace, '-qq', '--seccomp-bpf'];
  const command = [...traced, ...limit, process.execPath, PROGRAM, JSON.stringify(plan)];
  const [program = '', ...args] = command;
  const limits = { timeout: HANG_MS, killSignal: 'SIGKILL' } as const;
  const { stdout } = await promisify(execFile)(program, args, { env: ONE_THREAD, ...limits });
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line): Outcome => JSON.parse(line));
};

const servers = new Servers(PROGRAM, { env: ONE_THREAD });

const inServer: Work = (plan, strace, fileLimit) =>
  servers.use(async server => {
    const limitFiles = (bytes: number | 'unlimited') =>
      execFileSync('prlimit', ['--pid', `${server.pid}`, `--fsize=${bytes}:`]);
    const tracer = strace.length === 0 ? undefined : await attach(strace, server);
    if (fileLimit !== undefined) limitFiles(fileLimit);
    const outcomes = await answerOf<Outcome[]>(server, plan);
    if (fileLimit !== undefined) limitFiles('unlimited');
    tracer?.kill('SIGINT'); // it lets go of the server
    if (tracer !== undefined) await once(tracer, 'close');
    return outcomes ?? [];
  });

/** Starts strace on all threads of a process, and waits until it has them. */
async function attach(
  [program = '', ...args]: readonly string[],
  { pid }: ChildProcess,
): Promise<ChildProcess> {
  const tracer = spawn(program, [...args, '-p', `${pid}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: tracer.stderr })) {
    if (line.includes('attached')) return tracer;
  }
  throw new Error('strace is not attached');
}

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
