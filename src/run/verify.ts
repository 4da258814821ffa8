/**
 * Checking a run, for operators.
 *
 * Promises: `verifyRun` names everything that is wrong with a log and does not change a byte. What a writer is at this moment is not
 * wrong: the end of its commit is waited for, and a vocabulary it has added to is read again. Memory stays bounded,
 * however much is wrong and however long a line is; after a line over the limit checking goes on.
 */

import { EventLogError, MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import { builtInTypes, omneEvents, type RunEvent } from '../format/events.js';
import { LF, LineCutter, MAX_LINE_BYTES, nextLineStart } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import { isVocabulary, type Vocabulary } from '../format/vocabulary.js';
import { checkOptions, isFunction, isInteger, isSignal, type OptionCheck } from '../options.js';
import { runVocabulary } from '../read/run-vocabulary.js';
import { monotonicMs, sleep } from '../real-time.js';
import { LOCK_TIMEOUT_MS } from '../volume/flock.js';
import { placesOf } from '../volume/places.js';
import { openForReading, type ReadableLog } from '../volume/readable-log.js';
import { SequenceCheck, type WarningKind } from './sequence-check.js';

/** One thing that is wrong with a log. */
export interface Problem {
  /**
   * What it is, for programs. `malformed`: a whole line is no event; `line-too-long`: it is over the limit, and so was not checked;
   * `id-not-rising`: an id is not greater than the one before; `foreign-run-id`: an event of another run;
   * `behind-terminal`: an event is after the one that ended the run; `torn-tail`: unterminated bytes at the end.
   */
  readonly kind:
    | 'malformed'
    | 'line-too-long'
    | 'id-not-rising'
    | 'foreign-run-id'
    | 'behind-terminal'
    | 'torn-tail';
  /** The line, counted from 1. */
  readonly line: number;
  /** The byte offset of its start. */
  readonly offset: number;
  /** What is wrong, in words. */
  readonly message: string;
}

/** One thing that is allowed in a log, but that no executor means. */
export interface Warning {
  /**
   * What it is, for programs. `node-id-no-file-name`: the node can have no capture file; `pipe-started-twice`; `other-pipe`: the pipe
   * is not that of the run id; `end-without-start`: a node ended that was not running; `gate-without-start`, `iteration-without-start`: a
   * node passed a gate or began an iteration before it had ever started; `completed-while-running`: the pipe completed before its nodes
   * had ended.
   */
  readonly kind: WarningKind;
  /** The line, counted from 1. */
  readonly line: number;
  /** The byte offset of its start. */
  readonly offset: number;
  /** What is odd, in words. */
  readonly message: string;
}

/** What `verifyRun` found. */
export interface VerifyReport {
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** The path of the log. */
  readonly path: string;
  /** Nothing is wrong; a torn tail counts as wrong. */
  readonly ok: boolean;
  /** The size of the log in bytes. */
  readonly bytes: number;
  /** Whole lines. */
  readonly lines: number;
  /** Whole lines that are events. */
  readonly events: number;
  /** Unterminated bytes at the end. */
  readonly tornBytes: number;
  /** Whether the run has a terminal event. */
  readonly ended: boolean;
  /** How many problems there are in all. */
  readonly problemCount: number;
  /** The first `maxProblems` of them, in file order. */
  readonly problems: readonly Problem[];
  /** How many warnings there are in all; a run with warnings is `ok`. */
  readonly warningCount: number;
  /** The first `maxProblems` of them, in file order. */
  readonly warnings: readonly Warning[];
}

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
 * log is no error but part of the report.
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
      const report = await verifyLog(log, runId, { ...options, events });
      const before = events;
      if (report.ok || (events = await vocabulary()) === before) return report;
    }
  } finally {
    await log.close();
  }
}

/** Checks every line of a log against one vocabulary. */
async function verifyLog(log: ReadableLog, runId: string, options: VerifyOptions): Promise<VerifyReport> {
  const { maxLineBytes = MAX_LINE_BYTES, onProgress, signal } = options;
  let cutter = new LineCutter(0, { maxLineBytes });
  const check = new LineChecker(runId, options);
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

/** Holds each line against the rules of a log. */
class LineChecker {
  readonly #vocabulary: Vocabulary;
  readonly #builtIn: ReadonlySet<string>;
  readonly #runId: string;
  readonly #maxLineBytes: number;
  readonly #maxProblems: number;
  readonly #problems: Problem[] = [];
  readonly #warnings: Warning[] = [];
  readonly #sequence: SequenceCheck;
  #problemCount = 0;
  #warningCount = 0;
  #lines = 0;
  #events = 0;
  #lastId = '';
  #ended = false;

  constructor(runId: string, options: VerifyOptions) {
    this.#runId = runId;
    this.#sequence = new SequenceCheck(runId);
    this.#vocabulary = options.events ?? omneEvents;
    this.#builtIn = builtInTypes(this.#vocabulary);
    this.#maxLineBytes = options.maxLineBytes ?? MAX_LINE_BYTES;
    this.#maxProblems = options.maxProblems ?? 1000;
  }

  lines(bytes: Buffer, offset: number): void {
    for (let start = 0, end: number; start < bytes.length; start = end + 1) {
      end = bytes.indexOf(LF, start);
      this.#lines++;
      if (end - start > this.#maxLineBytes) {
        this.#tooLong(offset + start, end - start);
        continue;
      }
      try {
        this.#event(decodeLine(bytes.subarray(start, end), this.#vocabulary), offset + start);
      } catch (error) {
        if (!(error instanceof MalformedLineError)) throw error;
        this.#problem('malformed', offset + start, error.reason);
      }
    }
  }

  #event(event: LogEvent, offset: number): void {
    this.#events++;
    if (event.id <= this.#lastId) {
      this.#problem('id-not-rising', offset, `id ${event.id} is not greater than ${this.#lastId} before it`);
    } else {
      this.#lastId = event.id;
    }
    if (event.run_id !== this.#runId) {
      this.#problem('foreign-run-id', offset, `the event is of run ${event.run_id}`);
    }
    if (this.#ended) this.#problem('behind-terminal', offset, `${event.type} comes after the terminal event`);
    this.#ended ||= this.#vocabulary.isTerminal(event);
    if (!this.#isBuiltIn(event)) return; // nothing is known of what an executor of other events means
    for (const warning of this.#sequence.warningsOf(event)) {
      this.#warningCount++;
      if (this.#warnings.length < this.#maxProblems)
        this.#warnings.push({ ...warning, line: this.#lines, offset });
    }
  }

  #isBuiltIn(event: LogEvent): event is RunEvent {
    return this.#builtIn.has(event.type);
  }

  /** A line over the limit, which no buffer holds; `next` is where the one after it starts. */
  passedOver(offset: number, next: number): void {
    this.#lines++;
    this.#tooLong(offset, next - 1 - offset);
  }

  #tooLong(offset: number, bytes: number): void {
    const limit = `over the limit of ${this.#maxLineBytes} (maxLineBytes, --max-line-bytes), and was not checked`;
    this.#problem('line-too-long', offset, `the line has ${bytes} bytes, ${limit}`);
  }

  #problem(kind: Problem['kind'], offset: number, message: string): void {
    this.#problemCount++;
    if (this.#problems.length < this.#maxProblems) {
      this.#problems.push({ kind, line: this.#lines, offset, message });
    }
  }

  finish(offset: number, tornBytes: number): Omit<VerifyReport, 'runId' | 'path' | 'bytes'> {
    const lines = this.#lines;
    if (tornBytes > 0) {
      this.#lines++;
      this.#problem('torn-tail', offset, `${tornBytes} bytes without a newline at the end`);
    }
    return {
      ok: this.#problemCount === 0,
      lines,
      events: this.#events,
      tornBytes,
      ended: this.#ended,
      problemCount: this.#problemCount,
      problems: this.#problems,
      warningCount: this.#warningCount,
      warnings: this.#warnings,
    };
  }
}
