/**
 * What is written to an output, from a place of choice on: for a page that follows it.
 *
 * Promises: in order and without a gap, except where the page lags so far that it would never catch up, or the file was begun again or
 * swapped; the page gets a message then. Nothing is kept between two looks but the place.
 */

import { firstCharacter, lastCharacter } from '../run/output/node-output.js';
import type { StreamMessages } from './api.js';
import type { OutputCursor } from './cursors.js';
import type { OutputFollower } from './output-followers.js';

/** A page that is further back than the first is brought to the second. */
const MOST_LAG_BYTES = 4 * 1024 * 1024;
const AFTER_LAG_BYTES = 256 * 1024;

/** The way of one page through an output. */
export class OutputFeed {
  readonly #nodeId: string;
  readonly #follower: OutputFollower;
  #looked: Promise<void> | undefined;
  #cursor: OutputCursor | undefined;

  /** `follower` was joined for it. */
  constructor(nodeId: string, follower: OutputFollower, cursor: OutputCursor | undefined) {
    this.#nodeId = nodeId;
    this.#follower = follower;
    this.#cursor = cursor;
  }

  /** How far it is. */
  get cursor(): OutputCursor {
    return this.#cursor ?? { file: '', offset: 0 };
  }

  /** What was written since the last time, a part of it where it is much; undefined where nothing was. */
  async next(): Promise<StreamMessages['output'] | undefined> {
    await (this.#looked ??= this.#follower.look()); // the page may know more than the look before it came
    const { seen, isMissing } = this.#follower;
    if (seen === undefined) {
      if (isMissing) this.#cursor ??= { file: '', offset: 0 }; // all that comes is new
      return undefined;
    }
    const { file, size } = seen;
    this.#cursor ??= { file, offset: size };
    const restarted = (this.#cursor.file !== '' && this.#cursor.file !== file) || size < this.#cursor.offset;
    const from = restarted ? 0 : this.#cursor.offset;
    this.#cursor = { file, offset: from };
    if (from === size && !restarted) return undefined;
    const lags = size - from > MOST_LAG_BYTES;
    const offset = lags ? size - AFTER_LAG_BYTES : from;
    const bytes = await seen.chunk(offset);
    const start = lags ? firstCharacter(bytes) : 0;
    const end = lastCharacter(bytes); // a part of a character waits for its rest
    this.#cursor = { file, offset: offset + end };
    if (end <= start && !restarted) return undefined;
    const text = bytes.toString('utf8', start, end);
    return { node: this.#nodeId, start: offset + start, end: offset + end, text, restarted };
  }

  /** Leaves; to be called once. */
  close(): void {
    this.#follower.leave();
  }
}
