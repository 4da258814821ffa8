/**
 * The lock between processes, the one the Rust program takes: flock(2), called through koffi. On Windows it is LockFileEx. That
 * program locks the whole file there, so a lock on one byte keeps it out; the byte is far beyond the end, where it is in nobody's way.
 *
 * Promises: the lock belongs to one open file and dies with its process. Waiting polls without blocking a thread and
 * ends after the budget with `ERR_LOCK_TIMEOUT`. Where flock does not work the error is `ERR_LOCK_UNSUPPORTED`.
 */
import type koffi from 'koffi';
import { EventLogError, messageOf } from '../errors.js';
import { loadPackage } from '../packages.js';
import { monotonicMs, sleep } from '../real-time.js';
import { PLATFORM } from './platform.js';
import { type ByteRange, tryLockRange, unlockRange } from './windows-locks.js';

/** How long an append waits for the lock, in milliseconds, unless an option says otherwise. */
export const LOCK_TIMEOUT_MS = 5000;

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

/** What is called of libc. */
export interface Libc {
  flock(fd: number, operation: number): number;
  /** For the commands that take a `struct flock`; it is changed in place. */
  fcntl(fd: number, command: number, lock: Uint8Array): number;
  /** `fds` are so many `struct pollfd`; they are changed in place. */
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  errno(): number;
  readonly codes: { readonly [name: string]: number };
}

type VariadicFcntl = (fd: number, command: number, type: string, lock: Uint8Array) => number;

const LOCKED: ByteRange = { start: 0x7ffffffffffffffen, length: 1n };

let loaded: Libc | undefined;

/** Loaded at the first lock: a program that only reads never pays for it. */
export function libc(): Libc {
  if (loaded !== undefined) return loaded;
  if (PLATFORM.locks !== 'flock')
    throw new EventLogError('ERR_LOCK_UNSUPPORTED', 'this platform has no flock(2)');
  try {
    const library = loadPackage<typeof koffi>('koffi');
    const itself = library.load(null); // the process: Node is linked against libc
    const flock: Libc['flock'] = itself.func('int flock(int fd, int operation)');
    const fcntl: VariadicFcntl = itself.func('int fcntl(int fd, int command, ...)'); // passed otherwise on some machines
    const poll: Libc['poll'] = itself.func('int poll(void *fds, unsigned long count, int timeout)');
    loaded = {
      flock,
      poll,
      fcntl: (fd, command, lock) => fcntl(fd, command, 'void *', lock),
      errno: () => library.errno(),
      codes: library.os.errno,
    };
    return loaded;
  } catch (cause) {
    throw new EventLogError(
      'ERR_LOCK_UNSUPPORTED',
      `flock(2) could not be loaded: ${messageOf(cause)} (the package koffi, and its part for ${process.platform}-${process.arch}, must be installed; lock: false does without)`,
      { cause },
    );
  }
}

/**
 * Takes the lock if nobody holds it; returns whether it did. Does not wait. Through a descriptor that has the lock it is not asked
 * for once more: on Windows that is refused.
 */
export function tryLock(fd: number, path: string, mode: 'exclusive' | 'shared' = 'exclusive'): boolean {
  if (PLATFORM.locks === 'LockFileEx') return tryLockRange(fd, LOCKED, mode, path);
  const { flock, errno, codes } = libc();
  for (;;) {
    if (flock(fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
    const code = errno();
    if (code === codes['EAGAIN'] || code === codes['EWOULDBLOCK']) return false;
    if (code === codes['EINTR']) continue;
    const name = Object.keys(codes).find(key => codes[key] === code) ?? `errno ${code}`;
    throw new EventLogError('ERR_LOCK_UNSUPPORTED', `flock(2) failed with ${name}`, { path });
  }
}

/** What `look` returns while no writer is in a commit; undefined during one. Where no lock can be had it looks all the same. */
export function lookBetweenCommits<Result>(fd: number, path: string, look: () => Result): Result | undefined {
  try {
    if (!tryLock(fd, path, 'shared')) return undefined;
  } catch (error) {
    if (error instanceof EventLogError && error.code === 'ERR_LOCK_UNSUPPORTED') return look();
    throw error;
  }
  try {
    return look();
  } finally {
    unlock(fd);
  }
}

/** Gives the lock back. */
export function unlock(fd: number): void {
  if (PLATFORM.locks === 'LockFileEx') unlockRange(fd, LOCKED);
  else libc().flock(fd, LOCK_UN);
}

/**
 * Polls `attempt` every few milliseconds until it succeeds or the budget is used up (`ERR_LOCK_TIMEOUT`). `pauseMs` may
 * put the next poll off, up to the last one, when the budget ends. `askedAt` is when the waiting began, by `performance.now()`.
 */
export async function waitForLock(
  attempt: () => boolean,
  path: string,
  timeoutMs: number = LOCK_TIMEOUT_MS,
  pauseMs: () => number = () => 0,
  askedAt: number = monotonicMs(),
): Promise<void> {
  const deadline = askedAt + timeoutMs;
  while (!attempt()) {
    const left = deadline - monotonicMs();
    if (left <= 0) {
      const what = `the lock was held by others for ${timeoutMs} ms (option lockTimeout)`;
      throw new EventLogError('ERR_LOCK_TIMEOUT', what, { path });
    }
    await sleep(Math.min(left, Math.max(unevenMs(), pauseMs())));
  }
}

/** Uneven steps keep several waiters from polling in step with each other. */
function unevenMs(): number {
  return 1 + Math.random() * 3;
}
