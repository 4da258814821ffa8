/**
 * One event as one line for people: time, type, node, details, in columns.
 *
 * Promise: whatever the event holds, the result is a single line of bounded length, and safe to print.
 */
import { EVENT_TYPES } from '../../format/events.js';
import type { EventType, LogEvent, RunEvent } from '../../index.js';
import { shortId, shortText } from '../../run/shortened.js';
import { type Colour, paint, printable } from './terminal.js';
import { TIME_WIDTH, timeOfDay } from './times.js';
import { cutTo, pad } from './width.js';

/** Types that are not listed are gray. */
const COLOURS: { readonly [T in EventType]?: Colour } = {
  'pipe.started': 'bold',
  'pipe.completed': 'green',
  'pipe.aborted': 'red',
  'node.started': 'blue',
  'node.completed': 'green',
  'node.failed': 'red',
  'gate.passed': 'cyan',
};

const BUILT_IN: ReadonlySet<string> = new Set(EVENT_TYPES);
const TYPE_WIDTH = Math.max(...EVENT_TYPES.map(({ length }) => length));
const NODE_WIDTH = 12;

/** What is in the columns before the details, or goes without saying. */
const SHOWN_BEFORE: ReadonlySet<string> = new Set(['type', 'id', 'ts', 'run_id', 'node_id']);

/** The line of an event; the time of day is that of UTC. */
export function eventLine(event: LogEvent, builtIn: ReadonlySet<string> = BUILT_IN): string {
  const time = cutTo(printable(timeOfDay(event.ts)), TIME_WIDTH).padEnd(TIME_WIDTH);
  const isBuiltIn = (given: LogEvent): given is RunEvent => builtIn.has(given.type);
  const colour = isBuiltIn(event) ? COLOURS[event.type] : undefined;
  const type = paint(colour ?? 'gray', event.type.padEnd(TYPE_WIDTH));
  const nodeId: unknown = Reflect.get(event, 'node_id');
  const node = pad(typeof nodeId === 'string' ? printable(shortId(nodeId)) : '', NODE_WIDTH);
  const details = shortText(isBuiltIn(event) ? detailsOf(event) : fieldsOf(event));
  return `${time}  ${type}  ${node}  ${printable(details.trimEnd())}`.trimEnd();
}

/** The fields of an event that is not built in: `key=value`, as JSON where that is no text. */
function fieldsOf(event: LogEvent): string {
  return Object.entries(event)
    .filter(([name, value]) => !SHOWN_BEFORE.has(name) || (name === 'node_id' && typeof value !== 'string'))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ');
}

function detailsOf(event: RunEvent): string {
  switch (event.type) {
    case 'pipe.started':
      return [event.pipe, ...event.inputs.map(({ key, value }) => `${key}=${value}`)].join('  ');
    case 'node.completed':
      return withoutRunFolder(event.output_path, event.run_id);
    case 'node.failed':
      return event.message === undefined ? event.error.kind : `${event.error.kind}: ${event.message}`;
    case 'gate.passed':
      return [event.gate, `(${event.method})`, event.stdout ?? ''].join(' ');
    case 'iteration.started':
      return `#${event.iteration}, output from byte ${event.byte_offset}`;
    default:
      return Object.entries(event)
        .flatMap(([name, value]) => (SHOWN_BEFORE.has(name) ? [] : [String(value)]))
        .join('  ');
  }
}

/** Within its run, a path is clear without the 60 characters that lead to the run's folder. */
function withoutRunFolder(path: string, runId: string): string {
  const folder = `.omne/var/runs/${runId}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}
