/**
 * Times as they are shown: in UTC, and with the letter that says so, whatever offset and precision an event's `ts` has.
 *
 * Promise: what is no time is shown as it is.
 */

/** A time of an event in UTC, with milliseconds: `2026-04-15T12:00:00.000Z`. */
export function utc(ts: string): string {
  const time = Date.parse(ts);
  return Number.isNaN(time) ? ts : new Date(time).toISOString();
}

/** The time of day of an event: `12:00:00.000Z`. */
export function timeOfDay(ts: string): string {
  return Number.isNaN(Date.parse(ts)) ? ts : utc(ts).slice(-TIME_WIDTH);
}

/** How many columns a time of day takes. */
export const TIME_WIDTH: number = '12:00:00.000Z'.length;

/** What is reported of a run, as JSON: its times in UTC. */
export function jsonInUtc(facts: object): string {
  const inUtc = (name: string, value: unknown) =>
    typeof value === 'string' && /(?:At|Ts)$/.test(name) ? utc(value) : value;
  return JSON.stringify(facts, inUtc);
}
