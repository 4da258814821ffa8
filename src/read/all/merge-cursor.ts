/**
 * How far a merge of all runs has come, as its cursor says it.
 *
 * Promise: a cursor names the runs that have begun and not ended, and grows with these only: of all others it holds the run begun last
 * and the greatest id that ended one.
 */
import type { Vocabulary } from '../../format/vocabulary.js';
import { compareRunIds } from '../../volume/run-id.js';
import { isUlid } from '../../volume/ulid.js';
import { FROM_START, formatCursor, isBegun, parseCursor, type VolumeCursor } from './cursor.js';
import type { VolumeTailOptions } from './options.js';
import type { RunReading } from './run-reading.js';

/** The place of a merge among the runs. */
export class MergeCursor {
  /** Where it began. */
  readonly given: VolumeCursor;
  /** Only events from then on are wanted, in milliseconds since the epoch; undefined: all. */
  readonly since: number | undefined;
  /** The runs that a cursor names. */
  readonly #named = new Set<RunReading>();
  /** Those without a log. */
  readonly #empty = new Set<RunReading>();
  #begun: string;
  #lastEnd: string;

  constructor({ cursor, pipe, since }: VolumeTailOptions<string, Vocabulary>) {
    this.given = cursor === undefined ? { ...FROM_START, pipe } : parseCursor(cursor);
    if (this.given.pipe !== pipe)
      throw new TypeError(
        `the cursor is of ${this.given.pipe ?? 'every'} pipe; option pipe must be the same`,
      );
    this.since = cursor === undefined ? timeGiven(since) : this.given.since;
    this.#begun = this.given.begun;
    this.#lastEnd = this.given.ended;
  }

  /** A text from which another reading goes on; once the runs were `listed`, those that the cursor named and nobody found are gone. */
  text(listed: boolean): string {
    const { pipe } = this.given;
    const reached = { begun: this.#begun, ended: this.#lastEnd, pipe, since: this.since };
    if (!listed) return formatCursor({ ...reached, runs: this.given.runs });
    const runs = new Map(Array.from(this.#named, run => [run.runId, run.place]));
    for (const { runId, place } of this.#empty) if (isBegun(this.#begun, runId)) runs.set(runId, place);
    return formatCursor({ ...reached, runs });
  }

  /** A run is there, with or without a log. */
  found(run: RunReading): void {
    this.#empty.add(run);
    if (this.given.runs.has(run.runId)) this.#named.add(run);
  }

  /** It has a log. */
  hasLog(run: RunReading): void {
    this.#empty.delete(run);
    if (isBegun(this.#begun, run.runId)) this.#named.add(run);
  }

  /** It had its first turn. */
  begun(run: RunReading): void {
    this.#named.add(run);
    if (this.#begun === '' || compareRunIds(this.#begun, run.runId) < 0) this.#begun = run.runId;
  }

  /** It has ended, and need not be named any more. */
  settled(run: RunReading): void {
    this.#named.delete(run);
    const { endedBy: id = '' } = run;
    if (isUlid(id) && id > this.#lastEnd) this.#lastEnd = id;
  }

  /** It was deleted. */
  gone(run: RunReading): void {
    this.#named.delete(run);
    this.#empty.delete(run);
  }
}

function timeGiven(since: Date | number | undefined): number | undefined {
  return since instanceof Date ? since.getTime() : since;
}
