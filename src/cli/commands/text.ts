/**
 * `omne-log text`: what a node printed, whole or one iteration of it.
 *
 * Promise: on a terminal controls are escaped, so a captured output cannot take it over; anywhere else the bytes of the
 * capture file come out as they are.
 */
import { createReadStream } from 'node:fs';
import { iterations } from '../../index.js';
import { openCapture } from '../../run/iterations.js';
import { capturePath, placesOf, type RunPlaces } from '../../volume/places.js';
import { type Command, defineCommand, EXIT, UsageError, wholeNumber } from '../command.js';
import { ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { printableText, write } from '../screen/terminal.js';

/** The command `text`. */
export const text: Command = defineCommand({
  name: 'text',
  summary: 'Print what a node printed, or one iteration of it.',
  operands: ['RUN', 'NODE', '[ITERATION]'],
  options: { root: ROOT_OPTION },
  notes: `${RUN_HELP}\nITERATION is a number, as \`omne-log cat RUN --type iteration.started\` shows it.`,
  async run({ values, positionals: [run = '', node = '', iteration], signal }) {
    const wanted = wholeNumber('ITERATION', iteration);
    const root = await whichRoot(values.root);
    const runId = await whichRun(root, run);
    if (wanted === undefined) await printCapture(placesOf(root, runId), node, signal);
    else await write(shown(await iterationText(root, runId, node, wanted)));
    return EXIT.ok;
  },
});

async function iterationText(root: string, runId: string, node: string, wanted: number): Promise<string> {
  const numbers: number[] = [];
  for await (const { iteration, text } of iterations(root, runId, node)) {
    if (iteration === wanted) return text();
    numbers.push(iteration);
  }
  const known = numbers.length === 0 ? 'none' : `${numbers[0]} to ${numbers.at(-1)}`;
  throw new UsageError(`node '${node}' has no iteration ${wanted}; it has ${known}`);
}

async function printCapture(places: RunPlaces, node: string, signal: AbortSignal): Promise<void> {
  const path = capturePath(places, node);
  const fd = await openCapture(places, path);
  const decoder = new TextDecoder();
  for await (const chunk of createReadStream(path, { fd, signal })) {
    await write(process.stdout.isTTY ? shown(decoder.decode(chunk, { stream: true })) : chunk);
  }
}

function shown(captured: string): string {
  return process.stdout.isTTY ? printableText(captured) : captured;
}
