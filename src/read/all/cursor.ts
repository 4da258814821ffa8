/**
 * The cursor of a volume: a text from which a reading of all its runs goes on.
 *
 * It names the runs that have not ended, with the position reached in each, and two marks for the rest: the greatest run id
 * begun, and the greatest id of an event that ended a run. A run that it does not name was read to its end when its id is not
 * above the first mark, it has ended, and its last event is not above the second: whatever appeared or ended later has a
 * greater id. So its size grows with the runs that have not ended, not with those that have.
 *
 * Promise: a text that is not a cursor is an error, not a place to start.
 */
import { EventLogError, messageOf } from '../../errors.js';
import { compareRunIds, isRunId } from '../../volume/run-id.js';

/** How far a run was read. */
export interface RunPlace {
  /** The position after the last event handed out. */
  readonly position: number;
  /** The end of that event's id: whether the log is still the same one. Empty where there was none. */
  readonly mark: string;
}

/** A cursor taken apart. */
export interface VolumeCursor {
  /** The greatest run id begun; empty where none was. */
  readonly begun: string;
  /** The greatest id of an event that ended a run which was read to its end; empty where there was none. */
  readonly ended: string;
  /** The runs begun and not read to their end. */
  readonly runs: ReadonlyMap<string, RunPlace>;
  /** The filter it was made with: with another one it would miss or repeat. */
  readonly pipe?: string | undefined;
  readonly since?: number | undefined;
}

/** The cursor before the first event of all. */
export const FROM_START: VolumeCursor = { begun: '', ended: '', runs: new Map() };

const VERSION = 1;
const MARK_LENGTH = 8;

/** The end of an event id; the end of a ULID is what makes it differ from others. */
export function markOf(id: string): string {
  return id.slice(-MARK_LENGTH);
}

/** Whether a run was begun, as far as its id shows: it is not above the greatest that was. */
export function isBegun(begun: string, runId: string): boolean {
  return begun !== '' && compareRunIds(runId, begun) <= 0;
}

/** The cursor as a text: one line of JSON. */
export function formatCursor({ begun, ended, runs, pipe, since }: VolumeCursor): string {
  const places = Array.from(runs, ([runId, { position, mark }]) => [runId, position, mark]);
  return JSON.stringify({ v: VERSION, begun, ended, pipe, since, runs: places });
}

/** Takes a text apart; `ERR_INVALID_POSITION` for one that is not a cursor. */
export function parseCursor(text: string): VolumeCursor {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw notACursor(messageOf(error));
  }
  const part = (name: string): unknown =>
    typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, name) : undefined;
  const [begun, ended, pipe, since, runs] = ['begun', 'ended', 'pipe', 'since', 'runs'].map(part);
  if (part('v') !== VERSION) throw notACursor('it is of another version');
  if (typeof begun !== 'string' || (begun !== '' && !isRunId(begun))) throw notACursor('begun');
  if (typeof ended !== 'string') throw notACursor('ended');
  if (pipe !== undefined && typeof pipe !== 'string') throw notACursor('pipe');
  if (since !== undefined && typeof since !== 'number') throw notACursor('since');
  if (!Array.isArray(runs)) throw notACursor('runs');
  return { begun, ended, pipe, since, runs: new Map(runs.map(placeOf)) };
}

function placeOf(entry: unknown): [string, RunPlace] {
  const [runId, position, mark]: unknown[] = Array.isArray(entry) ? entry : [];
  if (!isRunId(runId) || typeof mark !== 'string') throw notACursor('a run');
  if (typeof position !== 'number' || !Number.isSafeInteger(position) || position < 0)
    throw notACursor(`the position in ${runId}`);
  return [runId, { position, mark }];
}

function notACursor(what: string): EventLogError {
  return new EventLogError('ERR_INVALID_POSITION', `this is not a cursor of a volume (${what})`);
}
