/**
 * A window of an output by lines.
 *
 * Promise: a line is given as far as `maxBytes`, so that what is kept is bounded also where a line is a gigabyte; its whole length
 * is said.
 */
import { LF } from '../../format/lines.js';
import { blocks, type LineIndex } from './line-index.js';
import { type Bounds, lastCharacter, type NodeOutput } from './node-output.js';

/** A line. */
export interface Line {
  /** Its number in the whole file, from 1. */
  readonly number: number;
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** Its length without the newline, in bytes. */
  readonly bytes: number;
  /** Its beginning, or all of it. */
  readonly text: string;
}

/** A window of lines. */
export interface LinesWindow extends Bounds {
  readonly lines: readonly Line[];
  /** What the window could be at most. */
  readonly bounds: Bounds;
  /** The number of the first line within `bounds`. */
  readonly firstLine: number;
  /** How many lines `bounds` holds; an unfinished last one counts. */
  readonly totalLines: number;
  /** Whether the last line of the window has no newline. */
  readonly unfinished: boolean;
}

/** Which lines. */
export interface LinesOptions {
  /** The number of the first, from 1; negative: from the end. */
  readonly line: number;
  /** How many at most. */
  readonly lines: number;
  /** How much of each, in bytes. */
  readonly maxBytes: number;
  /** The stretch of the file they are of; all of it by default. */
  readonly bounds?: Bounds | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads lines; `index` is kept by the caller for as long as it reads this output. */
export async function readLines(
  output: NodeOutput,
  index: LineIndex,
  { line, lines: most, maxBytes, bounds: given, signal }: LinesOptions,
): Promise<LinesWindow> {
  const bounds = output.within(given);
  await index.update(output, bounds.end, signal);
  const before = await index.newlinesBefore(output, bounds.start, signal);
  const newlines = (await index.newlinesBefore(output, bounds.end, signal)) - before;
  const last = Buffer.alloc(1);
  if (bounds.end > bounds.start) await output.read(last, bounds.end - 1);
  const totalLines = newlines + Number(bounds.end > bounds.start && last[0] !== LF);
  const firstLine = before + 1;
  const wanted = Math.max(firstLine, line < 0 ? firstLine + totalLines + line : line);
  const facts = { bounds, firstLine, totalLines };
  const start =
    wanted === firstLine
      ? bounds.start
      : Math.min((await index.lineStart(output, wanted - 1, signal)) ?? bounds.end, bounds.end);
  const window = await cutLines(
    output,
    { start, end: bounds.end },
    { first: wanted, most, maxBytes, signal },
  );
  return { ...facts, ...window };
}

interface CutOptions {
  readonly first: number;
  readonly most: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
}

/** Cuts the first lines of a stretch. */
async function cutLines(
  output: NodeOutput,
  { start, end }: Bounds,
  { first, most, maxBytes, signal }: CutOptions,
): Promise<{ start: number; end: number; lines: Line[]; unfinished: boolean }> {
  const lines: Line[] = [];
  let begin = start;
  let kept = Buffer.alloc(0); // the beginning of the line that is not finished
  let position = start;
  const finish = (lineEnd: number) => {
    const whole = kept.length === lineEnd - begin;
    const text = kept.toString('utf8', 0, whole ? kept.length : lastCharacter(kept));
    lines.push({ number: first + lines.length, offset: begin, bytes: lineEnd - begin, text });
    kept = Buffer.alloc(0);
  };
  const keep = (bytes: Buffer) => {
    const room = maxBytes - kept.length;
    if (room > 0) kept = Buffer.concat([kept, bytes.subarray(0, room)]);
  };
  if (most <= 0) return { start, end: start, lines, unfinished: false };
  for await (const { bytes, offset } of blocks(output, start, end, signal)) {
    position = offset + bytes.length;
    let from = 0;
    for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, from)) {
      keep(bytes.subarray(from, at));
      finish(offset + at);
      from = at + 1;
      begin = offset + from;
      if (lines.length === most) return { start, end: begin, lines, unfinished: false };
    }
    keep(bytes.subarray(from));
  }
  if (position > begin) finish(position);
  return { start, end: position, lines, unfinished: position > begin };
}
