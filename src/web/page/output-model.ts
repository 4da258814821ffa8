/**
 * The lines of one output: windows of it from the server, and what is written while the page looks.
 *
 * Promises: a line has the number that it has in the whole file, however the page came to it. Memory is bounded: what was
 * left behind is forgotten and asked for again. A file that is begun again is shown as it is then.
 */
import { signal } from '@preact/signals-core';
import type { OutputLine, StreamMessages } from '../api.js';
import { ApiError, getOutput } from './api-client.js';
import type { RunModel } from './run-model.js';
import { messageOf } from './text.js';
import { WINDOW, Windows } from './windows.js';

/** How much of a line is kept; the rest is asked for when somebody wants to see it. */
export const SHOWN_BYTES = 8192;

/** How many lines there are, and where their numbers begin. */
export interface OutputSize {
  readonly first: number;
  readonly total: number;
  readonly bytes: number;
}

/** See above. */
export class OutputModel {
  readonly node: string;
  readonly #run: RunModel;
  readonly #iteration: number | undefined;
  /** Undefined until something is known. */
  readonly size = signal<OutputSize | undefined>(undefined);
  readonly failure = signal<string | undefined>(undefined);
  /** The lines by their numbers. */
  readonly lines: Windows<OutputLine>;
  #stopFollowing: (() => void) | undefined;
  #end = 0; // what was received goes up to here
  #unfinished: OutputLine | undefined; // the last line, as long as it may grow
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(run: RunModel, node: string, iteration: number | undefined) {
    this.#run = run;
    this.node = node;
    this.#iteration = iteration;
    this.lines = new Windows(async (first, signal) => {
      const parameters = { line: Math.max(1, first), lines: WINDOW };
      return (await getOutput(run.runId, node, parameters, signal)).lines;
    });
    void this.#begin();
  }

  close(): void {
    this.lines.ending.abort();
    clearTimeout(this.#retry);
    this.#stopFollowing?.();
  }

  /** The whole text of a line that was cut, a megabyte at most. */
  async wholeLine(line: OutputLine): Promise<string> {
    const bytes = Math.min(line.bytes, 1_048_576);
    const answer = await getOutput(
      this.#run.runId,
      this.node,
      { from: line.offset, bytes },
      this.lines.ending.signal,
    );
    return answer.text;
  }

  async #begin(): Promise<void> {
    this.#stopFollowing?.();
    try {
      const parameters = { line: -WINDOW, lines: WINDOW, iteration: this.#iteration };
      const answer = await getOutput(this.#run.runId, this.node, parameters, this.lines.ending.signal);
      this.lines.clear();
      const { firstLine: first = 1, totalLines: total = answer.lines.length } = answer;
      this.#end = answer.end;
      this.#unfinished = answer.unfinished ? answer.lines.at(-1) : undefined;
      this.failure.value = undefined;
      this.size.value = { first, total, bytes: answer.size };
      this.lines.keep(answer.lines);
      if (answer.cursor !== undefined) {
        this.#stopFollowing = this.#run.followOutput(this.node, answer.cursor, output => this.#take(output));
      }
    } catch (error) {
      if (this.lines.ending.signal.aborted) return;
      this.failure.value =
        error instanceof ApiError && error.code === 'ERR_CAPTURE_NOT_FOUND'
          ? 'There is no output.'
          : messageOf(error);
      this.size.value = undefined;
      if (this.#run.run.value?.status === 'running') this.#retry = setTimeout(() => void this.#begin(), 1000);
    }
  }

  #take({ start, end, text, restarted }: StreamMessages['output']): void {
    const size = this.size.value;
    if (restarted || start !== this.#end || size === undefined) {
      void this.#begin();
      return;
    }
    const pieces = text.split('\n');
    const written: OutputLine[] = [];
    let { total } = size;
    let offset = this.#end;
    for (const [index, piece] of pieces.entries()) {
      const bytes = utf8Length(piece);
      const grown = index === 0 ? this.#unfinished : undefined;
      const isLast = index === pieces.length - 1;
      if (grown === undefined && piece === '' && isLast) {
        this.#unfinished = undefined;
        break;
      }
      if (grown === undefined) total++;
      const line: OutputLine = {
        number: grown?.number ?? size.first + total - 1,
        offset: grown?.offset ?? offset,
        bytes: (grown?.bytes ?? 0) + bytes,
        text: `${grown?.text ?? ''}${piece}`.slice(0, SHOWN_BYTES),
      };
      written.push(line);
      this.#unfinished = isLast ? line : undefined;
      offset += bytes + 1;
    }
    this.#end = end;
    this.size.value = { ...size, total, bytes: end };
    this.lines.keep(written);
  }
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
