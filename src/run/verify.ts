/**
 * Checking a run, for operators.
 *
 *     bytes -> lines -> line-check -> report
 *
 * Promises: `verifyRun` names everything that is wrong with a log and does not change a byte. What a writer is doing at this moment is
 * not wrong: the end of its commit is waited for, and a vocabulary it has added to is read again. Memory stays bounded,
 * however much is wrong and however long a line is; after a line over the limit checking goes on.
 */

import { EventLogError } from '../errors.js';
import { LineCutter, MAX_LINE_BYTES, nextLineStart } from '../format/lines.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { checkOptions, isFunction, isInteger, isSignal, type OptionCheck } from '../options.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { monotonicMs, sleep } from '../real-time.js';
import { LOCK_TIMEOUT_MS } from '../volume/flock.js';
import { placesOf } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import { LineCheck } from './line-check.js';
import type { VerifyReport } from './verify-report.js';

/** How a run is verified. */
export interface VerifyOptions {
  /** The vocabulary of the run; the one that the run carries by default. */
  events?: Vocabulary | undefined;
  /** How many problems, and how many warnings, the report lists at most; 1000 by default. The others are counted. */
  maxProblems?: number | undefined;
  /** The longest line accepted, in bytes; 16 MiB by default. */
  maxLineBytes?: number | undefined;
  /** Called now and then with the bytes checked and the bytes there are; by default it is not called. */
  onProgress?: ((bytes: number, total: number) => void) | undefined;
  /** Ends the checking, which rejects with the signal's reason; by default nothing does. */
  signal?: AbortSignal | undefined;
}

/** How long to wait for a writer in the midst of a commit before looking again. */
const BETWEEN_LOOKS_MS = 5;

const VERIFY_OPTIONS: Readonly<Record<keyof VerifyOptions, OptionCheck>> = {
  events: isVocabulary,
  maxProblems: isInteger,
  maxLineBytes: isInteger,
  onProgress: isFunction,
  signal: isSignal,
};

/**
 * Checks every line of a run's log; changes nothing.
 *
 * @throws EventLogError `ERR_INVALID_RUN_ID`, `ERR_RUN_NOT_FOUND`, `ERR_UNSAFE_PATH`, `ERR_SYSTEM`; what is wrong with the
 * log is not an error but part of the report.
 * @example
 * const report = await verifyRun(root, runId);
 * for (const { line, message } of report.problems) console.log(`line ${line}: ${message}`);
 */
export async function verifyRun(
  root: string,
  runId: string,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const places = placesOf(root, runId);
  checkOptions(options, VERIFY_OPTIONS);
  const log = await openForReading(places);
  const vocabulary = async () => options.events ?? (await runVocabulary(places));
  try {
    for (let events = await vocabulary(); ; ) {
      const report = await verifyLog(log, runId, events, options);
      const before = events;
      if (report.ok || (events = await vocabulary()) === before) return report;
    }
  } finally {
    await log.close();
  }
}

/** Checks every line of a log against one vocabulary. */
async function verifyLog(
  log: ReadableLog,
  runId: string,
  events: Vocabulary,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { maxLineBytes = MAX_LINE_BYTES, onProgress, signal } = options;
  let cutter = new LineCutter(0, { maxLineBytes });
  const check = new LineCheck(runId, events, options);
  const reportOf = (offset: number, tornBytes: number): VerifyReport => {
    return { runId, path: log.path, bytes: log.size(), ...check.finish(offset, tornBytes) };
  };
  for (let ended = false; !ended; ) {
    signal?.throwIfAborted();
    const { room, offset } = cutter;
    const read = await log.read(room, offset);
    try {
      const block = cutter.take(read);
      if (block !== undefined) check.lines(block.bytes, block.offset);
      ended = block === undefined && read < room.length;
    } catch (error) {
      if (!(error instanceof EventLogError && error.code === 'ERR_LINE_TOO_LONG')) throw error;
      const next = await nextLineStart(log.read, offset + read, signal);
      if (next === undefined) return reportOf(offset, log.size() - offset);
      check.passedOver(offset, next);
      cutter = new LineCutter(next, { maxLineBytes });
    }
    onProgress?.(cutter.offset, Math.max(cutter.offset, log.size()));
    if (ended && cutter.tornBytes > 0) ended = await isAll(log, cutter.offset + cutter.tornBytes);
  }
  return reportOf(cutter.offset, cutter.tornBytes);
}

/** Whether a log ends at `end` also when no writer is in the midst of a commit; one that does not come out of it is waited for no longer than by a writer. */
async function isAll(log: ReadableLog, end: number): Promise<boolean> {
  for (const deadline = monotonicMs() + LOCK_TIMEOUT_MS; monotonicMs() < deadline; ) {
    const size = log.settledSize();
    if (size !== undefined) return size === end;
    await sleep(BETWEEN_LOOKS_MS);
  }
  return true;
}
