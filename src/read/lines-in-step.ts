/**
 * The bytes of the lines that split2 gives as texts, in step with it.
 *
 * Promise: a text is decoded as the line at its place; matching the bytes where they are takes less time than those of a text.
 */
import { decodeMatched } from '../format/decode.js';
import type { LineMatcher } from '../format/lanes/line-matcher.js';
import { LF } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';

/** The lines of one chunk after the other. */
export class LinesInStep {
  readonly #vocabulary: Vocabulary;
  readonly #matcher: LineMatcher;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#matcher = vocabulary.newMatcher();
  }

  /** Gives the lines that split2 is about to cut. */
  use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#start = 0;
    this.#matcher.use(bytes);
  }

  /** Decodes the next of them. */
  decode(text: string): LogEvent {
    const matched = this.#matcher.match(this.#start);
    const asLongAsText = this.#start + text.length; // all the line, where it is ASCII; otherwise within it
    const isEnd = this.#bytes[asLongAsText] === LF;
    const end = matched >= 0 ? matched : isEnd ? asLongAsText : this.#bytes.indexOf(LF, this.#start);
    this.#start = end + 1;
    return decodeMatched(this.#matcher, this.#vocabulary, text);
  }
}
