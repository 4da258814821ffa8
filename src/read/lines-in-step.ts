/**
 * The bytes of the lines that split2 cuts, in step with it.
 *
 * split2 is given the bytes as Latin-1, a character for each of them: that is no decoding, and only a line that is not ASCII is
 * decoded after all, alone.
 *
 * Promise: a text is decoded as the line at its place; matching the bytes where they are takes less time than those of a text.
 */
import { decodeMatched } from '../format/decode.js';
import type { LineMatcher } from '../format/lanes/line-matcher.js';
import { textOf } from '../format/lanes/text-of.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';

/** The lines of one chunk after the other. */
export class LinesInStep {
  readonly #vocabulary: Vocabulary;
  readonly #matcher: LineMatcher;
  #start = 0;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#matcher = vocabulary.newMatcher();
  }

  /** Takes whole lines of valid UTF-8, and returns them for split2. */
  use(bytes: Buffer): string {
    this.#start = 0;
    this.#matcher.use(bytes);
    return textOf(bytes, true, 0, bytes.length);
  }

  /** Decodes the next of them, as split2 has cut it. */
  decode(latin1: string): LogEvent {
    this.#matcher.match(this.#start);
    this.#start += latin1.length + 1;
    return decodeMatched(this.#matcher, this.#vocabulary, latin1, true);
  }
}
