/**
 * How runs are called on a NATS server: the stream, and the subject of a run.
 *
 * Promise: two run ids never share a subject, and `runOf` undoes `subjectOf`.
 */
import { isRunId, parseRunId } from '../volume/run-id.js';

/** The stream that holds the runs when no other is named. */
export const DEFAULT_STREAM = 'omne-runs';

/** What is before the run id in the subject of a run. */
export const SUBJECT_PREFIX = 'omne.runs.';

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

/** The subject that carries the vocabulary of a run that has one of its own; no run id ends like that. */
export function vocabularySubjectOf(runId: string): string {
  return `${subjectOf(runId)}.vocabulary`;
}

/** The run whose events a subject carries; undefined for any other subject. */
export function runOf(subject: string): string | undefined {
  if (!subject.startsWith(SUBJECT_PREFIX)) return undefined;
  const runId = subject.slice(SUBJECT_PREFIX.length).replaceAll('%2E', '.');
  return isRunId(runId) && subjectOf(runId) === subject ? runId : undefined;
}
