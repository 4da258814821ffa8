/**
 * Noticing that who reads our stdout has left, without writing to it: for a command that waits.
 *
 * Promise: a pipe or socket is looked at some twenty times a second, once a command has run for a quarter of a second. So it ends within a
 * second where the reader leaves before that, and within 150 ms later; without poll(2) the next write finds out, as ever.
 */
import { fstatSync } from 'node:fs';
import { startTimer } from '../real-time.js';
import { libc } from '../volume/flock.js';

const FIRST_LOOK_MS = 250;
const LOOK_MS = 40;
const STDOUT = 1;
const POLLFD_BYTES = 8; // int fd, short events, short revents
const POLLERR_OR_POLLHUP = 0x08 | 0x10;

/** Calls `left` once, when nobody can read stdout any more. Keeps no process running. */
export function whenReaderLeaves(left: () => void): void {
  const stdout = fstatSync(STDOUT);
  if (!stdout.isFIFO() && !stdout.isSocket()) return;
  const look = () => {
    const gone = readerIsGone();
    if (gone === true) left();
    if (gone === false) startTimer(look, LOOK_MS).unref();
  };
  startTimer(look, FIRST_LOOK_MS).unref(); // a command that does not wait needs no poll(2), which takes time to load
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
