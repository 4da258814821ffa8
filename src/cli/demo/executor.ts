/**
 * A small pipe executor: how to embed the library. It runs the nodes of a pipe as child processes, logs every step, and goes on
 * with a run whose executor died.
 *
 * It keeps three rules that any executor should keep. An event is awaited before the next step is taken, so the log never
 * lags behind the world. What an event points at, a captured output or a byte offset, is in its file before the event is
 * logged. And when an event cannot be logged the run ends: nothing happens that nobody could read of later.
 */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Capture,
  deriveRunState,
  type ErrorKind,
  type EventDraft,
  EventLog,
  type Input,
  type NodeState,
  type RunEvent,
  type RunState,
} from '../../index.js';
import { monotonicMs } from '../../real-time.js';
import { type CommandLine, type Ended, NodeFailure, runChild } from './child.js';

/** A hook that must succeed before its node counts as completed. */
export interface Gate {
  readonly name: string;
  readonly hook: CommandLine;
}

/** A node that runs one child process. */
export interface SingleNode {
  readonly id: string;
  readonly kind: 'bash' | 'command';
  readonly command: CommandLine;
  readonly gate?: Gate;
}

/** A node that runs a child process again and again, until the command `until` succeeds. */
export interface LoopNode extends Omit<SingleNode, 'kind'> {
  readonly kind: 'loop';
  readonly until: CommandLine;
  readonly maxIterations: number;
}

/** What runs at one place of a pipe. */
export type PipeNode = SingleNode | LoopNode;

/** Steps run one after the other, the nodes of one step in parallel. */
export interface Pipe {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly steps: readonly (readonly PipeNode[])[];
}

/** What the caller of `runPipe` may want. */
export interface RunPipeOptions {
  /** Ends the children, and the run with `pipe.aborted`. */
  readonly signal?: AbortSignal;
  /** Whether a run that the signal ends for this reason is left as it is instead, to be resumed; by default none is. */
  readonly isPause?: (reason: unknown) => boolean;
  /** Called with each event once it is on disk, and how long its append took. */
  readonly onEvent?: (event: RunEvent, milliseconds: number) => void;
}

/** How a run ended. */
export interface FinishedRun {
  readonly runId: string;
  readonly logPath: string;
  /** Why the run was aborted; undefined when it was completed. */
  readonly reason: string | undefined;
}

/** Runs a pipe in a volume; resolves when its terminal event is on disk. */
export async function runPipe(root: string, pipe: Pipe, options: RunPipeOptions = {}): Promise<FinishedRun> {
  await using log = await EventLog.create(root, pipe.name);
  return await finish(log, deriveRunState([]), pipe, options);
}

/** Goes on with a run of a pipe whose executor died; resolves when its terminal event is on disk. */
export async function resumePipe(
  root: string,
  runId: string,
  pipe: Pipe,
  options: RunPipeOptions = {},
): Promise<FinishedRun> {
  const { log, state } = await EventLog.resume(root, runId);
  await using _closed = log;
  return await finish(log, state, pipe, options);
}

async function finish(
  log: EventLog,
  state: RunState,
  pipe: Pipe,
  options: RunPipeOptions,
): Promise<FinishedRun> {
  const reason = await new PipeRun(log, state, pipe, options).finish();
  return { runId: log.runId, logPath: log.path, reason };
}

class PipeRun {
  readonly #log: EventLog;
  /** How far the run had come when this executor took it over. */
  readonly #begun: boolean;
  readonly #nodes: ReadonlyMap<string, NodeState>;
  readonly #pipe: Pipe;
  readonly #options: RunPipeOptions;
  /** The run's own folder: captured outputs go to `nodes`, the children work in `work`. */
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  constructor(log: EventLog, state: RunState, pipe: Pipe, options: RunPipeOptions) {
    this.#log = log;
    this.#begun = state.startedAt !== undefined;
    this.#nodes = new Map(state.nodes.map(node => [node.nodeId, node]));
    this.#pipe = pipe;
    this.#options = options;
    this.#folder = dirname(log.path);
    const inputs = pipe.inputs.map(({ key, value }) => [`INPUT_${key.toUpperCase()}`, value]);
    this.#environment = { ...process.env, ...Object.fromEntries(inputs) };
  }

  /** Runs and logs the pipe from its first event to its terminal one; returns why it was aborted, if it was. */
  async finish(): Promise<string | undefined> {
    const { name, inputs } = this.#pipe;
    if (!this.#begun) await this.#append({ type: 'pipe.started', pipe: name, inputs: [...inputs] });
    try {
      const reason = await this.#runSteps();
      await this.#append(
        reason === undefined ? { type: 'pipe.completed' } : { type: 'pipe.aborted', reason },
      );
      return reason;
    } catch (error) {
      if (this.#options.isPause?.(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      // Where the log itself has failed this fails too, and then the first error is the one to report.
      await this.#append({ type: 'pipe.aborted', reason }).catch(() => undefined);
      throw error;
    }
  }

  /** Runs step after step up to the first in which a node fails. */
  async #runSteps(): Promise<string | undefined> {
    await mkdir(join(this.#folder, 'work'), { recursive: true });
    for (const step of this.#pipe.steps) {
      // Settled, not all: no child may outlive its run because its neighbour failed first.
      const outcomes = await Promise.allSettled(step.map(node => this.#runNode(node)));
      let failure: string | undefined;
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') throw outcome.reason;
        failure ??= outcome.value;
      }
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** Runs one node to its end, if it has not come to one; returns how it failed, if it did. */
  async #runNode(node: PipeNode): Promise<string | undefined> {
    const node_id = node.id;
    const before = this.#nodes.get(node_id)?.status;
    if (before === 'completed') return undefined;
    if (before === 'failed') return `node ${node_id} failed and nothing in the pipe handles that`;
    await this.#append({ type: 'node.started', node_id, kind: node.kind });
    const capture = await this.#log.capture(node_id);
    try {
      await this.#work(node, capture);
      if (node.gate !== undefined) await this.#passGate(node_id, node.gate);
    } catch (error) {
      if (!(error instanceof NodeFailure)) throw error;
      const { kind, detail, message: status } = error;
      const message = detail === '' ? {} : { message: detail };
      await this.#append({ type: 'node.failed', node_id, error: { kind }, ...message });
      return `node ${node_id} failed (${status}) and nothing in the pipe handles that`;
    }
    await this.#append({ type: 'node.completed', node_id, output_path: capture.outputPath });
    return undefined;
  }

  /** Runs a node's children, their standard output going straight to the end of the capture file. */
  async #work(node: PipeNode, capture: Capture): Promise<void> {
    await using output = await open(capture.path, 'a');
    if (node.kind === 'loop') await this.#iterate(node, capture, output);
    else await this.#run(node.command, 'crash', output);
    await capture.sync(); // what an event points at reaches the disk before the event does
  }

  async #iterate(node: LoopNode, capture: Capture, output: FileHandle): Promise<void> {
    for (let iteration = 1; iteration <= node.maxIterations; iteration++) {
      await output.appendFile(`--- iteration ${iteration} ---\n`);
      const byte_offset = await capture.size();
      await this.#append({ type: 'iteration.started', node_id: node.id, iteration, byte_offset });
      await this.#run(node.command, 'crash', output);
      if ((await this.#spawn(node.until)).succeeded) return;
    }
    const status = `not done after ${node.maxIterations} iterations`;
    throw new NodeFailure('max_iterations_exceeded', status, '');
  }

  async #passGate(node_id: string, { name, hook }: Gate): Promise<void> {
    const { stdout } = await this.#run(hook, 'gate_failed');
    const said = stdout === '' ? {} : { stdout };
    await this.#append({ type: 'gate.passed', node_id, gate: name, method: 'hook', ...said });
  }

  /** Runs a child that must succeed. */
  async #run(command: CommandLine, failure: ErrorKind, output?: FileHandle): Promise<Ended> {
    const ended = await this.#spawn(command, output);
    if (!ended.succeeded) throw new NodeFailure(failure, ended.status, ended.stderr);
    return ended;
  }

  #spawn(command: CommandLine, output?: FileHandle): Promise<Ended> {
    const cwd = join(this.#folder, 'work');
    return runChild(command, {
      cwd,
      env: this.#environment,
      signal: this.#options.signal,
      stdout: output?.fd,
    });
  }

  async #append(draft: EventDraft): Promise<void> {
    const began = monotonicMs();
    const event = await this.#log.append(draft); // on disk once this resolves
    this.#options.onEvent?.(event, monotonicMs() - began);
  }
}
