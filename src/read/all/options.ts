/** What can be asked of a reading of all runs of a volume. */

import type { EventLogError } from '../../errors.js';
import type { EventType, OmneEvents } from '../../format/events.js';
import type { Vocabulary } from '../../format/vocabulary.js';
import { isBoolean, isFunction, isText, milliseconds, type OptionCheck } from '../../options.js';
import { READ_OPTIONS, type ReadOptions } from '../event-filter.js';

/** Which events of which runs to read. */
export interface VolumeReadOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends Pick<ReadOptions<T, V>, 'types' | 'onMalformed' | 'maxLineBytes' | 'signal'> {
  /** Only runs of this vocabulary, or of one that it adds to; by default all runs are read, each with the vocabulary it carries. */
  events?: V | undefined;
  /** Only runs of this pipe; of every pipe by default. */
  pipe?: string | undefined;
  /**
   * Only events that happened from then on: a `Date`, or milliseconds since the epoch. Logs that were not written to since are
   * not read. A cursor keeps it. By default events of any time are read.
   */
  since?: Date | number | undefined;
  /** A `cursor` of an earlier reading with the same `pipe`: start after it. By default reading starts at the first event. */
  cursor?: string | undefined;
  /**
   * Called with the error of a run that cannot be read, or not further: it is left out from there on, and the others go on. By default
   * such an error ends the reading.
   */
  onRunError?: ((error: EventLogError, runId: string) => void) | undefined;
}

/** What to follow, and how long to wait. */
export interface VolumeTailOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends VolumeReadOptions<T, V> {
  /** How long to wait before looking again without a notice, in milliseconds; 500 by default. */
  pollInterval?: number | undefined;
  /** Use change notices; true by default. Without them events and runs come up to `pollInterval` later. */
  watch?: boolean | undefined;
}

const isTime: OptionCheck = value =>
  (value instanceof Date && !Number.isNaN(value.getTime())) ||
  (typeof value === 'number' && Number.isFinite(value))
    ? undefined
    : 'a Date, or milliseconds since the epoch';

const { events, onMalformed, maxLineBytes, signal } = READ_OPTIONS;

/** Without a vocabulary any run may have any types. */
const types: OptionCheck = (value, options = {}) => {
  if (Reflect.get(options, 'events') !== undefined) return READ_OPTIONS.types(value, options);
  return Array.isArray(value) && value.every(type => typeof type === 'string')
    ? undefined
    : 'an array of event types';
};

/** What the options of a reading of all runs must be. */
export const VOLUME_READ_OPTIONS: Readonly<Record<keyof VolumeReadOptions, OptionCheck>> = {
  pipe: isText,
  events,
  types,
  since: isTime,
  cursor: isText,
  onMalformed,
  onRunError: isFunction,
  maxLineBytes,
  signal,
};

/** What the options of a tail of all runs must be. */
export const VOLUME_TAIL_OPTIONS: Readonly<Record<keyof VolumeTailOptions, OptionCheck>> = {
  ...VOLUME_READ_OPTIONS,
  pollInterval: milliseconds(1),
  watch: isBoolean,
};
