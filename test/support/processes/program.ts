/** A program run as a process of its own, talked to by lines; it is killed when the test ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { programPath, sourcePath } from '../programs.js';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A running process. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  #complaints = '';
  #isOver = false;

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
    createInterface({ input: child.stdout }).on('line', line => {
      this.#lines.push(line);
      this.#wake();
    });
    child.stderr.on('data', (text: Buffer) => {
      this.#complaints += text;
    });
    child.stdin.on('error', () => undefined); // it may be dead already, which `ended` tells
    child.once('close', () => {
      this.#isOver = true;
      this.#wake();
    });
    onTestFinished(async () => {
      await this.kill();
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line it prints. */
  async next(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#isOver) throw new Error(`the program ended without another line: ${this.#complaints}`);
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** The lines not taken yet, once it has ended. */
  async rest(): Promise<string[]> {
    await this.#ended;
    return this.#lines;
  }

  /** Sends it a line. */
  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Closes its input. */
  hangUp(): void {
    this.#child.stdin?.end();
  }

  /** Sends it a signal, e.g. to stop it. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Kills it at once (SIGKILL) and waits until it is gone. */
  kill(): Promise<Ending> {
    this.#child.kill('SIGKILL');
    return this.#ended;
  }

  /** Waits until it has ended by itself, without a complaint. */
  async finished(): Promise<void> {
    const { code, signal } = await this.#ended;
    if (code !== 0) throw new Error(`the program ended with ${code ?? signal}: ${this.#complaints}`);
  }
}

/** Starts one of the programs of this folder. */
export function startProgram(name: string, ...args: string[]): Program {
  return new Program(process.execPath, [programPath(`processes/${name}`), ...args]);
}

/** Starts one of them, as it is written, with another runtime, given as its command. */
export function startProgramWith(
  [runtime, ...flags]: readonly [string, ...string[]],
  name: string,
  ...args: string[]
): Program {
  return new Program(runtime, [...flags, sourcePath(`processes/${name}`), ...args]);
}
