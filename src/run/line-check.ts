/**
 * Holds the lines of a log, in its order, against the rules: each an event of this run, ids rising, nothing after the terminal one.
 *
 * Promise: everything is counted, and no more is kept of it than the report lists.
 */
import { MalformedLineError } from '../errors.js';
import { decodeLine } from '../format/decode.js';
import { builtInTypes, type RunEvent } from '../format/events.js';
import { LF, MAX_LINE_BYTES } from '../format/lines.js';
import type { LogEvent } from '../format/schema.js';
import type { Vocabulary } from '../format/vocabulary.js';
import { SequenceCheck } from './sequence-check.js';
import type { Problem, VerifyReport, Warning } from './verify-report.js';

/** How much is accepted and listed; the defaults are those of `verifyRun`. */
interface CheckBounds {
  readonly maxLineBytes?: number | undefined;
  readonly maxProblems?: number | undefined;
}

/** Checks one log. */
export class LineCheck {
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

  constructor(runId: string, events: Vocabulary, bounds: CheckBounds) {
    this.#runId = runId;
    this.#sequence = new SequenceCheck(runId);
    this.#vocabulary = events;
    this.#builtIn = builtInTypes(events);
    this.#maxLineBytes = bounds.maxLineBytes ?? MAX_LINE_BYTES;
    this.#maxProblems = bounds.maxProblems ?? 1000;
  }

  /** Whole lines that are at `offset` in the log. */
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

  /** What was found; the log ends at `offset`, but for a torn tail. */
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
