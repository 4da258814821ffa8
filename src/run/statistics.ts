/**
 * Figures over many runs: how they ended, how long their nodes took, what failed and why, and how that changed. A fold over the
 * states of runs; knows no files.
 *
 * Promise: every figure is exact, of all runs that were added; a damaged run is counted and named, and what could be read of it
 * counts as well.
 */
import type { ErrorKind } from '../format/events.js';
import type { FoldedRun } from './look-at-run.js';
import type { NodeState } from './node-state.js';

/** How long something took, in milliseconds. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** A node, over all runs of its pipe. */
export interface NodeStatistics {
  readonly pipe: string;
  readonly nodeId: string;
  /** In how many runs it is. */
  readonly runs: number;
  readonly attempts: number;
  readonly completed: number;
  readonly failed: number;
  readonly interrupted: number;
  /** In how many runs an attempt failed and a later one completed. */
  readonly flaky: number;
  /** Of the attempts that completed; absent where none did, or no time could be read. */
  readonly took?: Spread;
  /** The median of each of up to twenty stretches of runs, oldest first; null where nothing completed. */
  readonly trend: readonly (number | null)[];
}

/** All figures. */
export interface Statistics {
  readonly runs: number;
  readonly completed: number;
  readonly aborted: number;
  /** Not ended, and a writer holds the log open, as `live` of a listing says. */
  readonly live: number;
  /** Not ended, without one. */
  readonly left: number;
  /** Without an event, without a writer, and made within the last minute: it may be in the making. Later it is left. */
  readonly noEvent: number;
  readonly damaged: number;
  /** The ids of damaged runs, the first hundred. */
  readonly damagedRuns: readonly string[];
  /** Of the runs that completed; absent where none did. */
  readonly took?: Spread;
  readonly trend: readonly (number | null)[];
  /** How many attempts failed, by their kind, the most frequent first. */
  readonly failures: readonly { readonly kind: ErrorKind | 'unknown'; readonly count: number }[];
  /** The one that took longest in all first. */
  readonly nodes: readonly NodeStatistics[];
}

const STRETCHES = 20;
const MOST_NAMES = 100;

/** What happened at one place in the order of runs. */
interface Sample {
  readonly run: number;
  readonly ms: number;
}

interface NodeTally {
  readonly pipe: string;
  readonly nodeId: string;
  runs: number;
  attempts: number;
  completed: number;
  failed: number;
  interrupted: number;
  flaky: number;
  readonly samples: Sample[];
}

/** Adds up runs, oldest first. */
export class RunTally {
  #runs = 0;
  readonly #ends = { completed: 0, aborted: 0, live: 0, left: 0, noEvent: 0 };
  readonly #damaged: string[] = [];
  #damagedCount = 0;
  readonly #samples: Sample[] = [];
  readonly #failures = new Map<ErrorKind | 'unknown', number>();
  readonly #nodes = new Map<string, NodeTally>();

  add(run: FoldedRun): void {
    const { status, problem, durationMs } = run;
    this.#ends[endOf(run)]++;
    if (problem !== undefined && this.#damagedCount++ < MOST_NAMES) this.#damaged.push(run.runId);
    if (status === 'completed' && durationMs !== undefined)
      this.#samples.push({ run: this.#runs, ms: durationMs });
    for (const node of run.state.nodes) this.#addNode(run.pipe, node);
    this.#runs++;
  }

  #addNode(pipe: string, { nodeId, attempts, history }: NodeState): void {
    const key = `${pipe}\0${nodeId}`;
    const tally = this.#nodes.get(key) ?? newTally(pipe, nodeId);
    this.#nodes.set(key, tally);
    tally.runs++;
    tally.attempts += attempts;
    let failedBefore = false;
    let recovered = false;
    for (const { status, durationMs, errorKind = 'unknown' } of history) {
      if (status === 'running') continue;
      tally[status]++;
      if (status === 'failed') this.#failures.set(errorKind, (this.#failures.get(errorKind) ?? 0) + 1);
      if (status === 'completed' && durationMs !== undefined)
        tally.samples.push({ run: this.#runs, ms: durationMs });
      recovered ||= failedBefore && status === 'completed';
      failedBefore ||= status === 'failed';
    }
    if (recovered) tally.flaky++;
  }

  get statistics(): Statistics {
    const nodes = Array.from(this.#nodes.values(), ({ samples, ...counts }) => {
      return { ...counts, ...tookOf(samples), trend: trendOf(samples, this.#runs) };
    });
    const inAll = (node: NodeStatistics) =>
      node.took === undefined ? 0 : node.took.median * node.took.count;
    return {
      runs: this.#runs,
      ...this.#ends,
      damaged: this.#damagedCount,
      damagedRuns: [...this.#damaged],
      ...tookOf(this.#samples),
      trend: trendOf(this.#samples, this.#runs),
      failures: Array.from(this.#failures, ([kind, count]) => ({ kind, count })).sort(
        (a, b) => b.count - a.count,
      ),
      nodes: nodes.sort((a, b) => inAll(b) - inAll(a)),
    };
  }
}

/** How a run ended, or what became of it. */
function endOf({
  status,
  live,
  orphan,
  problem,
  state,
}: FoldedRun): 'completed' | 'aborted' | 'live' | 'left' | 'noEvent' {
  if (status !== 'running') return status;
  if (live) return 'live';
  return state.eventCount === 0 && !orphan && problem === undefined ? 'noEvent' : 'left';
}

function newTally(pipe: string, nodeId: string): NodeTally {
  return {
    pipe,
    nodeId,
    runs: 0,
    attempts: 0,
    completed: 0,
    failed: 0,
    interrupted: 0,
    flaky: 0,
    samples: [],
  };
}

function tookOf(samples: readonly Sample[]): { took?: Spread } {
  if (samples.length === 0) return {};
  const sorted = Float64Array.from(samples, ({ ms }) => ms).sort();
  return {
    took: {
      count: sorted.length,
      median: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      max: sorted.at(-1) ?? 0,
    },
  };
}

/** The smallest value that so large a part of all does not exceed. */
function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}

function trendOf(samples: readonly Sample[], runs: number): (number | null)[] {
  const stretches = Math.min(STRETCHES, runs);
  const parts = Array.from({ length: stretches }, (): number[] => []);
  for (const { run, ms } of samples) parts[Math.floor((run * stretches) / runs)]?.push(ms);
  return parts.map(part => (part.length === 0 ? null : quantile(Float64Array.from(part).sort(), 0.5)));
}
