/**
 * A fold that is saved: the state of a reducer as plain JSON, with the position in the log to go on from.
 *
 * Promise: what is restored is what was saved, or it is `ERR_SNAPSHOT_INVALID`: a checksum covers all of it, whatever order a
 * database gives its keys back in.
 */
import { createHash } from 'node:crypto';
import { EventLogError } from '../errors.js';
import type { Attempt, NodeState } from './node-state.js';
import type { Pause } from './pauses.js';
import type { Downtime, RunState } from './run-state.js';

const FORMAT = 3;

/** What a seal adds. */
export interface Seal {
  /** The form of the snapshot. */
  readonly format: 3;
  /** A checksum of all the others. */
  readonly checksum: string;
}

/** The state of a `RunStateReducer` as plain JSON; what is in it may change between versions of the library. */
export interface RunSnapshot extends Seal {
  /** The byte position in the log after the last event folded: pass it as `from` to go on. */
  readonly position: number;
  /** The id of the last event folded; empty where there was none. */
  readonly lastId: string;
  /** The run without its nodes, as `RunState` has it. */
  readonly run: Omit<RunState, 'nodes' | 'downtimes'>;
  /** When the executor last appended, as far as is known; absent as long as it did not. */
  readonly drivenTs?: string;
  /** When nobody drove the run. */
  readonly downtimes: readonly Downtime[];
  /** In which the executor may have died, if a node shows later that it did. */
  readonly pauses: readonly Pause[];
  /** The nodes, in the order of their first appearance. */
  readonly nodes: readonly NodeSnapshot[];
}

/** A node as a saved fold has it. */
export interface NodeSnapshot {
  /** The attempts before the latest one, oldest first. */
  readonly past: readonly Attempt[];
  /** How often the node started. */
  readonly attempts: number;
  /** The number of the event that began the latest attempt. */
  readonly begun: number;
  /** The node at its latest attempt. */
  readonly latest: Omit<NodeState, 'attempts' | 'failedAttempts' | 'interruptedAttempts' | 'history'>;
  /** When the run was left while the latest attempt was open, by the `ts` of the log; absent where nothing shows that the run was left. */
  readonly leftAt?: string;
}

/** A copy of the content with a seal. */
export function sealed<Content extends object>(content: Content): Content & Seal {
  const copy: Content & Pick<Seal, 'format'> = { format: FORMAT, ...structuredClone(content) };
  return { ...copy, checksum: checksumOf(copy) };
}

/** A copy of a snapshot that is whole. */
export function unsealed<Snapshot extends Seal>(snapshot: Snapshot): Snapshot {
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
