/**
 * The locks of Windows, as Linux can have them: what `src/volume/windows-locks.ts` promises, on locks of the kernel here. They belong
 * to one opening of a file and go with it. Unlike those of Windows they are not mandatory, and one descriptor may ask again.
 */
import { createRequire } from 'node:module';
import type { ByteRange } from '../../src/volume/windows-locks.js';

const library: typeof import('koffi') = createRequire(import.meta.url)('koffi');
const libc = library.load(null);
const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');
const fcntl: (fd: number, command: number, type: string, lock: Uint8Array) => number = libc.func(
  'int fcntl(int fd, int command, ...)',
);

const SHARED = 1;
const EXCLUSIVE = 2;
const NOT_WAITING = 4;
const FREE = 8;
const OFD_SETLK = 37;
/** The byte that is the lock of a log; the log may be open only for reading, which fcntl does not take for a lock of one's own. */
const LOCKED = 0x7ffffffffffffffen;

/** Stands for the function of the same name. */
export function tryLockRange(fd: number, range: ByteRange, mode: 'exclusive' | 'shared'): boolean {
  if (range.start === LOCKED) return flock(fd, (mode === 'shared' ? SHARED : EXCLUSIVE) | NOT_WAITING) === 0;
  return setLock(fd, range, mode === 'shared' ? 0 : 1);
}

/** Stands for the function of the same name. */
export function unlockRange(fd: number, range: ByteRange): void {
  if (range.start === LOCKED) flock(fd, FREE);
  else setLock(fd, range, 2);
}

function setLock(fd: number, { start, length }: ByteRange, type: number): boolean {
  const words = new DataView(new ArrayBuffer(32));
  words.setInt16(0, type, true);
  words.setBigInt64(8, start, true);
  words.setBigInt64(16, length, true);
  return fcntl(fd, OFD_SETLK, 'void *', new Uint8Array(words.buffer)) === 0;
}
