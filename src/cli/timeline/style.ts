/** How the timeline looks: one style sheet, light and dark; its colours are those of palette.ts. */
import { PALETTE } from './palette.js';

export const STYLE: string = `${PALETTE}* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 3rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h1 small { display: block; color: var(--faint); font: 0.85rem/1.6 ui-monospace, "DejaVu Sans Mono", monospace; }
.status { margin: 0.75rem 0 0; font-size: 1.05rem; overflow-wrap: anywhere; }
.status b { display: inline-block; padding: 0 0.6em; border-radius: 1em; border: 2px solid currentColor; }
.completed > b { color: var(--done); } .aborted > b { color: var(--failed); } .running > b { color: var(--faint); }
.facts { margin: 0.4rem 0 1.5rem; color: var(--faint); overflow-wrap: anywhere; }
.picture { overflow-x: auto; }
table { width: 100%; min-width: 34rem; border-collapse: collapse; }
th, td { padding: 0.3rem 0.75rem; text-align: left; vertical-align: middle; font-weight: normal; }
thead th { color: var(--faint); font-size: 0.85rem; border-bottom: 1px solid var(--line); }
tbody tr.node:hover { background: var(--band); }
.name { width: 13rem; min-width: 9rem; max-width: 18rem; overflow-wrap: anywhere; line-height: 1.3; }
.name b { font-weight: 600; } .name small { display: block; padding-left: 1.15rem; color: var(--faint); }
.time { width: 6rem; white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
.plot { padding-left: 0; padding-right: 0; }
.failure td { padding: 0 0.75rem 0.6rem; color: var(--failed); }
.failure pre, details pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 0.85rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; }
.failure pre { padding-left: 0.75rem; border-left: 3px solid var(--failed); }
svg { display: block; width: 100%; height: 28px; overflow: visible; }
svg.axis { height: 18px; }
svg.axis text { fill: var(--faint); font-size: 12px; font-variant-numeric: tabular-nums; }
svg.defs { position: absolute; width: 0; height: 0; }
.grid { stroke: var(--line); }
.bar { stroke-width: 1.5; }
.bar.completed { fill: var(--done); stroke: var(--done); }
.bar.failed { fill: url(#hatch); stroke: var(--failed); }
.bar.running { fill: var(--running); fill-opacity: 0.25; stroke: var(--running); stroke-dasharray: 5 3; }
.bar.interrupted { fill: none; stroke: var(--faint); stroke-dasharray: 2 3; }
.downtime { fill: var(--line); }
.hatch { stroke: var(--failed); stroke-width: 5; } .hatch-ground { fill: var(--failed); fill-opacity: 0.35; }
.iteration { stroke: var(--tick); stroke-width: 2; }
.running-row .iteration { stroke: var(--running); }
.gate { fill: var(--mark); stroke: var(--ground); stroke-width: 2; }
.cross { fill: none; stroke: var(--failed); stroke-width: 3; stroke-linecap: round; }
.legend { display: flex; flex-wrap: wrap; gap: 0.4rem 1.5rem; margin: 1rem 0.75rem; padding: 0; list-style: none;
  color: var(--faint); font-size: 0.85rem; }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.legend svg { width: 28px; height: 20px; }
.damage { padding: 0.4rem 0.75rem; border-left: 3px solid var(--failed); overflow-wrap: anywhere; }
details { margin: 1.5rem 0.75rem 0; } summary { cursor: pointer; color: var(--faint); }
details pre { margin-top: 0.75rem; }
@media print { body { max-width: none; padding: 0; } .picture { overflow: visible; } }
`;
