/**
 * A fold that is saved: the state of a reducer as plain JSON, with the position in the log to go on from.
 *
 * Promise: what is restored is what was saved, or it is `ERR_SNAPSHOT_INVALID`: a checksum covers all of it, whatever order a
 * database gives its keys back in.
 */
import { createHash } from 'node:crypto';
import { EventLogError } from '../errors.js';
import type { NodeSnapshot } from './node-state.js';
import type { Downtime, RunState } from './run-state.js';

/** The state of a `RunStateReducer` as plain JSON; what is in it may change between versions of the library. */
export interface RunSnapshot {
  /** The form of the snapshot. */
  readonly format: 1;
  /** The byte position in the log after the last event folded: pass it as `from` to go on. */
  readonly position: number;
  /** The id of the last event folded; empty where there was none. */
  readonly lastId: string;
  /** The run without its nodes, as `RunState` has it. */
  readonly run: Omit<RunState, 'nodes' | 'downtimes'>;
  /** When nobody drove the run. */
  readonly downtimes: readonly Downtime[];
  /** The nodes, in the order of their first appearance. */
  readonly nodes: readonly NodeSnapshot[];
  /** A checksum of all the others. */
  readonly checksum: string;
}

const FORMAT = 1;

/** Puts a snapshot together; it shares nothing with what it was made of. */
export function sealSnapshot(content: Omit<RunSnapshot, 'format' | 'checksum'>): RunSnapshot {
  const copy: typeof content = structuredClone(content);
  const sealed = { format: FORMAT, ...copy } as const;
  return { ...sealed, checksum: checksumOf(sealed) };
}

/** The content of a snapshot that is whole, and of the run that is meant where one is named. */
export function openSnapshot(snapshot: RunSnapshot, runId: string | undefined): RunSnapshot {
  const given: unknown = snapshot;
  if (typeof given !== 'object' || given === null || Reflect.get(given, 'format') !== FORMAT) {
    throw invalid('it is no snapshot of a run, or one of another version of the library');
  }
  const { checksum, ...content } = snapshot;
  let found: string;
  try {
    found = checksumOf(content);
  } catch (cause) {
    throw invalid('it is no JSON', cause);
  }
  if (found !== checksum) throw invalid('its checksum does not fit: it was damaged or changed');
  if (runId !== undefined && snapshot.run.runId !== '' && snapshot.run.runId !== runId) {
    throw invalid(`it is of run ${snapshot.run.runId}, not of ${runId}`);
  }
  return structuredClone(snapshot);
}

/** The error for a snapshot, or for an event that cannot follow it. */
export function invalid(why: string, cause?: unknown): EventLogError {
  return new EventLogError('ERR_SNAPSHOT_INVALID', `the snapshot cannot be continued: ${why}`, { cause });
}

function checksumOf(content: object): string {
  return createHash('sha256').update(canonical(content)).digest('hex').slice(0, 32);
}

/** JSON with the keys of every object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
