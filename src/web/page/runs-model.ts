/**
 * The list of runs, as the server has it: loaded a page at a time, then kept up to date by its messages.
 *
 * Promise: whatever breaks in between, the list is that of the server again once the connection is.
 */
import { computed, type ReadonlySignal, signal } from '@preact/signals-core';
import type { RunCounts, RunRow, SourceFacts } from '../api.js';
import { getRuns } from './api-client.js';
import { LiveStream } from './live-stream.js';
import { route } from './route.js';
import { runMark } from './status.js';
import { messageOf } from './text.js';

/** So many runs are loaded; older ones are asked for. */
const MOST_RUNS = 20_000;
const PAGE_RUNS = 1000;

const rows = signal<ReadonlyMap<string, RunRow>>(new Map());
const loading = signal(true);
const failure = signal<string | undefined>(undefined);
const knownSource = signal<SourceFacts | undefined>(undefined);
const knownPipes = signal<readonly string[]>([]);
const allRuns = signal(0);
const counted = signal<ReadonlyMap<string, RunCounts>>(new Map());

export const runsLoading: ReadonlySignal<boolean> = loading;
export const runsFailure: ReadonlySignal<string | undefined> = failure;
export const source: ReadonlySignal<SourceFacts | undefined> = knownSource;
export const pipes: ReadonlySignal<readonly string[]> = knownPipes;
/** How many runs the server has that are not loaded here. */
export const unloaded: ReadonlySignal<number> = computed(() => Math.max(0, allRuns.value - rows.value.size));

/** The runs that the filters let through, live ones first, then newest first. */
export const shownRuns: ReadonlySignal<readonly RunRow[]> = computed(() => {
  const { pipe, status, text } = route.value;
  const wanted = text.toLowerCase();
  return [...rows.value.values()]
    .filter(run => {
      const { word } = runMark(run);
      const fits = status === '' || (status === 'running' ? run.status === 'running' : word === status);
      const said = `${run.runId} ${run.reason ?? ''} ${run.problem ?? ''}`.toLowerCase();
      return fits && (pipe === '' || run.pipe === pipe) && said.includes(wanted);
    })
    .sort(byLiveThenAge);
});

function byLiveThenAge(a: RunRow, b: RunRow): number {
  const live = Number(b.live === true) - Number(a.live === true);
  if (live !== 0) return live;
  const [left, right] = [a.runId.slice(-26), b.runId.slice(-26)];
  return left < right ? 1 : Number(left > right) * -1;
}

/** The counts of a run, where they are known. */
export function countsOf(run: RunRow): RunCounts | undefined {
  return run.counts ?? counted.value.get(run.runId);
}

/** Loads the list and keeps it; returns what ends that. */
export function keepRuns(): () => void {
  const ending = new AbortController();
  let stream: LiveStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const load = async () => {
    try {
      const first = await getRuns({ limit: PAGE_RUNS }, ending.signal);
      rows.value = new Map(first.runs.map(run => [run.runId, run]));
      knownSource.value = first.source;
      knownPipes.value = first.pipes;
      allRuns.value = first.total;
      failure.value = undefined;
      loading.value = false;
      stream = new LiveStream({ after: first.cursor }, { runs: take, reset: () => void load() });
      for (let { before } = first; before !== undefined && rows.value.size < MOST_RUNS; ) {
        const page = await getRuns({ limit: 10 * PAGE_RUNS, before }, ending.signal);
        rows.value = new Map([...page.runs.map((run): [string, RunRow] => [run.runId, run]), ...rows.value]);
        before = page.before;
      }
    } catch (error) {
      if (ending.signal.aborted) return;
      loading.value = false;
      failure.value = messageOf(error);
      timer = setTimeout(() => void load(), 2000);
    }
  };
  void load();
  return () => {
    ending.abort();
    clearTimeout(timer);
    stream?.close();
  };
}

function take({
  runs,
  removed,
}: {
  readonly runs: readonly RunRow[];
  readonly removed: readonly string[];
}): void {
  const changed = new Map(rows.value);
  const before = changed.size;
  for (const run of runs) changed.set(run.runId, run);
  for (const runId of removed) changed.delete(runId);
  allRuns.value += changed.size - before;
  rows.value = changed;
  const stale = new Map(counted.value);
  for (const { runId } of runs) stale.delete(runId);
  counted.value = stale;
  const unknown = runs.map(({ pipe }) => pipe).filter(pipe => !knownPipes.value.includes(pipe));
  if (unknown.length > 0) knownPipes.value = [...new Set([...knownPipes.value, ...unknown])].sort();
}

let counting: AbortController | undefined;

/** Asks for the counts of the runs in view that have none: they need a reading of each log. */
export async function countRuns(inView: readonly RunRow[]): Promise<void> {
  const missing = inView
    .filter(run => countsOf(run) === undefined && run.problem === undefined)
    .slice(0, 100);
  if (missing.length === 0) return;
  counting?.abort();
  counting = new AbortController();
  const runs = missing.map(({ runId }) => runId).join(',');
  const answer = await getRuns({ runs, counts: 1 }, counting.signal).catch(() => undefined);
  if (answer === undefined) return; // asked for again with the next view
  const known = new Map(counted.value);
  for (const run of answer.runs) if (run.counts !== undefined) known.set(run.runId, run.counts);
  counted.value = known;
}
