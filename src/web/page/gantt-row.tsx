/** One row of the picture of a run: a node, or an iteration of it, with its name on the left and its bars over time on the right. */
import type { JSX } from 'preact';
import type { TimeAxis } from './axis.js';
import { type GanttRow, iterationOf, pictureOf } from './gantt-rows.js';
import { Button } from './parts.js';
import { choose } from './route.js';
import { nodeMark } from './status.js';
import { visible } from './text.js';
import { duration } from './time.js';

interface GanttRowProps {
  readonly row: GanttRow;
  readonly axis: TimeAxis;
  readonly until: number;
  readonly chosen: boolean;
  readonly open: boolean;
  toggle(nodeId: string): void;
}

/** See above. */
export function GanttRowView({ row, axis, until, chosen, open, toggle }: GanttRowProps): JSX.Element {
  const { node } = row;
  const iteration = iterationOf(row);
  const { bars, ticks, gates } = pictureOf(row, until);
  const status = iteration === undefined ? node.status : (bars[0]?.status ?? 'completed');
  const mark = nodeMark(status);
  const last = bars.at(-1);
  const took = last === undefined ? '' : duration(last.end - last.start);
  const attempts = iteration === undefined && node.attemptCount > 1 ? ` ×${node.attemptCount}` : '';
  const label = iteration === undefined ? visible(node.nodeId) : `iteration ${iteration}`;
  const about = [node.name, node.kind, node.model]
    .filter(part => part !== undefined)
    .map(visible)
    .join(', ');
  return (
    <div class={`node ${mark.kind} ${chosen ? 'chosen' : ''} ${iteration === undefined ? '' : 'iteration'}`}>
      <span class="name">
        {node.iterationCount > 0 && iteration === undefined ? (
          <Button
            class="fold"
            aria-expanded={open}
            aria-label={`Iterations of ${label}`}
            onClick={() => toggle(node.nodeId)}
          >
            {open ? '▾' : '▸'}
          </Button>
        ) : (
          <span class="fold" />
        )}
        <Button
          class="pick"
          aria-current={chosen}
          title={`${label}${about === '' ? '' : ` (${about})`}`}
          onClick={() => choose({ node: node.nodeId, iteration, lines: undefined })}
        >
          <b aria-hidden="true">{mark.glyph}</b> <span class="sr">{mark.word}</span> {label}
          <small>
            {attempts} {iteration === undefined ? about : ''}
          </small>
        </Button>
      </span>
      <span class="plot" aria-hidden="true">
        {bars.map(bar => {
          const [from, to] = [axis.place(bar.start), axis.place(bar.end)];
          if (to < 0 || from > 1) return null;
          const left = Math.max(-0.01, from);
          const width = Math.max(0.002, Math.min(1.01, to) - left);
          return (
            <span
              key={bar.start}
              class={`bar ${bar.status}`}
              style={{ left: `${left * 100}%`, width: `${width * 100}%` }}
            />
          );
        })}
        {ticks.map(time => (
          <span key={time} class="begin" style={{ left: `${axis.place(time) * 100}%` }} />
        ))}
        {gates.map(time => (
          <span key={time} class="gate" style={{ left: `${axis.place(time) * 100}%` }} />
        ))}
      </span>
      <span class="time">{took}</span>
    </div>
  );
}
