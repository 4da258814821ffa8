/**
 * The state of a run as a tree of its nodes, for people.
 *
 * Promise: every line is a single line, within the width asked for, and safe to print, whatever the events hold.
 */

import { count, downtimeOf, duration } from '../../figures.js';
import type { NodeState, RunState } from '../../index.js';
import { MOST_CHARACTERS } from '../../run/shortened.js';
import { type Cell, Columns } from './columns.js';
import { MARKS, NO_EVENT } from './status-marks.js';
import { type Colour, paint, printable } from './terminal.js';
import { utc } from './times.js';
import { cutTo, widthOf } from './width.js';

const MOST_LINES = 20;
/** How many characters of an input are shown; such as a whole prompt has more. */
const MOST_INPUT = 500;

/** Lays out a run; `writer` says, for a run that has not ended, whether a writer holds it. */
export function treeOf(
  state: RunState,
  writer: string,
  maxWidth: number = Number.POSITIVE_INFINITY,
): string[] {
  const heads = new Columns().lines(
    state.nodes.map((node, index) => nodeRow(node, index === state.nodes.length - 1)),
    maxWidth,
  );
  const lines = [...header(state, writer, maxWidth)];
  for (const [index, node] of state.nodes.entries()) {
    const bar = index === state.nodes.length - 1 ? ' ' : '│';
    lines.push(heads[index] ?? '');
    for (const { text, colour } of detailsOf(node)) {
      const shown = cutTo(text, maxWidth - 6);
      lines.push(`${bar}     ${colour === undefined ? shown : paint(colour, shown)}`);
    }
  }
  return lines;
}

function header(state: RunState, writer: string, maxWidth: number): string[] {
  const { glyph, colour } = MARKS[state.status];
  const took = state.durationMs === undefined ? '' : ` after ${duration(state.durationMs)}`;
  const status = `${state.status}${took}${state.status === 'running' ? `, ${writer}` : ''}`;
  const facts = [
    ...(state.startedAt === undefined ? [] : [`started ${printable(utc(state.startedAt))}`]),
    count(state.nodes.length, 'node'),
    state.eventCount === 0 ? NO_EVENT : count(state.eventCount, 'event'),
    ...downtimeOf(state),
    ...(state.distroVersion === '' ? [] : [`distro ${printable(state.distroVersion)}`]),
  ];
  const runId = cutTo(printable(state.runId), maxWidth - 2);
  const title = `${paint(colour, glyph)} ${paint('bold', runId)}`;
  const fits = widthOf(`${glyph} ${runId}  ${status}`) <= maxWidth;
  const below = (text: string, painted: Colour) => `  ${paint(painted, cutTo(text, maxWidth - 2))}`;
  return [
    ...(fits ? [`${title}  ${paint(colour, status)}`] : [title, below(status, colour)]),
    ...(state.reason === undefined ? [] : [below(printable(state.reason), colour)]),
    below(facts.join(', '), 'dim'),
    ...state.inputs.map(({ key, value }) => {
      const name = cutTo(`${printable(key)} =`, maxWidth - 2);
      const more = value.length > MOST_INPUT ? ` (${count(value.length, 'character')}, --json has all)` : '';
      const left = maxWidth - 3 - widthOf(name);
      const rest = left > more.length ? more : ''; // what is cut says so, where that fits
      const room = Math.min(MOST_INPUT, left - rest.length);
      const shown = cutTo(printable(value.slice(0, MOST_INPUT)), room);
      return `  ${paint('dim', name)}${left < 1 ? '' : ` ${shown}${rest}`}`;
    }),
  ];
}

function nodeRow(node: NodeState, last: boolean): Cell[] {
  const { glyph, colour } = MARKS[node.status];
  const notes = [
    ...(node.iterations === 0 ? [] : [count(node.iterations, 'iteration')]),
    ...(node.attempts > 1 ? [`attempt ${node.attempts}${endsBefore(node)}`] : []),
    ...(node.name === undefined ? [] : [printable(node.name)]),
  ];
  return [
    { text: `${last ? '└─' : '├─'} ${glyph}`, colour },
    { text: printable(node.nodeId), colour: 'bold' },
    { text: node.kind ?? '' },
    { text: printable(node.model ?? '') },
    { text: node.durationMs === undefined ? '-' : duration(node.durationMs), align: 'right' },
    { text: notes.join(', '), colour: 'dim' },
  ];
}

/** How the attempts before the latest ended: ` (2 failed, 1 interrupted)`. */
function endsBefore({ history }: NodeState): string {
  const count = (wanted: string) => history.slice(0, -1).filter(({ status }) => status === wanted).length;
  const ends = ['failed', 'interrupted'].filter(status => count(status) > 0);
  return ends.length === 0 ? '' : ` (${ends.map(status => `${count(status)} ${status}`).join(', ')})`;
}

function detailsOf({ gates, status, errorKind, message }: NodeState): { text: string; colour?: Colour }[] {
  const passed = gates.map(({ gate, method, stdout }) => {
    const said = stdout === undefined || stdout === '' ? '' : `: ${printable(stdout.trimEnd())}`;
    return { text: `gate ${printable(gate)} passed (${method})${said}` };
  });
  if (status !== 'failed') return passed;
  const lines = (message ?? '').trimEnd().split('\n');
  const left = lines.length - MOST_LINES;
  const isCut = message !== undefined && message.length > MOST_CHARACTERS; // nobody counted its lines
  const more = isCut ? 'more' : count(left, 'line');
  const shown = left > 0 ? [`... ${more} before (--json has all)`, ...lines.slice(left)] : lines;
  const said = shown.map(line => printable(line.trimEnd()));
  const first =
    said.length === 1 && said[0] !== '' ? [`${errorKind}: ${said[0]}`] : [`${errorKind}`, ...said];
  return [...passed, ...first.filter(text => text !== '').map(text => ({ text, colour: 'red' as const }))];
}
