/**
 * The fast lane of decoding: canonical lines, recognised and taken apart in their bytes.
 *
 * Promise: what this lane accepts, the strict lane accepts with the same result; what it does not take is no error, but goes
 * to the strict lane (`decode.ts`), which decides. So it takes nothing but the canonical form: keys in schema order, no white
 * space, no control characters, integers in digits, no list, and no escape that is half of a surrogate pair. A property test
 * holds the lanes together.
 *
 * Why it is the way it is, by figures of one machine (a line of 215 bytes, Node 20, us of one core for each event, bytes in the
 * fastest cache): a regular expression for each type took 0.58 from bytes to event, words of four bytes walked by an interpreter of the
 * schema 0.53, by code compiled from it 0.44. Looking up special bytes instead of looking at all takes 0.33: 0.04 for finding
 * them by vectors (0.2 byte by byte), 0.06 for the literals between the values, eight bytes at a time, 0.10 for one text of all
 * strings, 0.13 for slices of it and the object. `JSON.parse` with its text takes 0.70, and checks nothing. What was tried and left:
 * strings shared with the line before (nothing), a text for each string (slower), fields added to the object after a literal
 * (0.05 more). Without making texts nothing is as quick: a filter passes over an event for 0.1.
 */

import { LF } from '../lines.js';
import type { LogEvent } from '../schema.js';
import type { Template } from './canonical.js';
import type { Lanes } from './lanes.js';
import { Captures } from './line-values.js';
import { positionAt, unitAt } from './special-bytes.js';
import { textOf } from './text-of.js';

/**
 * Matches the lines of one buffer after the other. It holds one line at a time, so the order of the calls is fixed: `use` once for
 * each buffer, `match` for each of its lines, and what is asked of that line, by `type`, `mayBeOfNode` (through a filter), `event`,
 * `flatEvent` or `text`, before any matcher goes on to another line.
 */
export class LineMatcher {
  readonly #lanes: Lanes;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #template: Template | undefined;
  readonly #captures = new Captures();

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  /** Gives the buffer whose lines are matched from now on: `length` bytes of whole lines, of valid UTF-8. */
  use(bytes: Buffer, length: number = bytes.length): void {
    this.#bytes = bytes;
    this.#captures.use(bytes, length);
  }

  /** Whether this is the buffer given last; the same object has the same bytes. */
  uses(bytes: Buffer): boolean {
    return bytes === this.#bytes;
  }

  /** Matches the line that starts at `start`: returns where its newline is, or -1 when it may not be canonical. */
  match(start: number): number {
    const captures = this.#captures;
    this.#template = undefined;
    this.#start = start;
    if (!captures.begin(start)) return -1;
    for (const template of this.#lanes.templates.startingLike(captures, start)) {
      const end = template.match(captures.view, start, captures);
      if (end >= 0 && captures.view.getUint8(end) === LF) {
        this.#template = template;
        return end;
      }
      captures.begin(start);
    }
    return -1;
  }

  /** The event type of the line matched last; undefined when that one was no match. */
  get type(): string | undefined {
    return this.#template?.type;
  }

  /** Whether the line matched last may be of the node whose id, with a quote after it, is given. */
  mayBeOfNode(idAndQuote: Uint8Array): boolean {
    return this.#template?.mayBeOfNode(this.#captures, idAndQuote) === true;
  }

  /**
   * The event of the line matched last, whose text may be given; undefined when that one was no match. Its bytes as Latin-1 are of
   * use where it is ASCII.
   */
  event(text?: string, latin1 = false): LogEvent | undefined {
    const template = this.#template;
    const captures = this.#captures;
    if (template === undefined) return undefined;
    if (text !== undefined && (!latin1 || captures.ascii))
      return template.make(text, captures.origin, captures);
    // One text from the first string to the last, of which V8 makes slices: a text for each of them takes longer.
    const opening = captures.opening(0);
    const from = positionAt(opening);
    const to = positionAt(captures.closings[captures.lastText] ?? 0) + 1;
    const strings = textOf(this.#bytes, captures.ascii, from, to);
    return template.make(strings, unitAt(opening), captures);
  }

  /** The same of the line given to `match` last, when it is a flat object; undefined when it is none. */
  flatEvent(text?: string, latin1 = false): LogEvent | undefined {
    const captures = this.#captures;
    const flat = this.#lanes.flat.typeAt(captures, this.#start);
    const end = flat?.match(captures, this.#start) ?? -1;
    if (end < 0) return undefined;
    const isText = text !== undefined && (!latin1 || captures.ascii);
    return flat?.make(isText ? text : textOf(this.#bytes, captures.ascii, this.#start, end), captures);
  }

  /** The text of the line given to `match` last. */
  text(): string {
    return this.#bytes.toString('utf8', this.#start, this.#bytes.indexOf(LF, this.#start));
  }
}

const TEXT_UNITS = 16_384;
const textBytes = Buffer.alloc(3 * TEXT_UNITS + 32);
const encoder = new TextEncoder();

/** Sets a matcher to a line that is given as text; false when it is too long for that, or is more than a line. `text` is well-formed. */
export function matchText(matcher: LineMatcher, text: string): boolean {
  const newline = text.indexOf('\n');
  if (text.length > TEXT_UNITS || (newline >= 0 && newline < text.length - 1)) return false;
  const { written } = encoder.encodeInto(text, textBytes);
  textBytes[written] = LF; // perhaps the second one
  matcher.use(textBytes, written + 1);
  matcher.match(0);
  return true;
}
