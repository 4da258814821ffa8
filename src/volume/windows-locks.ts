/**
 * Locks on ranges of bytes on Windows: LockFileEx, called through koffi on the handle that a descriptor has.
 *
 * Promises: a lock belongs to one opening of a file and goes with it, however the process ended. Nothing waits. These locks are
 * mandatory, so the ranges used lie far beyond the end of any file: they keep nobody from reading or appending.
 */
import type koffi from 'koffi';
import { EventLogError, messageOf } from '../errors.js';
import { loadPackage } from '../packages.js';

/** A range of bytes of a file. */
export interface ByteRange {
  readonly start: bigint;
  readonly length: bigint;
}

const FAIL_IMMEDIATELY = 1;
const EXCLUSIVE = 2;
const OVERLAPPED_BYTES = 32;
const OFFSET_AT = 16; // in OVERLAPPED, on 64-bit machines
const ERROR_LOCK_VIOLATION = 33;
const ERROR_IO_PENDING = 997; // what some systems say for the same

interface Kernel {
  /** The handle of a descriptor of libuv: the C library in Node has a table of its own, which nobody else can ask. */
  handleOf(fd: number): number | bigint;
  lock(
    handle: number | bigint,
    flags: number,
    none: number,
    low: number,
    high: number,
    at: Uint8Array,
  ): number;
  unlock(handle: number | bigint, none: number, low: number, high: number, at: Uint8Array): number;
  lastError(): number;
}

let loaded: Kernel | undefined;

function kernel(): Kernel {
  if (loaded !== undefined) return loaded;
  try {
    const library = loadPackage<typeof koffi>('koffi');
    const program = library.load(process.execPath);
    const kernel32 = library.load('kernel32.dll');
    const range = 'uint32_t low, uint32_t high, void *at';
    loaded = {
      handleOf: program.func('intptr_t uv_get_osfhandle(int fd)'),
      lock: kernel32.func(`int LockFileEx(intptr_t handle, uint32_t flags, uint32_t none, ${range})`),
      unlock: kernel32.func(`int UnlockFileEx(intptr_t handle, uint32_t none, ${range})`),
      lastError: kernel32.func('uint32_t GetLastError()'),
    };
    return loaded;
  } catch (cause) {
    throw new EventLogError(
      'ERR_LOCK_UNSUPPORTED',
      `LockFileEx could not be loaded: ${messageOf(cause)} (it takes a runtime that gives away the handles of its descriptors, Node or Bun, and the package koffi with its part for ${process.platform}-${process.arch}; lock: false does without)`,
      { cause },
    );
  }
}

/** Locks a range if nobody else's lock is in the way, one taken through the same descriptor included; returns whether it did. */
export function tryLockRange(
  fd: number,
  range: ByteRange,
  mode: 'exclusive' | 'shared',
  path?: string,
): boolean {
  const { handleOf, lock, lastError } = kernel();
  const flags = FAIL_IMMEDIATELY | (mode === 'exclusive' ? EXCLUSIVE : 0);
  if (lock(handleOf(fd), flags, 0, ...lengthOf(range), overlapped(range)) !== 0) return true;
  const code = lastError();
  if (code === ERROR_LOCK_VIOLATION || code === ERROR_IO_PENDING) return false;
  throw new EventLogError('ERR_LOCK_UNSUPPORTED', `LockFileEx failed with error ${code} of Windows`, {
    path,
  });
}

/** Gives back a range that was locked as a whole. */
export function unlockRange(fd: number, range: ByteRange): void {
  const { handleOf, unlock } = kernel();
  unlock(handleOf(fd), 0, ...lengthOf(range), overlapped(range));
}

function lengthOf({ length }: ByteRange): [low: number, high: number] {
  return [Number(BigInt.asUintN(32, length)), Number(length >> 32n)];
}

function overlapped({ start }: ByteRange): Uint8Array {
  const space = new DataView(new ArrayBuffer(OVERLAPPED_BYTES));
  space.setBigUint64(OFFSET_AT, start, true);
  return new Uint8Array(space.buffer);
}
