/**
 * Identifiers: ULIDs that only rise, and run ids.
 *
 * Promise: a `UlidSequence` never hands out an id that is not strictly greater than the one before it and than every
 * id it was shown, whatever the clock does. Ids are lower case (upper case sorts before it, so rising holds either way).
 */
import { randomFillSync } from 'node:crypto';
import { decodeTime, incrementBase32, ulid } from 'ulid';
import { EventLogError } from './errors.js';

const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const ULID_IN_ANY_CASE = /^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/;
const PIPE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const RUN_ID = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})-([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** Hands out strictly rising ULIDs. */
export class UlidSequence {
  #last: string | undefined; // upper case, as the ulid package counts
  #lastTime = 0;

  /** The last ULID handed out or shown, in lower case. */
  get last(): string | undefined {
    return this.#last?.toLowerCase();
  }

  /** Makes every later id greater than `id`; text that is no ULID is passed over. */
  raiseTo(id: string): void {
    if (!ULID_IN_ANY_CASE.test(id)) return;
    const seen = id.toUpperCase();
    if (this.#last !== undefined && seen <= this.#last) return;
    this.#last = seen;
    this.#lastTime = decodeTime(seen);
  }

  /**
   * The next ULID, for `now` in milliseconds since the epoch, or one above the last when the clock has not moved on.
   *
   * @throws RangeError when the last possible ULID is used up.
   */
  next(now: number): string {
    if (this.#last === undefined || now > this.#lastTime) {
      this.#lastTime = Math.max(1, now); // the ulid package takes 0 for "now"
      this.#last = ulid(this.#lastTime, pooledRandom);
    } else {
      const above = incrementBase32(this.#last);
      if (above > '7ZZZZZZZZZZZZZZZZZZZZZZZZZ') throw new RangeError('no ULID is left above the last one');
      if (above.endsWith('0000000000000000')) this.#lastTime = decodeTime(above); // carried into the time
      this.#last = above;
    }
    return this.#last.toLowerCase();
  }
}

const pool = new Uint8Array(1024);
let used = pool.length;

/** A random fraction; the ulid package's own source asks the kernel for each single byte. */
function pooledRandom(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

/** Tells whether text is a ULID in lower case. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** Joins a pipe name and a ULID. */
export function runIdOf(pipe: string, ulid: string): string {
  return `${pipe}-${ulid}`;
}

/** The order of runs: that of their ULIDs; the whole id settles what two volumes put together left open. */
export function compareRunIds(a: string, b: string): number {
  const [left, right] = [a.slice(-26) + a, b.slice(-26) + b];
  return left < right ? -1 : Number(left > right);
}

/** Rejects a pipe name that could not stand in a run id (`ERR_INVALID_PIPE`). */
export function checkPipe(pipe: string): void {
  if (typeof pipe !== 'string') throw new TypeError('the pipe name must be a string');
  if (!PIPE.test(pipe)) {
    throw new EventLogError(
      'ERR_INVALID_PIPE',
      `invalid pipe name ${shown(pipe)}: 1 to 128 letters, digits, dots, underscores and dashes, the first a letter or digit`,
    );
  }
}

/**
 * Tells whether a value is a run id, `<pipe>-<ulid>` with the ULID in lower case. Never throws.
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
      `invalid run id ${shown(runId)}: <pipe>-<ulid>, the ULID 26 lower-case characters`,
    );
  }
  return { pipe, ulid, createdAt: new Date(decodeTime(ulid)) };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
