/** How long things took, by the `ts` of their events. */

/** Adds how long a span took, where its times can be read; the clock may have gone back. */
export function timed<Span extends { startedAt?: string; endedAt?: string; durationMs?: number }>(
  span: Span,
): Span {
  const durationMs = millisecondsBetween(span.startedAt, span.endedAt);
  if (durationMs !== undefined) span.durationMs = durationMs;
  return span;
}

/** The time from one `ts` to another; undefined where one is absent or cannot be read. */
export function millisecondsBetween(start: string | undefined, end: string | undefined): number | undefined {
  if (start === undefined || end === undefined) return undefined;
  const passed = Date.parse(end) - Date.parse(start);
  return Number.isNaN(passed) ? undefined : Math.max(0, passed);
}
