/**
 * The timeline of a run as one HTML page: a row for each node, bars on a time axis, iterations as ticks, gates as marks.
 *
 * Promises: the page is complete in itself. It has no scripts, and its policy forbids it to load anything, whatever the
 * events hold. Everything the picture shows is there as text as well.
 */
import { createHash } from 'node:crypto';
import { count, downtimeOf, duration } from '../../figures.js';
import type { MalformedLineError, NodeState, RunState } from '../../index.js';
import { shortText } from '../../run/shortened.js';
import { MARKS } from '../screen/status-marks.js';
import { utc } from '../screen/times.js';
import { Axis } from './axis.js';
import { html, Markup } from './markup.js';
import type { Moment, Row, Span, Stretch, Timeline } from './rows.js';
import { STYLE } from './style.js';

/** The narrowest bar, in percent of the axis: a node of no time at all is still seen. */
const NARROWEST = 0.25;

/** The page; `text` is the run as lines of text, `damage` what keeps the log from being read as a whole. */
export function timelinePage(
  state: RunState,
  timeline: Timeline,
  text: readonly string[],
  damage?: MalformedLineError,
): string {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const axis = new Axis(timeline.extent ?? { start: 0, end: 0 });
  const { downtimes } = timeline;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${state.runId}: timeline</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
${headerOf(state)}
${damage === undefined ? '' : html`<p class="damage">! ${damage.message}; what can be read is shown</p>\n`}${DEFINITIONS}
<main>
<div class="picture">
<table>
<thead><tr><th class="name" scope="col">Node</th><th class="plot" scope="col">${axisOf(axis)}</th><th class="time" scope="col">Time</th></tr></thead>
<tbody>
${timeline.rows.map(row => rowOf(row, axis, timeline.extent?.end ?? 0, downtimes))}</tbody>
</table>
</div>
${LEGEND}
<details><summary>The run as text</summary><pre>${text.map(line => html`${line}\n`)}</pre></details>
</main>
</body>
</html>
`.html;
}

function headerOf(state: RunState): Markup {
  const { runId, pipe, status, reason, durationMs, startedAt, nodes, eventCount, inputs } = state;
  const took = durationMs === undefined ? '' : ` after ${duration(durationMs)}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  const facts = [
    ...(startedAt === undefined ? [] : [`started ${utc(startedAt)}`]),
    count(nodes.length, 'node'),
    count(eventCount, 'event'),
    ...downtimeOf(state),
    ...inputs.map(({ key, value }) => `${shortText(key)} = ${shortText(value)}`),
  ];
  return html`<header>
<h1>${pipe} <small>${runId}</small></h1>
<p class="status ${status}"><b>${MARKS[status].glyph} ${status}</b>${took}${why}</p>
<p class="facts">${facts.join(' · ')}</p>
</header>`;
}

function axisOf(axis: Axis): Markup {
  const labels = axis.ticks().map(({ percent, label }) => {
    const anchor = percent < 3 ? 'start' : percent > 95 ? 'end' : 'middle';
    return html`<text x="${percent}%" y="13" text-anchor="${anchor}">${label}</text>`;
  });
  return html`<svg class="axis" role="img" aria-label="Time since the start">${labels}</svg>`;
}

function rowOf(row: Row, axis: Axis, now: number, downtimes: readonly Stretch[]): Markup {
  const { status, nodeId, name, kind, model, durationMs, startedAt } = row.node;
  const about = [name, kind, model].filter(part => part !== undefined).join(', ');
  const took = status !== 'running' ? '' : startedAt === undefined ? '' : 'running';
  const failure = failureOf(row.node);
  const lines = failure
    .trimEnd()
    .split(/\r?\n/)
    .map(line => html`${line}\n`);
  return html`<tr class="node ${status}-row"><th class="name" scope="row"><b>${MARKS[status].glyph} ${nodeId}</b> <small>${about}</small></th>
<td class="plot">${plotOf(row, axis, now, downtimes)}</td>
<td class="time">${durationMs === undefined ? took : duration(durationMs)}</td></tr>
${failure === '' ? '' : html`<tr class="failure"><td colspan="3"><pre>${lines}</pre></td></tr>\n`}`;
}

function failureOf({ errorKind, message }: NodeState): string {
  return [errorKind, message].filter(part => part !== undefined).join(': ');
}

function plotOf(row: Row, axis: Axis, now: number, downtimes: readonly Stretch[]): Markup {
  const spans = row.spans.filter(({ start, end }) => !Number.isNaN(start) && !Number.isNaN(end ?? 0));
  const words = [
    ...spans.map(span => wordsOf(span, axis)),
    ...[...row.iterations, ...row.gates].map(
      ({ at, ...moment }) => `${whatOf(moment)} at ${duration(axis.offset(at))}`,
    ),
  ];
  const grid = axis
    .ticks()
    .map(({ percent }) => html`<line class="grid" x1="${percent}%" x2="${percent}%" y1="-7" y2="35"/>`);
  const gaps = downtimes.map(({ start, end }) => {
    const x = axis.percent(start);
    const width = Math.max(NARROWEST, axis.percent(end) - x).toFixed(2);
    return html`<rect class="downtime" x="${x}%" width="${width}%" y="-7" height="42"><title>no executor for up to ${duration(end - start)}</title></rect>`;
  });
  const bars = spans.map(span => {
    const from = axis.percent(span.start);
    const width = Math.max(NARROWEST, axis.percent(span.end ?? now) - from);
    const bar = html`<rect class="bar ${span.status}" x="${Math.min(from, 100 - NARROWEST)}%" width="${width.toFixed(2)}%" y="6" height="16" rx="3"><title>${wordsOf(span, axis)}</title></rect>`;
    return span.status === 'failed' && span.end !== undefined
      ? html`${bar}${at(axis, span.end, CROSS)}`
      : bar;
  });
  const iterations = row.iterations.map(moment => {
    const x = axis.percent(moment.at);
    return html`<line class="iteration" x1="${x}%" x2="${x}%" y1="6" y2="22"><title>${whatOf(moment)}</title></line>`;
  });
  const gates = row.gates.map(moment =>
    at(
      axis,
      moment.at,
      html`<path class="gate" d="M0 5 9 14 0 23-9 14z"><title>${whatOf(moment)}</title></path>`,
    ),
  );
  return html`<svg role="img" aria-label="${words.slice(0, MOST_WORDS).join('; ')}">${gaps}${grid}${bars}${iterations}${gates}</svg>`;
}

const MOST_WORDS = 50;
const CROSS = html`<path class="cross" d="M-5 9 5 19M5 9-5 19"/>`;

/** Draws something around a moment. */
function at(axis: Axis, time: number, drawing: Markup): Markup {
  return html`<svg x="${axis.percent(time)}%" width="1" height="28">${drawing}</svg>`;
}

function wordsOf(span: Span, axis: Axis): string {
  const took = span.end === undefined ? '' : `, took ${tookOf(span)}`;
  return `${span.status}, started at ${duration(axis.offset(span.start))}${took}`;
}

function tookOf({ start, end }: Span): string {
  return end === undefined || Number.isNaN(end - start) ? '' : duration(end - start);
}

function whatOf({ what, others }: Pick<Moment, 'what' | 'others'>): string {
  return others === 0 ? what : `${what} and ${others} more`;
}

const DEFINITIONS = html`<svg class="defs" aria-hidden="true"><defs>
<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect class="hatch-ground" width="8" height="8"/><line class="hatch" x1="2" x2="2" y1="0" y2="8"/>
</pattern></defs></svg>`;

const LEGEND = html`<ul class="legend" aria-label="Legend">
<li><svg aria-hidden="true"><rect class="bar completed" x="1" y="3" width="26" height="14" rx="3"/></svg>completed</li>
<li><svg aria-hidden="true"><rect class="bar failed" x="1" y="3" width="26" height="14" rx="3"/></svg>failed</li>
<li><svg aria-hidden="true"><rect class="bar running" x="1" y="3" width="26" height="14" rx="3"/></svg>not ended</li>
<li><svg aria-hidden="true"><rect class="bar interrupted" x="1" y="3" width="26" height="14" rx="3"/></svg>interrupted</li>
<li><svg aria-hidden="true"><rect class="downtime" x="1" y="1" width="26" height="18"/></svg>no executor</li>
<li><svg aria-hidden="true"><rect class="bar completed" x="1" y="3" width="26" height="14" rx="3"/><line class="iteration" x1="14" x2="14" y1="3" y2="17"/></svg>an iteration begins</li>
<li><svg aria-hidden="true"><path class="gate" d="M14 2 22 10 14 18 6 10z"/></svg>a gate is passed</li>
</ul>`;
