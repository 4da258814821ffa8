/** The options of a tail, of a log and of a remote copy. */
import type { EventType, OmneEvents } from '../format/events.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { either, isBoolean, isInteger, milliseconds, type OptionCheck, oneOf } from '../options.js';
import { READ_OPTIONS, type ReadOptions } from './event-filter.js';

/** What to follow, from where, and how long to wait. */
export interface TailOptions<T extends string = EventType, V extends Vocabulary = OmneEvents>
  extends Omit<ReadOptions<T, V>, 'limit' | 'from' | 'reverse'> {
  /** A byte offset of a line start, `start` (the default), or `end` for what is appended from now on. */
  from?: number | 'start' | 'end' | undefined;
  /** End after a terminal event; true by default. */
  stopAtTerminal?: boolean | undefined;
  /** How long to wait for a run that is not there yet, in milliseconds; 5000 by default. */
  appearTimeout?: number | undefined;
  /** How long to wait before looking again without a notice, in milliseconds; 500 by default. */
  pollInterval?: number | undefined;
  /** Use change notices; true by default. Without them events come up to `pollInterval` later. */
  watch?: boolean | undefined;
  /** What to do when the run was left without an end (`orphaned`): `wait` until somebody resumes it, the default, or `end`. */
  onOrphan?: 'wait' | 'end' | undefined;
  /** How long nothing must have been written before a run that no writer holds counts as left, in milliseconds; 60000 by default. */
  orphanAfter?: number | undefined;
}

const { limit: _limit, reverse: _reverse, ...WHAT_TO_READ } = READ_OPTIONS;

/** What the options of a tail must be. */
export const TAIL_OPTIONS: Readonly<Record<keyof TailOptions, OptionCheck>> = {
  ...WHAT_TO_READ,
  from: either(isInteger, oneOf('start', 'end')),
  stopAtTerminal: isBoolean,
  appearTimeout: milliseconds(0),
  pollInterval: milliseconds(1),
  watch: isBoolean,
  onOrphan: oneOf('wait', 'end'),
  orphanAfter: milliseconds(0),
};
