/**
 * Searching an output: every place of a text in the whole of it, counted exactly.
 *
 * Promises: the file is read a block at a time, and what is kept is bounded, also where a line is a gigabyte; whatever else the
 * process does goes on between two blocks, and an abort ends the search there. Escape sequences are not searched and do not split
 * a match.
 */
import { LF } from '../../format/lines.js';
import { blocks, countNewlines, type LineIndex } from './line-index.js';
import { type Bounds, lastCharacter, type NodeOutput } from './node-output.js';

/** A line that holds the text. */
export interface Hit {
  /** Its number in the whole file, from 1. */
  readonly line: number;
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** How many matches it holds. */
  readonly matches: number;
  /** The text around its first match, without escape sequences. */
  readonly excerpt: string;
  /** Where that match is in the excerpt, in UTF-16 units. */
  readonly matchStart: number;
  readonly matchEnd: number;
}

/** What was found. */
export interface Found {
  /** How many lines match. */
  readonly lines: number;
  /** How many matches there are. */
  readonly matches: number;
  readonly hits: readonly Hit[];
  /** How many matching lines are before the first of `hits`. */
  readonly before: number;
  /** The size of the file when the search began, in bytes. */
  readonly size: number;
}

/** What to look for. */
export interface SearchOptions {
  /** A plain text without a newline, not empty. */
  readonly text: string;
  readonly caseSensitive: boolean;
  /** How many hits to return; everything is counted all the same. */
  readonly limit: number;
  /** Hits from this line on, by its number from 1. */
  readonly from: number;
  readonly bounds?: Bounds | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ESCAPE = 0x1b;
/** Control sequences, operating system commands (to their end, or that of the line), and escapes of one character. */
const SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\^_a-z])/g;
/** A sequence that may go on in the next block. */
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\n]{0,4096}\x1b?)?$/;
const AROUND = 80;
const EXCERPT_LENGTH = 200;

/** The text as people see it. */
export function withoutSequences(text: string): string {
  return text.includes('\x1b') ? text.replace(SEQUENCES, '') : text;
}

/** Finds all places of a text; `index` is kept by the caller for as long as it reads this output. */
export async function searchOutput(
  output: NodeOutput,
  index: LineIndex,
  { bounds: given, signal, ...options }: SearchOptions,
): Promise<Found> {
  const { size } = output;
  const bounds = output.within(given);
  await index.update(output, bounds.end, signal);
  const search = new Search(options, 1 + (await index.newlinesBefore(output, bounds.start, signal)));
  let rest = Buffer.alloc(0);
  for await (const { bytes, offset } of blocks(output, bounds.start, bounds.end, signal)) {
    const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const end = joined.lastIndexOf(LF) + 1 || lastCharacter(joined); // whole lines, or what there is of a long one
    search.take(joined.subarray(0, end), offset - rest.length);
    rest = Buffer.from(joined.subarray(end));
  }
  search.take(rest, bounds.end - rest.length);
  return { ...search.finish(), size };
}

/** A search on its way through the pieces of a file. */
class Search {
  readonly #needle: string;
  readonly #needleBytes: Buffer | undefined;
  readonly #limit: number;
  readonly #from: number;
  #line: number;
  #lineStart = 0;
  /** A piece ended within a line, which goes on in the next. */
  #continues = false;
  /** The end of what was seen of that line: a match may begin in it. */
  #carry = '';
  #inLine = 0;
  #first: Pick<Hit, 'excerpt' | 'matchStart' | 'matchEnd'> | undefined;
  readonly #hits: Hit[] = [];
  #before = 0;
  #lines = 0;
  #matches = 0;

  constructor({ text, caseSensitive, limit, from }: Omit<SearchOptions, 'bounds' | 'signal'>, line: number) {
    this.#needle = caseSensitive ? text : text.toLowerCase();
    this.#needleBytes = caseSensitive ? Buffer.from(text) : undefined;
    this.#limit = limit;
    this.#from = from;
    this.#line = line;
  }

  /** Takes the next piece: whole lines, or a part of a long one. */
  take(bytes: Buffer, offset: number): void {
    if (!this.#continues && bytes.at(-1) === LF && !this.#mayHold(bytes)) {
      this.#line += countNewlines(bytes);
      return;
    }
    for (let start = 0; start < bytes.length; ) {
      const lf = bytes.indexOf(LF, start);
      if (!this.#continues) this.#lineStart = offset + start;
      this.#searchPart(bytes.toString('utf8', start, lf === -1 ? bytes.length : lf));
      this.#continues = lf === -1;
      if (this.#continues) return;
      this.#endLine();
      start = lf + 1;
    }
  }

  /** What was found, once all pieces were taken. */
  finish(): Omit<Found, 'size'> {
    if (this.#continues) this.#endLine();
    return { lines: this.#lines, matches: this.#matches, hits: this.#hits, before: this.#before };
  }

  /** A quick look at whole lines: most hold nothing, and need no cutting. */
  #mayHold(bytes: Buffer): boolean {
    if (bytes.includes(ESCAPE)) return true;
    if (this.#needleBytes !== undefined) return bytes.includes(this.#needleBytes);
    return bytes.toString('utf8').toLowerCase().includes(this.#needle);
  }

  #searchPart(part: string): void {
    const joined = this.#carry + part;
    const held = joined.includes('\x1b') ? (UNFINISHED.exec(joined)?.[0] ?? '') : '';
    const shown = withoutSequences(joined.slice(0, joined.length - held.length));
    const lower = this.#needleBytes === undefined ? shown.toLowerCase() : shown;
    const text = lower.length === shown.length ? shown : lower; // for a few letters the two differ in length
    let end = 0;
    for (let at = lower.indexOf(this.#needle); at !== -1; at = lower.indexOf(this.#needle, end)) {
      end = at + this.#needle.length;
      this.#inLine++;
      this.#first ??= excerptOf(text, at, end);
    }
    this.#carry = text.slice(Math.max(end, text.length - this.#needle.length + 1)) + held;
  }

  #endLine(): void {
    if (this.#inLine > 0) {
      this.#lines++;
      this.#matches += this.#inLine;
      if (this.#line < this.#from) this.#before++;
      else if (this.#hits.length < this.#limit && this.#first !== undefined)
        this.#hits.push({ line: this.#line, offset: this.#lineStart, matches: this.#inLine, ...this.#first });
    }
    this.#line++;
    this.#carry = '';
    this.#inLine = 0;
    this.#first = undefined;
  }
}

function excerptOf(
  text: string,
  start: number,
  end: number,
): Pick<Hit, 'excerpt' | 'matchStart' | 'matchEnd'> {
  const from = Math.max(0, start - AROUND);
  const to = Math.min(text.length, from + EXCERPT_LENGTH);
  const matchEnd = Math.min(end, to) - from;
  // Sliced strings would keep the whole block.
  return { excerpt: Buffer.from(text.slice(from, to)).toString(), matchStart: start - from, matchEnd };
}
