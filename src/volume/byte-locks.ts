/**
 * Locks on single bytes of a log, far beyond its end: who writes to a run, and who drives it, for others to see.
 *
 * They are locks of open file descriptions, asked for with fcntl(2); Windows has its own (windows-marks.ts). Promises: a lock belongs to the one opening of a file
 * that took it and goes with it, however the process ended; closing another descriptor of the same file does not matter.
 * Asking takes nothing, so those who ask never see each other. The bytes need not be there, and on Linux flock(2) on the same
 * file is another matter. Nothing here waits. Where such locks do not work (another platform, a file system without them,
 * no koffi) the answer is `undefined`.
 */
import { EventLogError } from '../errors.js';
import { libc } from './flock.js';
import { PLATFORM } from './platform.js';
import { isMarked, mark, markAlone, unmarkAlone } from './windows-marks.js';

/** Shared by all who have the log open for appending. */
export const LIVE_BYTE: bigint = 2n ** 62n;
/** Held by the one process that drives the run. */
export const OWNER_BYTE: bigint = LIVE_BYTE + 1n;

const WINDOWS = PLATFORM.locks === 'LockFileEx';

/** No `struct flock` is larger. */
const STRUCT_BYTES = 64;

/** Shares a byte with others; false when somebody holds it alone. The descriptor must be open for reading. */
export function shareByte(fd: number, byte: bigint): boolean | undefined {
  return WINDOWS ? answered(() => mark(fd, byte - LIVE_BYTE)) : ask(fd, byte, 'set', 'read')?.granted;
}

/** Takes a byte for oneself; false when somebody else has it. The descriptor must be open for writing. */
export function takeByte(fd: number, byte: bigint): boolean | undefined {
  return WINDOWS ? answered(() => markAlone(fd, byte - LIVE_BYTE)) : ask(fd, byte, 'set', 'write')?.granted;
}

/** Gives a byte back that was taken for oneself. */
export function freeByte(fd: number, byte: bigint): void {
  if (WINDOWS) unmarkAlone(fd, byte - LIVE_BYTE);
  else ask(fd, byte, 'set', 'none');
}

/** Whether another opening of this file shares the byte or has it; takes nothing. */
export function isByteHeld(fd: number, byte: bigint): boolean | undefined {
  return WINDOWS ? answered(() => isMarked(fd, byte - LIVE_BYTE)) : ask(fd, byte, 'get', 'write')?.held;
}

interface Answer {
  readonly granted: boolean;
  /** Asks only: whether somebody else's lock is in the way. */
  readonly held: boolean;
}

/** Asks the system once; undefined where it knows no such locks. */
function ask(
  fd: number,
  byte: bigint,
  command: 'set' | 'get',
  type: 'read' | 'write' | 'none',
): Answer | undefined {
  const locks = PLATFORM.byteLocks;
  const system = locks === undefined ? undefined : answered(libc);
  if (locks === undefined || system === undefined) return undefined;
  const space = new ArrayBuffer(STRUCT_BYTES); // zeros: counted from the start of the file, and no process id
  const types = new Int16Array(space, locks.typeAt, 1);
  types[0] = locks[type];
  new BigInt64Array(space, locks.startAt, 1)[0] = byte;
  new BigInt64Array(space, locks.lengthAt, 1)[0] = 1n;
  if (system.fcntl(fd, locks[command], new Uint8Array(space)) === 0) {
    return { granted: true, held: types[0] !== locks.none };
  }
  const { EAGAIN, EACCES } = system.codes;
  const code = system.errno();
  return code === EAGAIN || code === EACCES ? { granted: false, held: true } : undefined;
}

/** Undefined where such locks cannot be asked for. */
function answered<Result>(question: () => Result): Result | undefined {
  try {
    return question();
  } catch (error) {
    if (error instanceof EventLogError && error.code === 'ERR_LOCK_UNSUPPORTED') return undefined;
    throw error;
  }
}
