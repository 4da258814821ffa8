// @ts-check
/**
 * The log of writes that QEMU's `blklogwrites` keeps, in the format of Linux' dm-log-writes: a sector that describes it, then
 * for each request one sector (place, length, flags as little-endian 64-bit numbers) and the bytes written.
 *
 * A drive that loses its power has what it had flushed, and of what came later any part. `replay` makes such a drive.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

const MAGIC = 0x6a736677736872n;
const FLUSH = 1n;
const FORCED = 2n; // on the medium when it is done, without a flush
const DISCARD = 4n;
const BLOCK = 4096; // what a drive writes wholly or not at all, at the most

/**
 * One request: where it goes on the drive, where its bytes are in the log, where it ends there.
 * @typedef {{ at: number, bytes: number, from: number, end: number, flush: boolean, forced: boolean }} Request
 */

/**
 * The requests in their order. A machine that was stopped orderly leaves no gap; reading ends at the first one.
 * @param {string} path
 * @returns {Request[]}
 */
export function readWriteLog(path) {
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    const head = Buffer.alloc(32);
    readSync(fd, head, 0, head.length, 0);
    if (head.readBigUInt64LE(0) !== MAGIC) throw new Error(`${path} is no log of writes`);
    const sector = head.readUInt32LE(24);
    /** @type {Request[]} */
    const requests = [];
    for (let at = sector; at + sector <= size; ) {
      readSync(fd, head, 0, head.length, at);
      const [place = 0, count = 0] = [Number(head.readBigUInt64LE(0)), Number(head.readBigUInt64LE(8))];
      const flags = head.readBigUInt64LE(16);
      if (flags === 0n && count === 0) break;
      const bytes = flags & DISCARD ? 0 : count * sector;
      const from = at + sector;
      at = from + bytes;
      if (at > size) break;
      requests.push({
        at: place * sector,
        bytes,
        from,
        end: at,
        flush: (flags & FLUSH) !== 0n,
        forced: (flags & FORCED) !== 0n,
      });
    }
    return requests;
  } finally {
    closeSync(fd);
  }
}

/**
 * Brings a copy of the drive to where it was when the power went after `count` requests: all up to the last flush is there, and of
 * each later write what `keep` says.
 * @param {string} log
 * @param {readonly Request[]} requests
 * @param {number} count
 * @param {string} drive
 * @param {(request: Request, block: number) => boolean} keep - whether this block of an unflushed write is kept
 * @returns {number} how many writes were lost, wholly or in part
 */
export function replay(log, requests, count, drive, keep) {
  const flushed = requests.slice(0, count).findLastIndex(({ flush }) => flush);
  const source = openSync(log, 'r');
  const target = openSync(drive, 'r+');
  let lost = 0;
  try {
    for (const [index, request] of requests.slice(0, count).entries()) {
      const bytes = Buffer.alloc(request.bytes);
      readSync(source, bytes, 0, bytes.length, request.from);
      let whole = true;
      for (let at = 0; at < bytes.length; at += BLOCK) {
        const stays = index <= flushed || request.forced || keep(request, at / BLOCK);
        if (stays) writeSync(target, bytes, at, Math.min(BLOCK, bytes.length - at), request.at + at);
        else whole = false;
      }
      if (!whole) lost++;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
  return lost;
}
