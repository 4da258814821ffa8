/**
 * Every error this library raises, and the one place where their messages are put together.
 *
 * Promise: a failure is an `EventLogError` with a stable `code`; the message names the path, the line and the byte
 * offset where there is one, and `cause` keeps the original error. Messages may change, codes do not.
 */

import { constants } from 'node:os';

/** The stable codes of `EventLogError`; each has a heading on the page of its wing. */
export type EventLogErrorCode =
  | 'ERR_BACKLOG_FULL'
  | 'ERR_CAPTURE_NOT_FOUND'
  | 'ERR_CAPTURE_TRUNCATED'
  | 'ERR_INVALID_EVENT'
  | 'ERR_INVALID_PIPE'
  | 'ERR_INVALID_POSITION'
  | 'ERR_INVALID_RUN_ID'
  | 'ERR_LINE_TOO_LONG'
  | 'ERR_LOCK_TIMEOUT'
  | 'ERR_LOCK_UNSUPPORTED'
  | 'ERR_LOG_CLOSED'
  | 'ERR_LOG_CORRUPT'
  | 'ERR_LOG_FAILED'
  | 'ERR_LOG_REPLACED'
  | 'ERR_LOG_TRUNCATED'
  | 'ERR_MALFORMED_LINE'
  | 'ERR_MESSAGE_TOO_LARGE'
  | 'ERR_MIRROR_DIVERGED'
  | 'ERR_NO_SPACE'
  | 'ERR_POSITION_CONFLICT'
  | 'ERR_REMOTE_FAILED'
  | 'ERR_ROOT_NOT_FOUND'
  | 'ERR_RUN_ENDED'
  | 'ERR_RUN_EXISTS'
  | 'ERR_RUN_NOT_FOUND'
  | 'ERR_RUN_OWNED'
  | 'ERR_SNAPSHOT_INVALID'
  | 'ERR_STREAM_NOT_FOUND'
  | 'ERR_STREAM_UNSUITABLE'
  | 'ERR_SYSTEM'
  | 'ERR_UNSAFE_PATH'
  | 'ERR_VOCABULARY_CONFLICT'
  | 'ERR_VOCABULARY_INVALID';

/** Why a line is not an event; see `MalformedLineError`. */
export type MalformedKind = 'utf8' | 'json' | 'type' | 'field';

/** Where and why: the optional facts of an `EventLogError`. */
export interface ErrorFacts {
  /** The file or folder concerned. */
  readonly path?: string | undefined;
  /** The line, counted from 1; known only when reading began at the start of the file. */
  readonly line?: number | undefined;
  /** The byte offset of the start of the line, or of the damage. */
  readonly offset?: number | undefined;
  /** The path of the offending field, e.g. `inputs[2].key`. */
  readonly field?: string | undefined;
  /** How many of the events of the call are on disk and stay. */
  readonly kept?: number | undefined;
  /** Where the log ends, in bytes. */
  readonly position?: number | undefined;
  /** The type of the event that was refused. */
  readonly type?: string | undefined;
  /** The node of the event that was refused, where it has one. */
  readonly node_id?: string | undefined;
  /** The original error. */
  readonly cause?: unknown;
}

/**
 * An error raised by the library: narrow it by `code`.
 *
 * @example
 * try {
 *   await log.append(draft);
 * } catch (error) {
 *   if (error instanceof EventLogError && error.code === 'ERR_NO_SPACE') await freeSomeSpace();
 *   else throw error;
 * }
 */
export class EventLogError extends Error {
  /** `EventLogError`, or the name of the class that extends it. */
  override readonly name: string = 'EventLogError';
  /** What went wrong; stable across releases. */
  readonly code: EventLogErrorCode;
  /** The file or folder concerned. */
  readonly path: string | undefined;
  /** The line, counted from 1, when reading began at the start of the file. */
  readonly line: number | undefined;
  /** The byte offset of the line or of the damage. */
  readonly offset: number | undefined;
  /** The path of the offending field of a draft. */
  readonly field: string | undefined;
  /** Of a call that found no room (`ERR_NO_SPACE`): how many of its events, its first ones, are on disk and stay; absent otherwise. */
  readonly kept: number | undefined;
  /** Where the log ends, in bytes, where that is not what was expected (`ERR_POSITION_CONFLICT`); absent otherwise. */
  readonly position: number | undefined;

  /** The type of the event that was refused. */
  readonly type: string | undefined;
  /** The node of the event that was refused, where it has one. */
  readonly node_id: string | undefined;
  readonly #what: string;

  /** Called by the library; `what` is the message without the whereabouts. */
  constructor(code: EventLogErrorCode, what: string, facts: ErrorFacts = {}) {
    super(what + whereabouts(what, facts), 'cause' in facts ? { cause: facts.cause } : undefined);
    this.code = code;
    this.path = facts.path;
    this.line = facts.line;
    this.offset = facts.offset;
    this.field = facts.field;
    this.kept = facts.kept;
    this.position = facts.position;
    this.type = facts.type;
    this.node_id = facts.node_id;
    this.#what = what;
  }

  /** Called by the library: the same error about one event, which the message names. What is not an error of the library stays as it is. */
  static about(event: Pick<ErrorFacts, 'type' | 'node_id'>, error: unknown): unknown {
    if (!(error instanceof EventLogError) || error.type !== undefined || event.type === undefined)
      return error;
    const { code, path, line, offset, field, kept, position } = error;
    const cause = 'cause' in error ? { cause: error.cause } : {};
    return new EventLogError(code, error.#what, {
      ...{ path, line, offset, field, kept, position },
      ...event,
      ...cause,
    });
  }
}

/**
 * A complete line that is not an event (`ERR_MALFORMED_LINE`); `reason` says why, without the whereabouts.
 *
 * @example
 * const skipped: MalformedLineError[] = [];
 * const events = await EventLog.read(root, runId, { onMalformed: error => skipped.push(error) }).toArray();
 */
export class MalformedLineError extends EventLogError {
  /** `ERR_MALFORMED_LINE` */
  declare readonly code: 'ERR_MALFORMED_LINE';
  /** `MalformedLineError` */
  override readonly name = 'MalformedLineError';
  /** Why the line is not an event. */
  readonly reason: string;
  /**
   * The same for programs. `utf8`: its bytes are not UTF-8; `json`: it is not a JSON object; `type`: its event type is not in the
   * vocabulary, but perhaps in a newer one; `field`: a field breaks the schema.
   */
  readonly kind: MalformedKind;

  /** Called by the library; the code is always `ERR_MALFORMED_LINE`. */
  constructor(reason: string, facts: ErrorFacts & { readonly kind?: MalformedKind } = {}) {
    super('ERR_MALFORMED_LINE', `malformed line: ${reason}`, facts);
    this.reason = reason;
    this.kind = facts.kind ?? 'field';
  }
}

function whereabouts(what: string, { type, node_id, path, line, offset }: ErrorFacts): string {
  const places: string[] = [];
  if (type !== undefined) places.push(node_id === undefined ? type : `${type} of node ${shortened(node_id)}`);
  if (path !== undefined && path !== '' && !names(what, path)) places.push(path);
  if (line !== undefined) places.push(`line ${line}`);
  if (offset !== undefined) places.push(`byte offset ${offset}`);
  return places.length === 0 ? '' : ` (${places.join(', ')})`;
}

/** Whether a message of the system names the path already, as it does between two others: `rename 'a' -> 'b'`. */
function names(message: string, path: string): boolean {
  for (let start = message.indexOf(path); start !== -1; start = message.indexOf(path, start + 1)) {
    const [before = '', after = ''] = [message[start - 1], message[start + path.length]];
    if (/^['" (]?$/.test(before) && /^['" ,:;)]?$/.test(after)) return true;
  }
  return false;
}

const LONGEST_SHOWN = 80;

function shortened(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}

/**
 * The errno name of a system error (`ENOSPC`, `ENOENT`, ...), or undefined for anything else. Known by its properties: where
 * code runs in a context of its own, as under Jest, Node's errors are not instances of that context's `Error`.
 */
export function errnoOf(error: unknown): string | undefined {
  if (property(error, 'errno') === -constants.errno.EDQUOT) return 'EDQUOT'; // libuv has no name for it
  const code = property(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** The system call that failed. */
export function syscallOf(error: unknown): string | undefined {
  const syscall = property(error, 'syscall');
  return typeof syscall === 'string' ? syscall : undefined;
}

/** The message of an error, or a text for what is none. */
export function messageOf(error: unknown): string {
  const message = property(error, 'message');
  return typeof message === 'string' ? message : String(error);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The error for a link, or for something that is not what must be there. */
export function unsafePath(path: string, what: string): EventLogError {
  return new EventLogError('ERR_UNSAFE_PATH', what, { path });
}

/** The error for a volume root that is not there. */
export function rootNotFound(root: string): EventLogError {
  return new EventLogError('ERR_ROOT_NOT_FOUND', 'the volume root does not exist', { path: root });
}

/** Wraps what the operating system said where no other code says more. */
export function systemError(what: string, path: string, cause: unknown): EventLogError {
  if (cause instanceof EventLogError) return cause;
  if (isNoSpace(cause))
    return new EventLogError('ERR_NO_SPACE', `${what}: no space left`, {
      path,
      cause,
    });
  if (isLockedOut(cause))
    return new EventLogError('ERR_LOCK_TIMEOUT', `${what}: another program has locked the file`, {
      path,
      cause,
    });
  return new EventLogError('ERR_SYSTEM', `${what}: ${withoutPath(messageOf(cause), path)}`, {
    path,
    cause,
  });
}

/** What the system said, without the path at its end where that is the only one, and the one that the error names anyway. */
function withoutPath(message: string, path: string): string {
  const end = ` '${path}'`;
  return message.endsWith(end) && !message.endsWith(` ->${end}`) ? message.slice(0, -end.length) : message;
}

/** Whether the process has no descriptor left, or the system none: that says nothing of the file concerned. */
export function isOutOfDescriptors(error: unknown): boolean {
  const errno = errnoOf(property(error, 'cause') ?? error);
  return errno === 'EMFILE' || errno === 'ENFILE';
}

/** Whether a read or write failed for the lock of another program, which on Windows keeps everybody else out: nothing was done. */
export function isLockedOut(error: unknown): boolean {
  const syscall = syscallOf(error);
  return errnoOf(error) === 'EBUSY' && (syscall === 'read' || syscall === 'write');
}

/** Whether a system error says that the disk, a quota or the file size limit is used up. */
export function isNoSpace(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOSPC' || errno === 'EDQUOT' || errno === 'EFBIG';
}
