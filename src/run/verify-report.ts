/** What `verifyRun` reports: what is wrong with a log, what is odd about it, and how much there is of both. */
import type { WarningKind } from './sequence-check.js';

/** One thing that is wrong with a log. */
export interface Problem {
  /**
   * What it is, for programs. `malformed`: a whole line is not an event; `line-too-long`: it is over the limit, and so was not checked;
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
