/**
 * The nodes of a run as rows that are a tree on the left and a picture over time on the right: one list, one selection, one
 * scroll position. The bar of what runs grows by the clock of the page.
 */

import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { NodeView, RunHead } from '../api.js';
import { panned, TimeAxis, WHOLE, zoomed } from './axis.js';
import { GanttRowView } from './gantt-row.js';
import { busyStretches, extentOf, ganttRows, iterationOf } from './gantt-rows.js';
import { useKeys } from './keys.js';
import { Button } from './parts.js';
import { useSignal } from './reactive.js';
import { choose } from './route.js';
import { timeOf } from './text.js';
import { duration, now } from './time.js';
import { VirtualList } from './virtual-list.js';

const ROW_PX = 30;
const AXIS_PX = 34;
const TICKS = 6;

interface GanttProps {
  readonly run: RunHead;
  readonly nodes: readonly NodeView[];
  readonly selected: NodeView | undefined;
  readonly iteration: number | undefined;
  readonly whole: boolean;
}

/** See above. */
export function Gantt({ run, nodes, selected, iteration, whole }: GanttProps): JSX.Element {
  const view = useSignal(WHOLE);
  const folded = useSignal(false);
  const open = useSignal<ReadonlySet<string>>(new Set());
  const running = run.status === 'running' && nodes.some(({ status }) => status === 'running');
  // An orphan does not grow: nobody knows when it stopped, but its last sign of life is known.
  const until = running && run.orphan !== true ? now.value : timeOf(run.lastTs) || now.value;
  const axis = new TimeAxis(
    extentOf(run, until),
    folded.value ? busyStretches(nodes, until) : [],
    folded.value,
    whole ? WHOLE : view.value,
  );
  const rows = useMemo(() => ganttRows(nodes, open.value), [nodes, open.value]);
  const index = rows.findIndex(row => row.node.nodeId === selected?.nodeId && iterationOf(row) === iteration);
  const reveal = useReveal(index);

  const move = (by: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, index + by))];
    if (next !== undefined)
      choose({ node: next.node.nodeId, iteration: iterationOf(next), lines: undefined }, 'replace');
  };
  const toggle = (nodeId: string) => {
    const changed = new Set(open.value);
    if (!changed.delete(nodeId)) changed.add(nodeId);
    open.value = changed;
  };
  const zoom = (factor: number) => () => {
    view.value = zoomed(view.value, factor);
  };
  const pan = (share: number) => () => {
    view.value = panned(view.value, share);
  };
  const fold = () => {
    folded.value = !folded.value;
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => selected !== undefined && toggle(selected.nodeId),
    e: () => goToFailure(nodes, selected?.nodeId),
    '+': zoom(0.5),
    '=': zoom(0.5),
    '-': zoom(2),
    0: () => (view.value = WHOLE),
    '[': pan(-0.25),
    ']': pan(0.25),
    i: fold,
  });

  return (
    <section
      class="gantt"
      aria-label="Nodes over time"
      style={whole ? {} : { height: `min(42vh, ${rows.length * ROW_PX + AXIS_PX}px)` }}
    >
      <div class="axis">
        <span class="name">
          <Button aria-pressed={folded.value} onClick={fold}>
            Fold gaps
          </Button>
          <Button aria-label="Zoom in" onClick={zoom(0.5)}>
            +
          </Button>
          <Button aria-label="Zoom out" onClick={zoom(2)}>
            −
          </Button>
        </span>
        <span class="plot">
          {axis.ticks(TICKS).map(({ at, offsetMs }) => (
            <span key={offsetMs} class="tick" style={{ left: `${at * 100}%` }}>
              {offsetMs === 0 ? '0' : duration(offsetMs)}
            </span>
          ))}
          {axis.gaps.map(({ at, lengthMs }) => (
            <span
              key={at}
              class="gap"
              title={`nothing ran for ${duration(lengthMs)}`}
              style={{ left: `${at * 100}%` }}
            >
              ⋯
            </span>
          ))}
        </span>
        <span class="time">Time</span>
      </div>
      <VirtualList
        count={rows.length}
        rowHeight={ROW_PX}
        label="Nodes"
        reveal={reveal}
        whole={whole}
        row={at => {
          const row = rows[at];
          if (row === undefined) return null;
          return (
            <GanttRowView
              row={row}
              axis={axis}
              until={until}
              chosen={at === index}
              open={open.value.has(row.node.nodeId)}
              toggle={toggle}
            />
          );
        }}
      />
    </section>
  );
}

/** Chooses the next node that failed, after the one given where that failed too. */
export function goToFailure(nodes: readonly NodeView[], after?: string): void {
  const failed = nodes.filter(({ status }) => status === 'failed');
  const at = failed.findIndex(({ nodeId }) => nodeId === after);
  const next = failed[(at + 1) % failed.length];
  if (next) choose({ node: next.nodeId, iteration: undefined, lines: undefined, tab: 'output' });
}

/** The same object as long as the same row is chosen, so that growing bars do not move the list. */
function useReveal(index: number): { readonly index: number; readonly at: 'nearest' } | undefined {
  const last = useRef<{ readonly index: number; readonly at: 'nearest' } | undefined>(undefined);
  if (index < 0) last.current = undefined;
  else if (last.current?.index !== index) last.current = { index, at: 'nearest' };
  return last.current;
}
