/** Lines of a node's output for an answer: opened, read, made plain, numbered. */
import { NodeOutput } from '../run/output/node-output.js';
import type { Line } from '../run/output/output-lines.js';
import { cut, plainLine } from './plain-text.js';

/** So much of a line is looked at, in bytes: one that was drawn over many times is longer than what is left of it. */
export const LINE_BYTES: number = 16 * 1024;

/** Opens an output for as long as `work` takes. */
export async function usingOutput<Result>(
  root: string,
  runId: string,
  nodeId: string,
  work: (output: NodeOutput) => Promise<Result>,
): Promise<Result> {
  const output = await NodeOutput.open(root, runId, nodeId);
  try {
    return await work(output);
  } finally {
    output.close();
  }
}

/**
 * A line with its number, `  12| text`: nothing that a program prints can look like a line of the answer itself. Where it is cut, the
 * byte to read on from is named.
 */
export function numbered(line: Line, most: number, mark: ' ' | '>' = ' '): string {
  const { number, offset, bytes } = line;
  const text = plainLine(line.text);
  const shown = cut(text, most);
  const whole = bytes === Buffer.byteLength(line.text) && shown === text;
  const rest = whole ? '' : ` [cut: the line has ${bytes} bytes, from_byte ${offset}]`;
  return `${mark}${number}| ${shown}${rest}`;
}
