/** From nodes to the rows of the picture: a node, and below it its iterations where they are unfolded. Pure. */
import type { NodeView, RunHead } from '../api.js';
import type { Stretch } from './axis.js';
import { timeOf } from './text.js';

/** One bar. */
export interface Bar {
  readonly start: number;
  readonly end: number;
  readonly status: NodeView['status'];
}

/** One row: of a node, or of an iteration of it. */
export interface GanttRow {
  readonly node: NodeView;
  /** The place of the iteration in the node's list; absent on the row of the node itself. */
  readonly place?: number;
}

/** What a row shows over time. */
export interface RowPicture {
  readonly bars: readonly Bar[];
  /** When iterations began: ticks on the bar of the node. */
  readonly ticks: readonly number[];
  /** When gates were passed. */
  readonly gates: readonly number[];
}

/** The rows, without their pictures: those of rows out of view are never made. */
export function ganttRows(nodes: readonly NodeView[], open: ReadonlySet<string>): GanttRow[] {
  return nodes.flatMap(node => {
    const iterations = open.has(node.nodeId) ? node.iterations.map((_, place) => ({ node, place })) : [];
    return [{ node }, ...iterations];
  });
}

/** The number of the iteration that a row is of. */
export function iterationOf({ node, place }: GanttRow): number | undefined {
  return place === undefined ? undefined : node.iterations[place]?.iteration;
}

/** The picture of a row; what still runs goes on to `now`. */
export function pictureOf({ node, place }: GanttRow, now: number): RowPicture {
  if (place !== undefined) return { bars: iterationBars(node, place, now), ticks: [], gates: [] };
  return {
    bars: attemptBars(node, now),
    ticks: node.iterations.map(({ startedAt }) => timeOf(startedAt)).filter(isTime),
    gates: node.gates.map(({ passedAt }) => timeOf(passedAt)).filter(isTime),
  };
}

function attemptBars({ attempts }: NodeView, now: number): Bar[] {
  return attempts.flatMap(attempt => {
    const start = timeOf(attempt.startedAt ?? attempt.endedAt);
    const end = attempt.endedAt === undefined ? now : timeOf(attempt.endedAt);
    return Number.isNaN(start + end) ? [] : [{ start, end: Math.max(start, end), status: attempt.status }];
  });
}

function iterationBars(node: NodeView, place: number, now: number): Bar[] {
  const next = node.iterations[place + 1]?.startedAt;
  const ended = next ?? node.endedAt;
  const start = timeOf(node.iterations[place]?.startedAt);
  const end = ended === undefined ? now : timeOf(ended);
  if (Number.isNaN(start + end)) return [];
  return [{ start, end: Math.max(start, end), status: next === undefined ? node.status : 'completed' }];
}

function isTime(time: number): boolean {
  return !Number.isNaN(time);
}

/** From the first time to the last, or to now where the run goes on. */
export function extentOf(run: RunHead, now: number): Stretch {
  const { start, end } = run.extent ?? { start: now, end: now };
  const goesOn = run.status === 'running' && run.live === true;
  return { start, end: goesOn ? Math.max(end, now) : end };
}

/** When anything ran at all: what is between may be folded. */
export function busyStretches(nodes: readonly NodeView[], now: number): Stretch[] {
  return nodes.flatMap(node => attemptBars(node, now));
}
