/**
 * What is chosen, as the address of the page holds it: which run, node, iteration, tab and lines; which filters.
 *
 * Promise: everything a person chooses is in the address, so a reload, a bookmark and the back button bring it back.
 */
import { type ReadonlySignal, signal } from '@preact/signals-core';

export type Tab = 'output' | 'events' | 'raw';
export type StatusFilter = '' | 'live' | 'running' | 'orphan' | 'completed' | 'aborted' | 'damaged';

/** A range of lines, both ends included, counted from 1. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** The address, taken apart. */
export interface Route {
  /** The run shown; undefined for the list of runs. */
  readonly runId: string | undefined;
  readonly node: string | undefined;
  readonly iteration: number | undefined;
  readonly tab: Tab;
  readonly lines: LineRange | undefined;
  readonly pipe: string;
  readonly status: StatusFilter;
  readonly text: string;
}

/** What the list can be narrowed to, and the words for it. */
export const STATUSES: readonly (readonly [StatusFilter, string])[] = [
  ['', 'any status'],
  ['live', 'live'],
  ['running', 'not ended'],
  ['orphan', 'orphan'],
  ['completed', 'completed'],
  ['aborted', 'aborted'],
  ['damaged', 'damaged'],
];

/** What is known of a node, in parts. */
export const TABS: readonly Tab[] = ['output', 'events', 'raw'];

function parse(url: URL): Route {
  const query = url.searchParams;
  const runId = /^\/runs\/([^/]+)\/?$/.exec(url.pathname)?.[1];
  const iteration = Number(query.get('iteration') ?? Number.NaN);
  const [, first, last = first] = /^#L(\d+)(?:-L(\d+))?$/.exec(url.hash) ?? [];
  return {
    runId: runId === undefined ? undefined : decoded(runId),
    node: query.get('node') ?? undefined,
    iteration: Number.isSafeInteger(iteration) ? iteration : undefined,
    tab: TABS.find(tab => tab === query.get('tab')) ?? 'output',
    lines: first === undefined ? undefined : { first: Number(first), last: Number(last) },
    pipe: query.get('pipe') ?? '',
    status: STATUSES.find(([status]) => status === query.get('status'))?.[0] ?? '',
    text: query.get('text') ?? '',
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // no run has such a name: the server says so
  }
}

/** The address of a route. */
export function addressOf(to: Partial<Route>): string {
  const query = new URLSearchParams();
  for (const name of ['pipe', 'status', 'text', 'node'] as const) {
    const value = to[name];
    if (value !== undefined && (value !== '' || name === 'node')) query.set(name, value);
  }
  if (to.iteration !== undefined) query.set('iteration', String(to.iteration));
  if (to.tab !== undefined && to.tab !== 'output') query.set('tab', to.tab);
  const path = to.runId === undefined ? '/' : `/runs/${encodeURIComponent(to.runId)}`;
  const { lines } = to;
  const range =
    lines === undefined
      ? ''
      : lines.first === lines.last
        ? `#L${lines.first}`
        : `#L${lines.first}-L${lines.last}`;
  return `${path}${query.size === 0 ? '' : `?${query}`}${range}`;
}

const current = signal(parse(new URL(location.href)));

/** What is chosen now. */
export const route: ReadonlySignal<Route> = current;

addEventListener('popstate', () => {
  current.value = parse(new URL(location.href));
});

/** Goes to a route: to a new entry of the history, or in the place of this one. */
export function go(to: Partial<Route>, how: 'push' | 'replace' = 'push'): void {
  const address = addressOf(to);
  if (address !== location.pathname + location.search + location.hash) {
    if (how === 'push') history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  }
  current.value = parse(new URL(location.href));
}

/** Changes a part of what is chosen. */
export function choose(changes: Partial<Route>, how: 'push' | 'replace' = 'push'): void {
  go({ ...current.value, ...changes }, how);
}

/** Lets a link within the page change the route, unless it is to open elsewhere. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, '', link.href);
  current.value = parse(new URL(link.href));
  scrollTo(0, 0);
}
