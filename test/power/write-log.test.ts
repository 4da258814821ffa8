/** Drives made from a log of writes: what was flushed is there, and of the rest exactly what is to be kept. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readWriteLog, replay } from './write-log.mjs';

const SECTOR = 512;
const BLOCK = 4096;
const FLUSH = 1;
const FORCED = 2;
const DISCARD = 4;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omne-write-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Entry {
  readonly block?: number;
  readonly text?: string; // one letter for each block
  readonly flags?: number;
}

/** A log as QEMU writes it; a request without text has no bytes. */
function writeLogOf(...entries: readonly Entry[]): string {
  const head = Buffer.alloc(SECTOR);
  head.writeBigUInt64LE(0x6a736677736872n, 0);
  head.writeBigUInt64LE(1n, 8);
  head.writeBigUInt64LE(BigInt(entries.length), 16);
  head.writeUInt32LE(SECTOR, 24);
  const parts = entries.flatMap(({ block = 0, text = '', flags = 0 }) => {
    const entry = Buffer.alloc(SECTOR);
    entry.writeBigUInt64LE(BigInt((block * BLOCK) / SECTOR), 0);
    entry.writeBigUInt64LE(BigInt((flags & DISCARD ? BLOCK : text.length * BLOCK) / SECTOR), 8);
    entry.writeBigUInt64LE(BigInt(flags), 16);
    return [entry, ...[...text].map(letter => Buffer.alloc(BLOCK, letter))];
  });
  const path = join(folder, 'writes.log');
  writeFileSync(path, Buffer.concat([head, ...parts]));
  return path;
}

/** The letters of a drive of four blocks after a cut. */
function driveAfter(log: string, count: number, keep: (block: number) => boolean = () => false): string {
  const drive = join(folder, 'drive.img');
  writeFileSync(drive, Buffer.alloc(4 * BLOCK, '.'));
  replay(log, readWriteLog(log), count, drive, (_, block) => keep(block));
  const bytes = readFileSync(drive);
  return [0, 1, 2, 3].map(block => String.fromCharCode(bytes[block * BLOCK] ?? 0)).join('');
}

const LOG: readonly Entry[] = [
  { block: 0, text: 'ab' },
  { flags: FLUSH },
  { block: 1, text: 'cd' },
  { block: 3, text: 'e', flags: FORCED },
];

test('requests are read with their places, and each ends where the next begins', () => {
  expect(readWriteLog(writeLogOf(...LOG))).toEqual([
    { at: 0, bytes: 2 * BLOCK, from: 1024, end: 9216, flush: false, forced: false },
    { at: 0, bytes: 0, from: 9728, end: 9728, flush: true, forced: false },
    { at: BLOCK, bytes: 2 * BLOCK, from: 10240, end: 18432, flush: false, forced: false },
    { at: 3 * BLOCK, bytes: BLOCK, from: 18944, end: 23040, flush: false, forced: true },
  ]);
});

test('what was flushed is kept, what was not is lost', () => {
  const log = writeLogOf(...LOG);
  expect(driveAfter(log, 1)).toBe('....');
  expect(driveAfter(log, 2)).toBe('ab..');
  expect(driveAfter(log, 3)).toBe('ab..');
});

test('a forced write is kept without a flush', () => {
  expect(driveAfter(writeLogOf(...LOG), 4)).toBe('ab.e');
});

test('of an unflushed write some blocks may be kept', () => {
  const log = writeLogOf(...LOG);
  expect(driveAfter(log, 3, block => block === 0)).toBe('ac..');
  expect(driveAfter(log, 3, block => block === 1)).toBe('abd.');
  expect(driveAfter(log, 3, () => true)).toBe('acd.');
});

test('the number of writes that lost something is counted', () => {
  const log = writeLogOf(...LOG);
  const drive = join(folder, 'drive.img');
  writeFileSync(drive, Buffer.alloc(4 * BLOCK));
  expect(replay(log, readWriteLog(log), 4, drive, () => false)).toBe(1);
  expect(replay(log, readWriteLog(log), 4, drive, () => true)).toBe(0);
});

test('a discard has no bytes in the log', () => {
  const log = writeLogOf({ block: 0, flags: DISCARD }, { block: 1, text: 'x' }, { flags: FLUSH });
  expect(driveAfter(log, 3)).toBe('.x..');
});

test('reading ends at a gap and at a request that is not whole', () => {
  const log = writeLogOf({ block: 0, text: 'a' }, { block: 1, text: 'b' });
  const whole = readFileSync(log);
  writeFileSync(log, whole.subarray(0, -1));
  expect(readWriteLog(log)).toHaveLength(1);
  writeFileSync(log, Buffer.concat([whole, Buffer.alloc(BLOCK)]));
  expect(readWriteLog(log)).toHaveLength(2);
});

test('another file is refused', () => {
  const path = join(folder, 'other');
  writeFileSync(path, Buffer.alloc(BLOCK));
  expect(() => readWriteLog(path)).toThrow('is no log of writes');
});
