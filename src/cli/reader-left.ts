/**
 * Noticing that the reader of our stdout has left, without writing to it: for a command that waits.
 *
 * Promise: stdout is looked at fifty times a second from when a command begins to wait, or has run for a quarter of a second, so such a
 * command ends within 50 ms; a look takes half a microsecond. Without poll(2) the next write finds out, as ever.
 */
import { fstatSync } from 'node:fs';
import { startTimer, stopTimer } from '../real-time.js';
import { libc } from '../volume/flock.js';

/** A command that does not wait needs no poll(2), which takes time to load. */
const FIRST_LOOK_MS = 250;
const LOOK_MS = 20;
const STDOUT = 1;
const POLLFD_BYTES = 8; // int fd, short events, short revents
const POLLERR_OR_POLLHUP = 0x08 | 0x10;

let lookSoon = (): void => undefined;

/** Calls `left` once, when nobody can read stdout any more. Keeps no process running. */
export function whenReaderLeaves(left: () => void): void {
  const stdout = fstatSync(STDOUT);
  if (!stdout.isFIFO() && !stdout.isSocket()) return;
  let timer = startTimer(look, FIRST_LOOK_MS).unref();
  lookSoon = () => {
    stopTimer(timer);
    timer = startTimer(look, LOOK_MS).unref();
  };
  function look(): void {
    const gone = readerIsGone();
    if (gone === false) timer = startTimer(look, LOOK_MS).unref();
    else lookSoon = () => undefined;
    if (gone === true) left();
  }
}

/** Called by a command when it begins to wait for what may never come. */
export function beginToWait(): void {
  lookSoon();
}

/** Undefined where nobody can know. */
function readerIsGone(): boolean | undefined {
  const pollfd = Buffer.alloc(POLLFD_BYTES);
  const words = new DataView(pollfd.buffer, pollfd.byteOffset);
  words.setInt32(0, STDOUT, true); // all machines that Node has builds for but one are little-endian; there 16777216 is no descriptor
  try {
    if (libc().poll(pollfd, 1, 0) < 0) return false;
  } catch {
    return undefined;
  }
  return (words.getInt16(6, true) & POLLERR_OR_POLLHUP) !== 0;
}
