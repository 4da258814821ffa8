/**
 * Listing in order: several runs are looked at at once, and come in the order of their ids.
 *
 * Promise: when it ends, however it ends, no look is under way any more.
 */

/** Which rows are given. */
export interface ListingOptions {
  /** Only those with this status; with any by default. */
  readonly status?: string | undefined;
  /** At most so many; all by default. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The rows of runs, `concurrent` of which are looked at at a time; those that `look` finds to be none are left out. */
export async function* listing<Row extends { readonly status: string }>(
  runIds: readonly string[],
  { status, limit = Number.POSITIVE_INFINITY, signal }: ListingOptions,
  concurrent: number,
  look: (runId: string) => Promise<Row | undefined>,
): AsyncGenerator<Row, undefined> {
  const waiting = runIds.values();
  const underway: Promise<Row | undefined>[] = [];
  let listed = 0;
  try {
    while (listed < limit) {
      signal?.throwIfAborted();
      while (underway.length < concurrent) {
        const { value: runId } = waiting.next();
        if (runId === undefined) break;
        const row = look(runId);
        row.catch(() => undefined); // reported when its turn comes
        underway.push(row);
      }
      if (underway.length === 0) return undefined;
      const row = await underway.shift();
      signal?.throwIfAborted();
      if (row === undefined || (status !== undefined && row.status !== status)) continue;
      listed++;
      yield row;
    }
  } finally {
    await Promise.allSettled(underway);
  }
  return undefined;
}
