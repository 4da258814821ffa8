/**
 * How a run's events are called on a NATS server: the stream, the subject of a run, the header with the position.
 *
 * Promise: two run ids never share a subject, and `runIdOf` undoes `subjectOf`.
 */
import { isRunId, parseRunId } from '../volume/run-id.js';

/** The stream that holds the runs when no other is named. */
export const DEFAULT_STREAM = 'omne-runs';

/** What is before the run id in the subject of a run. */
export const SUBJECT_PREFIX = 'omne.runs.';

/** The header with the byte position after the event's line in its log, in decimal. */
export const POSITION_HEADER = 'Omne-Position';

/**
 * The subject that carries the events of a run. A subject may hold no empty token, so a dot that follows a dot is written
 * `%2E`; no run id holds a `%`.
 *
 * @throws EventLogError `ERR_INVALID_RUN_ID`.
 * @example
 * subjectOf('feature-01kp8g6dg0zg6axb6gqz17wf7m'); // 'omne.runs.feature-01kp8g6dg0zg6axb6gqz17wf7m'
 */
export function subjectOf(runId: string): string {
  parseRunId(runId);
  return SUBJECT_PREFIX + runId.replaceAll(/(?<=\.)\./g, '%2E');
}

/** The run whose events a subject carries; undefined for any other subject. */
export function runIdOf(subject: string): string | undefined {
  if (!subject.startsWith(SUBJECT_PREFIX)) return undefined;
  const runId = subject.slice(SUBJECT_PREFIX.length).replaceAll('%2E', '.');
  return isRunId(runId) && subjectOf(runId) === subject ? runId : undefined;
}

/** The headers of a message, as the client gives them. */
export interface Headers {
  get(name: string): string;
}

/** A message that a stream holds: its sequence there, and its headers. */
export interface Stored {
  readonly seq: number;
  readonly headers?: Headers | undefined;
}

/** The byte position after a message's line in its log; undefined where the message does not tell. */
export function positionOf(headers: Headers | undefined): number | undefined {
  const text = headers?.get(POSITION_HEADER) ?? '';
  const position = Number(text);
  return /^[1-9]\d*$/.test(text) && Number.isSafeInteger(position) ? position : undefined;
}

/** Where the line of a message begins: told by its length, which is that of the line in a log in canonical form. */
export function startOf({ headers, data }: Stored & { readonly data: Uint8Array }): number {
  return Math.max(0, (positionOf(headers) ?? 0) - data.length - 1);
}
