/**
 * What the server of the live page says: the type of every JSON answer and of every server-sent event. Types only, so that
 * a page in a browser and a program in Node can both import it.
 *
 *     GET /api/v1/runs                               RunsAnswer
 *     GET /api/v1/runs/RUN                           RunAnswer
 *     GET /api/v1/runs/RUN/events                    EventsAnswer
 *     GET /api/v1/runs/RUN/nodes/NODE/output         OutputAnswer
 *     GET /api/v1/runs/RUN/nodes/NODE/output/search  SearchAnswer
 *     GET /api/v1/runs/RUN/nodes/NODE/output/raw     the bytes of the file, as text/plain; takes Range
 *     GET /api/v1/stream                             server-sent events of the list of runs: `runs`, `reset`
 *     GET /api/v1/stream?run=RUN                     of one run: `state`, `event`, `output`, `reset`, `end`
 *
 * Promises: a field is only ever added. RUN and NODE are percent-encoded parts of a path (`encodeURIComponent`). Whatever is no
 * 2xx is an `ErrorAnswer`. Times named `...At` or `...Ts` are the texts of the events: RFC 3339, UTC, with milliseconds,
 * where the writer kept to that; nothing promises that `Date.parse` can read them. `now` is the clock of the server, so that a
 * page can let the bar of a running node grow although its own clock is off. Positions, offsets and sizes are in bytes. An
 * absent property is left out, never null. All text is as it is in the log or the file: it may hold control characters,
 * escape sequences and markup, and goes into a page as text nodes only. A text of an event with more than 4000 characters (a `message`,
 * `reason`, `stdout`, the value of an input) has its middle left out and says so there; see `PlacedEvent`.
 */

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Any event: what every vocabulary has, and the fields of its type, as they are in the log. */
export interface ApiEvent {
  /** The type, for example `node.started`. */
  readonly type: string;
  /** The id of the event. */
  readonly id: string;
  /** When it happened. */
  readonly ts: string;
  /** The run it belongs to. */
  readonly run_id: string;
  /** The fields of its type. */
  readonly [field: string]: Json;
}

/** Every answer that is no 2xx. */
export interface ErrorAnswer {
  /** What is wrong. */
  readonly error: {
    /**
     * A code of the library (`ERR_RUN_NOT_FOUND`, ...), or of the server: `request` (it makes no sense), `token` (log in with the printed
     * address), `host`, `method`, `path` (there is nothing at this address), `busy` (too many streams).
     */
    readonly code: string;
    /** For people. */
    readonly message: string;
  };
}

/** `running` until a terminal event was seen, also when the writer died. */
export type RunStatus = 'running' | 'completed' | 'aborted';

/** A run in the list. */
export interface RunRow {
  /** `<pipe>-<ulid>` */
  readonly runId: string;
  /** The pipe, as the run id has it. */
  readonly pipe: string;
  /** How far it has come. */
  readonly status: RunStatus;
  /** Why the run was aborted; absent unless it was. */
  readonly reason?: string;
  /** Not ended, and a writer holds the log open. Absent where that is not known: a copy on a server. */
  readonly live?: boolean;
  /** Not ended, surely no writer holds it, and nothing was written for a minute. Absent where that is not known. */
  readonly orphan?: boolean;
  /** When the pipe started; absent where the log does not say. The time in the ULID of the run id is always there. */
  readonly startedAt?: string;
  /** When the last event happened; absent where there is none. */
  readonly lastTs?: string;
  /** From start to end, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** The size of the log in bytes. */
  readonly bytes: number;
  /** What is wrong with the log: the run is shown as damaged. Absent where nothing is. */
  readonly problem?: string;
  /**
   * Counts need a reading of the whole log. They are absent in the list and in `runs` messages unless the server has them
   * at hand; they are there in a `RunAnswer`, in a `state` message, and in a list asked for with `counts=1`.
   */
  readonly counts?: RunCounts;
}

/** What a reading of the whole log counts. */
export interface RunCounts {
  /** How many events. */
  readonly events: number;
  /** How many nodes. */
  readonly nodes: number;
  /** How many nodes run at their latest attempt. */
  readonly running: number;
  /** How many completed. */
  readonly completed: number;
  /** How many failed. */
  readonly failed: number;
}

/** Where the runs come from. */
export interface SourceFacts {
  /** A volume on this machine, or the copies on a NATS server. */
  readonly kind: 'volume' | 'nats';
  /** For people: the path of the volume root, or the name of the stream. */
  readonly name: string;
  /** Whether output files are here. False for `nats`: they are not mirrored, and every output answer is a 404 `ERR_CAPTURE_NOT_FOUND`. */
  readonly outputs: boolean;
}

/**
 * The list of runs, newest first (by the ULID).
 *
 * Parameters, all optional, and all combine: `pipe`; `status` (one of `RunStatus`); `text` (in the run id, the reason or the
 * problem, whatever the case); `before` (a run id: only older runs); `limit` (1000 by default, 10000 at most); `runs` (run ids
 * with commas, 100 at most: only these); `counts=1` (with `runs` only: reads those logs, so ask for what is visible).
 */
export interface RunsAnswer {
  /** Where they are. */
  readonly source: SourceFacts;
  /** The runs. */
  readonly runs: readonly RunRow[];
  /** How many runs match, of which `runs` may be a part. */
  readonly total: number;
  /** Pass it as `before` for the next page; absent on the last one. */
  readonly before?: string;
  /** The pipes of all runs, sorted: for a filter. */
  readonly pipes: readonly string[];
  /** Pass it as `after` to `/stream`: what changes from here on comes there. */
  readonly cursor: string;
  /** Milliseconds since the epoch, on the clock of the server. */
  readonly now: number;
}

/** An attempt of a node. */
export interface AttemptView {
  /** Absent where the log has an end without a start. */
  readonly startedAt?: string;
  /** Absent while it runs. */
  readonly endedAt?: string;
  /** `interrupted`: another attempt began, or the run ended, without an end of this one. */
  readonly status: 'running' | 'completed' | 'failed' | 'interrupted';
}

/** An iteration of a loop node. */
export interface IterationView {
  /** Its number, as the event has it. */
  readonly iteration: number;
  /** When it began. */
  readonly startedAt: string;
  /** Where its output begins in the output file, in bytes. */
  readonly start: number;
  /** Where it ends, in bytes; absent for the last one, which goes on to the end of the file. */
  readonly end?: number;
}

/** A gate that a node passed in its latest attempt, in those right before that were interrupted, or before its first start. */
export interface GateView {
  /** The name of the gate. */
  readonly gate: string;
  /** How it was passed: `hook`, `human_cli`, `mcp_tool`. */
  readonly method: string;
  /** When. */
  readonly passedAt: string;
  /** What it printed, or the end of that; absent where the event has none. */
  readonly stdout?: string;
}

/** A node: what the log says of its latest attempt, and the times of all. */
export interface NodeView {
  /** Its id: any text, not only a file name. */
  readonly nodeId: string;
  /** Its place in the order of first appearance, from 0; never changes. */
  readonly index: number;
  /** `command`, `prompt`, `bash`, `loop`; absent where no `node.started` was seen. */
  readonly kind?: string;
  /** Its name for people; absent where it has none. */
  readonly name?: string;
  /** The model it asks; absent where it asks none. */
  readonly model?: string;
  /** Of the latest attempt. `interrupted` where the run has ended and the node has not. */
  readonly status: 'running' | 'completed' | 'failed' | 'interrupted';
  /** Why it failed, for programs; absent unless it did. */
  readonly errorKind?: string;
  /** Why it failed, for people; absent where the event has none. */
  readonly message?: string;
  /** What the log says of where its output is; to be shown, never followed. Absent unless it completed. */
  readonly outputPath?: string;
  /** The first `startedAt` of the latest attempt; absent where no `node.started` was seen. */
  readonly startedAt?: string;
  /** Absent while it runs. */
  readonly endedAt?: string;
  /** Of the latest attempt, in milliseconds; absent while it runs, or where a time cannot be read. */
  readonly durationMs?: number;
  /** How often the node started. */
  readonly attemptCount: number;
  /** The latest attempts, oldest first, 100 at most. */
  readonly attempts: readonly AttemptView[];
  /** How many iterations began in the latest attempt. */
  readonly iterationCount: number;
  /** The latest of them, oldest first, 200 at most; output answers take `iteration` for the latest 1000. */
  readonly iterations: readonly IterationView[];
  /** The latest gates, oldest first, 20 at most. */
  readonly gates: readonly GateView[];
  /** The event number (see `EventsAnswer`) of the latest event of the node: a way from a node to the Events tab. */
  readonly lastEvent: number;
}

/** What a run is apart from its nodes. */
export interface RunHead extends RunRow {
  /** What its whole log counts. */
  readonly counts: RunCounts;
  /** Empty where nothing was given. */
  readonly inputs: readonly { readonly key: string; readonly value: string }[];
  /** Empty where `pipe.started` has none. */
  readonly distroVersion: string;
  /** When the terminal event happened; absent while it runs. */
  readonly endedAt?: string;
  /** The earliest and latest times that could be read in the events, in milliseconds since the epoch: the axis of the Gantt. Absent where none could. */
  readonly extent?: { readonly start: number; readonly end: number };
  /** Malformed lines that were passed over; `problem` says the first. */
  readonly malformedLines: number;
}

/**
 * A run as a whole: all that a first paint needs.
 *
 * Parameter `nodes=0` leaves the nodes out: the cheap look of a hidden tab, once a minute, for its title.
 */
export interface RunAnswer {
  /** Where it is. */
  readonly source: SourceFacts;
  /** The run without its nodes. */
  readonly run: RunHead;
  /** In the order of `index`. Empty with `nodes=0`. */
  readonly nodes: readonly NodeView[];
  /** Pass it as `after` to `/stream?run=RUN`: every event after this answer comes there, once. */
  readonly cursor: string;
  /** Milliseconds since the epoch, on the clock of the server. */
  readonly now: number;
}

/** An event with its place. */
export interface PlacedEvent {
  /** Its number in the log, from 0; malformed lines are not counted. Absent where a filter (`types`, `node`) was given with `from`. */
  readonly number?: number;
  /** The position after it, in bytes. */
  readonly position: number;
  /** The event; see `shortened`. */
  readonly event: ApiEvent;
  /**
   * True where the event is not as it is in the log: of a text of more than 4000 characters the middle is left out, which the text says
   * (`… (96000 characters left out) …`), of an id of more than 500 likewise, and lists and objects end after about 65536 characters. Absent
   * where it is whole. `whole=1` gives all.
   */
  readonly shortened?: true;
}

/**
 * A window of the events of a run.
 *
 * Without a filter ask by number, as a virtual list does: `number` (from 0; negative: from the end, so `number=-200` is the last
 * 200) and `limit` (200 by default, 1000 at most). With a filter, `types` (with commas) or `node`: `from` (a position; 0 by default)
 * and `limit` for a page of what matches from there on, or `last` (1000 at most) for the last that match.
 *
 * A page has at most about 2 MB: it may end before `limit`, and has fewer than `last`. With `number`, `limit=1` and `whole=1` it is one event
 * as it is in the log, however long.
 */
export interface EventsAnswer {
  /** In the order of the log. */
  readonly events: readonly PlacedEvent[];
  /** How many events the log holds at this moment, whatever the filter. */
  readonly total: number;
  /** Pass it as `from` to go on; for a page by number go on with the number after the last one. */
  readonly next: number;
  /** Nothing more matches after `next` at this moment. */
  readonly atEnd: boolean;
}

/** A line of an output. */
export interface OutputLine {
  /** Its number in the whole file, from 1. Absent where the answer was asked for by byte. */
  readonly number?: number;
  /** Where it begins in the file, in bytes. */
  readonly offset: number;
  /** Its length, without the newline, in bytes. */
  readonly bytes: number;
  /**
   * Its text without the newline: ANSI sequences and carriage returns are in it; bytes that are no UTF-8 are U+FFFD. Cut at 8192
   * bytes: where `bytes` is more, ask for the rest with `from` = `offset` and `bytes`, and read `text` of the answer.
   */
  readonly text: string;
}

/**
 * A window of a node's output: the file `nodes/<node>.out` of the run. `ERR_CAPTURE_NOT_FOUND` (404) where there is none (yet).
 *
 * By line: `line` (from 1; negative: from the end, so `line=-200` is the last 200) and `lines` (200 by default, 2000 at most). By
 * byte: `from` (negative: from the end) and `bytes` (65536 by default, 1048576 at most). The default is `line=-200`.
 * `iteration=N` (the latest attempt's iteration N, without the marker line of the next) bounds the window; numbers and offsets are those
 * of the whole file all the same.
 */
export interface OutputAnswer {
  /** The size of the file. */
  readonly size: number;
  /** Where the window begins, in bytes. Asked for by byte, it is moved to the limits of characters. */
  readonly start: number;
  /** Where it ends, in bytes: the first byte that is not in it. */
  readonly end: number;
  /** What the window could be at most: the whole file (0 and `size`), or the iteration asked for. */
  readonly bounds: { readonly start: number; readonly end: number };
  /** The lines of the window, where it was asked for by line. Empty by byte. */
  readonly lines: readonly OutputLine[];
  /** The text of the window, where it was asked for by byte. Empty by line. */
  readonly text: string;
  /** The number of the first line within `bounds`, from 1; absent by byte. */
  readonly firstLine?: number;
  /** How many lines `bounds` holds, an unfinished last one included; absent by byte. */
  readonly totalLines?: number;
  /** Whether `end` is within a line, which may still grow. */
  readonly unfinished: boolean;
  /** Pass it as `output` to `/stream?run=RUN&node=NODE`: output after `end` comes there. Given where `end` is that of the file; absent otherwise. */
  readonly cursor?: string;
}

/** A line that holds what was searched for. */
export interface SearchHit {
  /** The number of the line in the whole file, from 1. */
  readonly line: number;
  /** Where the line begins in the file, in bytes. */
  readonly offset: number;
  /** How many matches the line holds. */
  readonly matches: number;
  /** The text around the first match, without escape sequences, 200 characters at most. */
  readonly excerpt: string;
  /** Where the first match begins in `excerpt`, in UTF-16 units. */
  readonly matchStart: number;
  /** Where it ends there. */
  readonly matchEnd: number;
}

/**
 * All places of a text in an output, over the whole file (or the iteration).
 *
 * Parameters: `q` (plain text, 1 to 1000 characters, within one line); `case=1` (case matters; by default it does not); `iteration`; `limit` (hits
 * returned: 500 by default, 5000 at most); `from` (a line number: hits from this line on; the counts are of everything all the same).
 * Escape sequences are not searched and do not split a match. Disconnecting ends the search.
 */
export interface SearchAnswer {
  /** How many lines match: exact, of the whole file up to `size`. */
  readonly lines: number;
  /** How many matches there are: exact as well. */
  readonly matches: number;
  /** Matching lines, `limit` at most. */
  readonly hits: readonly SearchHit[];
  /** How many matching lines are before the first of `hits`. */
  readonly before: number;
  /** The size of the file when it was searched. */
  readonly size: number;
}

/**
 * `GET /api/v1/stream`: server-sent events. One stream a tab; close it while the tab is hidden.
 *
 * Parameters for the list: `after` (the `cursor` of a `RunsAnswer`). For a run: `run`; `after` (the `cursor` of a `RunAnswer`; without it the
 * stream begins with a whole `state`, and events from then on); `node` (follow its output as well) and `output` (the `cursor` of an
 * `OutputAnswer`; without it from the end of the file as it is now).
 *
 * Messages have an `id` that holds all cursors, so an EventSource that reconnects by itself goes on where it was. A new
 * EventSource passes `lastEventId` of the last message as `last` with the same `run` and `node`. A cursor that does not fit any more (another log, a server
 * that forgot) makes the stream begin with `reset`. A comment comes every 15 seconds. After `end` close the EventSource; one that
 * reconnects all the same is answered with 204. A deleted run is 404, which an EventSource does not retry.
 */
export interface StreamMessages {
  /** Of the list: rows that are new or have changed, and runs that are gone. */
  readonly runs: {
    readonly runs: readonly RunRow[];
    readonly removed: readonly string[];
    readonly now: number;
  };
  /** Of a run: one event, in order, none missing and none twice. */
  readonly event: PlacedEvent;
  /**
   * Of a run: what the events before it changed; comes after each burst of events, and at times without one (`live`, `orphan`). `run` is whole.
   * `nodes` are the nodes that changed, each whole: put them in place by `index`. With `whole`, they are all there are.
   */
  readonly state: {
    readonly run: RunHead;
    readonly nodes: readonly NodeView[];
    readonly whole: boolean;
    readonly now: number;
  };
  /**
   * Of the output of `node`: what was written, in order. `start` is the `end` of the message before, unless the file was
   * begun again or is another one (`restarted`, what was shown is gone), or the page lagged so far that output was passed over
   * (`start` is greater: ask for the gap if it is wanted). The text ends at the limit of a character, not always of a line.
   */
  readonly output: {
    readonly node: string;
    readonly start: number;
    readonly end: number;
    readonly text: string;
    readonly restarted: boolean;
  };
  /** What the page has is not what the server has: fetch again, then open a new stream. The stream ends. */
  readonly reset: { readonly reason: 'cursor' | 'replaced' | 'truncated' | 'gone'; readonly message: string };
  /** Of a run: it has ended, and all events and all output were sent. The stream ends. */
  readonly end: { readonly status: RunStatus };
}

/** The name of a message: the `event` field of a server-sent event. */
export type StreamMessageName = keyof StreamMessages;
