/** Run ids: `<pipe>-<ulid>`. */
import { decodeTime } from 'ulid';
import { EventLogError } from '../errors.js';
import { PLATFORM } from './platform.js';

const PIPE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const RUN_ID = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})-([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** Joins a pipe name and a ULID. */
export function runIdOf(pipe: string, ulid: string): string {
  return `${pipe}-${ulid}`;
}

/** The order of runs: that of their ULIDs; the whole id settles what two volumes put together left open. */
export function compareRunIds(a: string, b: string): number {
  const [left, right] = [a.slice(-26) + a, b.slice(-26) + b];
  return left < right ? -1 : Number(left > right);
}

/** Rejects a pipe name that could not be in a run id (`ERR_INVALID_PIPE`). */
export function checkPipe(pipe: string): void {
  if (typeof pipe !== 'string') throw new TypeError('the pipe name must be a string');
  if (!PIPE.test(pipe)) {
    throw new EventLogError(
      'ERR_INVALID_PIPE',
      `invalid pipe name ${quoted(pipe)}: 1 to 128 letters, digits, dots, underscores and dashes, the first a letter or digit`,
    );
  }
  if (PLATFORM.reserved?.test(`${pipe}-`)) {
    throw new EventLogError(
      'ERR_INVALID_PIPE',
      `invalid pipe name ${quoted(pipe)}: a device is called so here`,
    );
  }
}

/**
 * Whether a value is a run id, `<pipe>-<ulid>` with the ULID in lower case. Never throws.
 *
 * @example
 * isRunId('feature-01kp8g6dg0zg6axb6gqz17wf7m'); // true
 */
export function isRunId(value: unknown): value is string {
  return typeof value === 'string' && RUN_ID.test(value);
}

/**
 * Takes a run id apart.
 *
 * @returns the pipe name, the ULID (26 lower-case characters) and the time the ULID holds.
 * @throws EventLogError `ERR_INVALID_RUN_ID`.
 * @example
 * parseRunId('feature-01kp8g6dg0zg6axb6gqz17wf7m').pipe; // 'feature'
 */
export function parseRunId(runId: string): {
  pipe: string;
  ulid: string;
  createdAt: Date;
} {
  if (typeof runId !== 'string') throw new TypeError('the run id must be a string');
  const [, pipe, ulid] = RUN_ID.exec(runId) ?? [];
  if (pipe === undefined || ulid === undefined) {
    throw new EventLogError(
      'ERR_INVALID_RUN_ID',
      `invalid run id ${quoted(runId)}: <pipe>-<ulid>, the ULID 26 lower-case characters`,
    );
  }
  return { pipe, ulid, createdAt: new Date(decodeTime(ulid)) };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
