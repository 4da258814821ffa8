/**
 * `omne-log text`: what a node printed, whole or one iteration of it.
 *
 * Promise: on a terminal controls are escaped, so a captured output cannot take it over; anywhere else the bytes of the
 * capture file come out as they are. Of an iteration, that it ends with the marker line of the next is left out.
 */
import { createReadStream } from 'node:fs';
import { type Iteration, iterations, openCapture } from '../../run/iterations.js';
import { markerAfter } from '../../run/output/iteration-marker.js';
import { capturePath, placesOf, type RunPlaces } from '../../volume/places.js';
import { type Command, defineCommand, EXIT, wholeNumber } from '../command.js';
import { LINE_OPTION, lineLimit, ROOT_OPTION, RUN_HELP, whichRoot, whichRun } from '../pick-run.js';
import { printableText, write } from '../screen/terminal.js';

/** The command `text`. */
export const text: Command = defineCommand({
  name: 'text',
  example: 'omne-log text last build | tail -n 50',
  operands: ['RUN', 'NODE', '[ITERATION]'],
  options: {
    attempt: { type: 'string', value: 'N', help: 'Only what a loop printed at its Nth attempt.' },
    ...LINE_OPTION,
    root: ROOT_OPTION,
  },
  notes: `${RUN_HELP}
ITERATION is a number, as \`omne-log cat RUN --type iteration.started\` shows it; where several
attempts have one, it is that of the latest. Only iterations say where an attempt begins.`,
  async run({ values, positionals: [run = '', node = '', iteration], signal }) {
    const wanted = wholeNumber('ITERATION', iteration);
    const root = await whichRoot(values.root);
    const runId = await whichRun(root, run);
    const attempt = wholeNumber('--attempt', values.attempt);
    const maxLineBytes = lineLimit(values);
    if (wanted === undefined && attempt === undefined) {
      await printCapture(placesOf(root, runId), node, signal);
      return EXIT.ok;
    }
    const all: Iteration[] = [];
    for await (const each of iterations(root, runId, node, { maxLineBytes })) all.push(each);
    const found = chosen(all, node, wanted, attempt);
    for (const each of found) {
      const said = await each.text();
      // What separates iterations stays between them; after the last of them it is of one that was not asked for.
      const marker = each === found.at(-1) ? await markerAfter(root, runId, node, each, all[0]) : '';
      await write(forTerminal(said.endsWith(marker) ? said.slice(0, said.length - marker.length) : said));
    }
    return EXIT.ok;
  },
});

/** The iterations that are meant: of an attempt, or the latest with this number. */
function chosen(
  all: readonly Iteration[],
  node: string,
  wanted: number | undefined,
  attempt: number | undefined,
): readonly Iteration[] {
  const ofAttempt = all.filter(each => attempt === undefined || each.attempt === attempt);
  const found =
    wanted === undefined ? ofAttempt : ofAttempt.filter(each => each.iteration === wanted).slice(-1);
  if (found.length > 0) return found;
  const sought = wanted === undefined ? 'iterations' : `iteration ${wanted}`;
  const [part, counted] = attempt === undefined ? ['', ''] : [` of attempt ${attempt}`, 'attempts '];
  const numbers = all.map(each => (attempt === undefined ? each.iteration : each.attempt));
  const known = all.length === 0 ? 'none' : `${counted}${Math.min(...numbers)} to ${Math.max(...numbers)}`;
  throw new Error(`node '${node}' has no ${sought}${part}; it has ${known}`);
}

async function printCapture(places: RunPlaces, node: string, signal: AbortSignal): Promise<void> {
  const path = capturePath(places, node);
  const fd = await openCapture(places, path);
  const decoder = new TextDecoder();
  for await (const chunk of createReadStream(path, { fd, signal })) {
    await write(process.stdout.isTTY ? forTerminal(decoder.decode(chunk, { stream: true })) : chunk);
  }
}

function forTerminal(captured: string): string {
  return process.stdout.isTTY ? printableText(captured) : captured;
}
