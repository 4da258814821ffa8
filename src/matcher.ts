/**
 * The fast lane of decoding: canonical lines, recognised and taken apart in their bytes.
 *
 * Promise: what this lane accepts, the strict lane accepts with the same result; what it does not take is no error, but goes
 * to the strict lane (`codec.ts`), which decides. So it takes nothing but the canonical form: keys in schema order, no white
 * space, no control characters, integers in digits, no list, and no escape that is half of a surrogate pair. A property test
 * holds the lanes together.
 *
 * Why it is the way it is, by figures of one machine (a line of 215 bytes, Node 20, us of one core for each event): a regular
 * expression for each type, the lane before this one, took 0.58 from bytes to event. Words of four bytes walked by an interpreter
 * of the schema take 0.53, by code compiled from it 0.41: 0.18 for looking at the bytes, 0.10 for the text of the line, 0.13
 * for its parts and the object. `JSON.parse` with its text takes 0.70, and checks nothing. What was tried and left: the same match
 * in WebAssembly with vectors of 16 bytes (0.09 in the place of 0.18, an eighth of a replay, for a second language and a
 * compiler), strings shared with the line before (nothing), a text for each field (slower). Without making texts nothing is as
 * quick: a filter passes over an event for 0.2.
 */
import { Captures } from './captures.js';
import type { Source } from './check.js';
import type { EventType, RunEvent } from './events.js';
import { flatSource, matchFlat } from './flat.js';
import { NODE_ID_SLOT, SHORTEST_LINE, SLOTS, type Template, templatesFor } from './template.js';

/**
 * Matches the lines of one buffer after the other. It holds one line at a time, so the order of the calls is fixed: `use` once for
 * each buffer, `match` for each of its lines, and what is asked of that line, by `mayBeOfNode` (through a filter), `event` or
 * `fields`, before the next `match` or `use`.
 */
export class LineMatcher {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #template: Template | undefined;
  readonly #captures = new Captures(SLOTS);

  /** Gives the buffer whose lines are matched from now on: whole lines of valid UTF-8. */
  use(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#captures.use(bytes);
  }

  /** The type of the event whose canonical line, without its newline, the bytes are; undefined when they may be none. */
  match(start: number, end: number): EventType | undefined {
    this.#template = undefined;
    this.#start = start;
    this.#end = end;
    if (end - start < SHORTEST_LINE || end > this.#captures.limit) return undefined;
    for (const template of templatesFor(this.#captures.view, start)) {
      this.#captures.begin(start);
      if (template.match(this.#captures.view, start, end, this.#captures)) {
        this.#template = template;
        return template.type;
      }
    }
    return undefined;
  }

  /** Whether the line matched last may be of the node whose id, with a quote behind it, is given. */
  mayBeOfNode(idAndQuote: Uint8Array): boolean {
    return this.#template?.hasNodeId === true && this.#captures.mayHold(NODE_ID_SLOT, idAndQuote);
  }

  /** The event of the line matched last; undefined when that one was no match. */
  event(text: string = this.#text()): RunEvent | undefined {
    return this.#template?.make(text, this.#captures);
  }

  /** The fields of the line given to `match` last when it is a flat object; nothing is checked, and only known ones are there. */
  fields(text: string): Source | undefined {
    if (this.#end > this.#captures.limit) return undefined;
    return matchFlat(this.#captures, this.#start, this.#end) ? flatSource(this.#captures, text) : undefined;
  }

  #text(): string {
    return this.#bytes.toString(this.#captures.ascii ? 'latin1' : 'utf8', this.#start, this.#end);
  }
}

const TEXT_UNITS = 16_384;
const textMatcher = new LineMatcher();
const textBytes = Buffer.alloc(3 * TEXT_UNITS + 4); // ends with zeroes: there any matching stops

/** A matcher at a line that is given as text, or undefined when it is too long for that. `text` is well-formed. */
export function matcherAt(text: string): LineMatcher | undefined {
  if (text.length > TEXT_UNITS) return undefined;
  textMatcher.use(textBytes);
  textMatcher.match(0, textBytes.write(text));
  return textMatcher;
}
