/**
 * What is written to an output, from a place of choice on: for a page that follows it.
 *
 * Promises: in order and without a gap, except where the page lags so far that it would never catch up, or the file was begun again or
 * swapped; the page gets a message then. Nothing is kept between two looks but the place.
 */

import { EventLogError } from '../errors.js';
import { monotonicMs } from '../real-time.js';
import { firstCharacter, lastCharacter, type NodeOutput } from '../run/output/node-output.js';
import type { StreamMessages } from './api.js';
import type { OutputCursor } from './cursors.js';
import type { NodeName } from './outputs.js';
import type { RunServerSource } from './source.js';

const CHUNK_BYTES = 64 * 1024;
/** A page that is further back than the first is brought to the second. */
const MOST_LAG_BYTES = 4 * 1024 * 1024;
const AFTER_LAG_BYTES = 256 * 1024;
/** How often to look whether another file is in its place, or whether it is there at all. */
const REOPEN_MS = 500;

/** Follows one output. */
export class OutputFeed {
  readonly #source: RunServerSource;
  readonly #node: NodeName;
  #output: NodeOutput | undefined;
  #openedAt = Number.NEGATIVE_INFINITY;
  #cursor: OutputCursor | undefined;

  constructor(source: RunServerSource, node: NodeName, cursor: OutputCursor | undefined) {
    this.#source = source;
    this.#node = node;
    this.#cursor = cursor;
  }

  /** How far it is. */
  get cursor(): OutputCursor {
    return this.#cursor ?? { file: '', offset: 0 };
  }

  /** What was written since the last look, a part of it where it is much; undefined where nothing was. */
  async next(): Promise<StreamMessages['output'] | undefined> {
    await this.#open();
    const output = this.#output;
    if (output === undefined) return undefined;
    const { file, size } = output;
    this.#cursor ??= { file, offset: size };
    const restarted = (this.#cursor.file !== '' && this.#cursor.file !== file) || size < this.#cursor.offset;
    const from = restarted ? 0 : this.#cursor.offset;
    const lags = size - from > MOST_LAG_BYTES;
    const offset = lags ? size - AFTER_LAG_BYTES : from;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
    const bytes = buffer.subarray(0, await output.read(buffer, offset));
    const start = lags ? firstCharacter(bytes) : 0;
    const end = lastCharacter(bytes); // a part of a character waits for its rest
    this.#cursor = { file, offset: offset + end };
    if (end <= start && !restarted) return undefined;
    const text = bytes.toString('utf8', start, end);
    return { node: this.#node.nodeId, start: offset + start, end: offset + end, text, restarted };
  }

  close(): void {
    this.#output?.close();
    this.#output = undefined;
  }

  /** Opens the file, again now and then: another one may be in its place. */
  async #open(): Promise<void> {
    const now = monotonicMs();
    if (now - this.#openedAt < REOPEN_MS) return;
    this.#openedAt = now;
    try {
      const opened = await this.#source.output(this.#node.runId, this.#node.nodeId);
      this.#output?.close();
      this.#output = opened;
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      this.close(); // it is not there, or not what it should be: asking for a window says so
      if (error.code === 'ERR_CAPTURE_NOT_FOUND') this.#cursor ??= { file: '', offset: 0 };
    }
  }
}
