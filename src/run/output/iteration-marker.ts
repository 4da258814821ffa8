/**
 * The marker line that an executor writes into the output of a loop before each iteration: who shows one iteration leaves out the marker
 * of the next.
 *
 * The log does not say how a marker looks, and an executor may write none. So a line counts as one only where an iteration begins right after
 * it and it is, but for its numbers, the line before the first iteration in the file.
 *
 * Promise: a line that is not like the one before the first iteration stays.
 */
import { NodeOutput } from './node-output.js';

/** No marker is longer, in bytes. */
const LONGEST = 1024;

/** Where an iteration is, in bytes; `end` is undefined for the last one. */
interface Place {
  readonly start: number;
  readonly end?: number | undefined;
}

/** The marker that an iteration of a node ends with, with its newline; empty where there is none. `first` is the first one of its file. */
export async function markerAfter(
  root: string,
  runId: string,
  nodeId: string,
  iteration: Place,
  first: Place | undefined,
): Promise<string> {
  if (first === undefined || iteration.end === undefined) return '';
  const output = await NodeOutput.open(root, runId, nodeId);
  try {
    return await markerIn(output, iteration, first.start);
  } finally {
    output.close();
  }
}

/** The same in an open output; `firstStart` is where the first iteration of the file begins. */
export async function markerIn(
  output: NodeOutput,
  { start, end }: Place,
  firstStart: number,
): Promise<string> {
  if (end === undefined) return '';
  const marker = lastLine(await textBefore(output, Math.max(0, firstStart - LONGEST), firstStart));
  if (marker.trim() === '' || marker.length >= LONGEST / 2 || marker.includes('\ufffd')) return '';
  const pattern = marker.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/\d+/g, '\\d+');
  // What an iteration printed need not end with a newline: then the marker is not the whole line. A line without a number, or that begins
  // with one, of which some digits might be the iteration's, counts only as a whole.
  const before = /^\D+\d/.test(marker) ? '' : '(?<![^\\n])';
  const said = await textBefore(output, Math.max(start, end - LONGEST), end);
  return new RegExp(`${before}${pattern}$`).exec(said)?.[0] ?? '';
}

function lastLine(text: string): string {
  return /[^\n]*\n$/.exec(text)?.[0] ?? '';
}

async function textBefore(output: NodeOutput, from: number, to: number): Promise<string> {
  const bytes = Buffer.alloc(to - from);
  return bytes.toString('utf8', 0, await output.read(bytes, from));
}
