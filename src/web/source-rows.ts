/**
 * The rows of the list of runs, kept up to date: by what changes in a volume, or by asking a server again and again.
 *
 * Promises: a row is made of the two ends of a log, so that it costs the same however long the log is. A run that is written to all
 * the time is looked at some times a second, not at every event; whether a writer lives is asked every few seconds, since
 * nothing reports a death.
 */

import { VolumeWatch } from '../read/volume-watch.js';
import { monotonicMs, sleep } from '../real-time.js';
import { outlineRun } from '../run/list-runs.js';
import type { RunRow } from './api.js';

/** Hears of the rows of the list. */
export interface RowListener {
  /** A run is new, or its row has changed. */
  changed(row: RunRow): void;
  /** A run is gone. */
  removed(runId: string): void;
  /** All runs that were there at first have been reported. */
  listed(): void;
}

const POLL_MS = 500;
const BETWEEN_ROUNDS_MS = 50;
const PROBE_MS = 3000;
const CONCURRENT_LOOKS = 8;
/** How much longer than a listing took a server is left alone after it. */
const REMOTE_REST_FACTOR = 10;
const REMOTE_REST_MS = 3000;

/** Follows the runs of a volume. */
export async function watchRuns(root: string, listener: RowListener, signal: AbortSignal): Promise<void> {
  const pending = new Set<string>();
  const running = new Set<string>();
  const watch = new VolumeWatch(
    root,
    { pollInterval: POLL_MS },
    {
      found: runId => pending.add(runId),
      changed: runId => pending.add(runId),
      gone: runId => {
        pending.delete(runId);
        running.delete(runId);
        listener.removed(runId);
      },
    },
  );
  const stop = () => watch.wake();
  signal.addEventListener('abort', stop);
  let probedAt = monotonicMs();
  try {
    for (let round = 0; !signal.aborted; round++) {
      if (watch.due) await watch.look();
      if (monotonicMs() - probedAt > PROBE_MS) {
        for (const runId of running) pending.add(runId);
        probedAt = monotonicMs();
      }
      await lookAt(root, pending, row => {
        if (row.status === 'running') {
          running.add(row.runId);
        } else {
          running.delete(row.runId);
          watch.done(row.runId);
        }
        listener.changed(row);
      });
      if (round === 0) listener.listed();
      await sleep(BETWEEN_ROUNDS_MS, undefined, { signal }).catch(() => undefined); // aborted
      if (pending.size === 0 && !signal.aborted) await watch.wait();
    }
  } finally {
    signal.removeEventListener('abort', stop);
    watch.close();
  }
}

/** Makes the rows of all runs that are pending, newest first. */
async function lookAt(root: string, pending: Set<string>, report: (row: RunRow) => void): Promise<void> {
  const runIds = [...pending];
  pending.clear();
  const next = async () => {
    for (let runId = runIds.pop(); runId !== undefined; runId = runIds.pop()) {
      const row = await outlineRun(root, runId);
      if (row !== undefined) report(row);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_LOOKS }, next));
}

/** Lists again and again. */
export async function pollRuns(
  list: () => AsyncIterable<RunRow & { readonly eventCount?: number }>,
  listener: RowListener,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map<string, string>();
  for (let round = 0; !signal.aborted; round++) {
    const began = monotonicMs();
    const gone = new Set(known.keys());
    for await (const { eventCount: _, ...row } of list()) {
      gone.delete(row.runId);
      const text = JSON.stringify(row);
      if (known.get(row.runId) === text) continue;
      known.set(row.runId, text);
      listener.changed(row);
    }
    for (const runId of gone) {
      known.delete(runId);
      listener.removed(runId);
    }
    if (round === 0) listener.listed();
    const rest = Math.max(REMOTE_REST_MS, (monotonicMs() - began) * REMOTE_REST_FACTOR);
    await sleep(rest, undefined, { signal }).catch(() => undefined); // aborted
  }
}
