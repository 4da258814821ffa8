/**
 * One child process of a pipe, from its start to its end.
 *
 * Promise: bounded memory however much a child prints, and no child is left running when `runChild` settles.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type ErrorKind, tailText } from '../../index.js';

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

/** How a child ended: `succeeded` means exit code 0; the ends of its outputs as `tailText` cuts them. */
export interface Ended {
  readonly succeeded: boolean;
  /** `exit code 3` or `killed by SIGKILL` */
  readonly status: string;
  /** Empty when the output went to a file. */
  readonly stdout: string;
  readonly stderr: string;
}

/** What a child is given. */
export interface ChildOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Kills the child. */
  readonly signal?: AbortSignal | undefined;
  /** The descriptor of an open file for its standard output. */
  readonly stdout?: number | undefined;
}

/** The failure of a node: `kind` and `detail` as `node.failed` carries them, `status` for the reason of the abort. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure';
  readonly kind: ErrorKind;
  readonly detail: string;

  constructor(kind: ErrorKind, status: string, detail: string) {
    super(status);
    this.kind = kind;
    this.detail = detail;
  }
}

/** Runs a child to its end; a program that is not there is a `host_missing` failure, an aborted signal rejects. */
export async function runChild([program, ...args]: CommandLine, options: ChildOptions): Promise<Ended> {
  const { cwd, env, signal, stdout = 'pipe' } = options;
  signal?.throwIfAborted();
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', stdout, 'pipe'] });
  const kill = () => child.kill();
  signal?.addEventListener('abort', kill);
  const [output, errors] = [tailOf(child.stdout), tailOf(child.stderr)];
  try {
    const status = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, killer) => resolve(killer ? `killed by ${killer}` : `exit code ${code}`));
    });
    signal?.throwIfAborted();
    return { succeeded: status === 'exit code 0', status, stdout: output(), stderr: errors() };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new NodeFailure('host_missing', 'program not found', `${program}: not found`);
    }
    throw error;
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

/** Twice what `tailText` keeps, so that a character cut here does not reach into what it keeps. */
const KEPT_BYTES = 2048;

/** Reads a stream to its end and keeps the last bytes; the result is their text. */
function tailOf(stream: Readable | null): () => string {
  let kept = Buffer.alloc(0);
  stream?.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-KEPT_BYTES);
  });
  return () => tailText(kept);
}
