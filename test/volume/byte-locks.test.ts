/** Locks on single bytes, by openings of one file, in one process and in several. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import {
  freeByte,
  isByteHeld,
  LIVE_BYTE,
  OWNER_BYTE,
  shareByte,
  takeByte,
} from '../../src/volume/byte-locks.js';
import { tryLock, unlock } from '../../src/volume/flock.js';
import { platformOf } from '../../src/volume/platform.js';
import { startProgram } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

afterEach(() => {
  vi.doUnmock('../../src/volume/platform.js');
  vi.resetModules();
});

function emptyFile(): string {
  const path = join(temporaryVolume(), 'file');
  writeFileSync(path, '');
  return path;
}

test('a shared byte has many holders, and is held until the last lets go', () => {
  const path = emptyFile();
  const [first, second, asking] = [openSync(path, 'r'), openSync(path, 'r'), openSync(path, 'r')];
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(false);
  expect(shareByte(first, LIVE_BYTE)).toBe(true);
  expect(shareByte(second, LIVE_BYTE)).toBe(true);
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(true);
  closeSync(first);
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(true);
  freeByte(second, LIVE_BYTE);
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(false);
  closeSync(second);
  closeSync(asking);
});

test('a byte taken has one holder; the byte beside it is another lock', () => {
  const path = emptyFile();
  const [first, second] = [openSync(path, 'r+'), openSync(path, 'r+')];
  expect(takeByte(first, OWNER_BYTE)).toBe(true);
  expect(takeByte(first, OWNER_BYTE)).toBe(true); // it has it
  expect(takeByte(second, OWNER_BYTE)).toBe(false);
  expect(shareByte(second, OWNER_BYTE)).toBe(false);
  expect(isByteHeld(second, OWNER_BYTE)).toBe(true);
  expect(isByteHeld(second, LIVE_BYTE)).toBe(false);
  expect(isByteHeld(first, OWNER_BYTE)).toBe(false); // no other opening does
  closeSync(first);
  expect(takeByte(second, OWNER_BYTE)).toBe(true);
  closeSync(second);
});

test('a lock belongs to its opening: closing another one of the same process does not free it', () => {
  const path = emptyFile();
  const [holding, asking] = [openSync(path, 'r+'), openSync(path, 'r')];
  takeByte(holding, OWNER_BYTE);
  closeSync(openSync(path, 'r'));
  expect(isByteHeld(asking, OWNER_BYTE)).toBe(true);
  closeSync(holding);
  expect(isByteHeld(asking, OWNER_BYTE)).toBe(false);
  closeSync(asking);
});

test('a lock of a process that is killed is gone', async () => {
  const path = emptyFile();
  const holder = startProgram('hold-byte', path);
  expect(await holder.next()).toBe('true');
  const fd = openSync(path, 'r+');
  expect(takeByte(fd, OWNER_BYTE)).toBe(false);
  await holder.kill();
  expect(takeByte(fd, OWNER_BYTE)).toBe(true);
  closeSync(fd);
});

test('a flock(2) lock on the same file is independent', () => {
  const path = emptyFile();
  const [first, second] = [openSync(path, 'r+'), openSync(path, 'r+')];
  expect(takeByte(first, OWNER_BYTE)).toBe(true);
  expect(tryLock(second, path)).toBe(true);
  expect(isByteHeld(second, OWNER_BYTE)).toBe(true);
  expect(shareByte(first, LIVE_BYTE)).toBe(true);
  unlock(second);
  closeSync(first);
  closeSync(second);
});

test('a descriptor that is not open for what it asks gets no answer', () => {
  const path = emptyFile();
  const fd = openSync(path, 'r');
  expect(takeByte(fd, OWNER_BYTE)).toBeUndefined();
  closeSync(fd);
});

test.for(['darwin', 'win32', 'freebsd'] as const)(
  'where %s would be asked otherwise, or not at all, there is no answer',
  async name => {
    vi.resetModules();
    vi.doMock('../../src/volume/platform.js', () => ({ PLATFORM: platformOf(name, false) }));
    const there = await import('../../src/volume/byte-locks.js');
    const fd = openSync(emptyFile(), 'r+');
    expect(there.shareByte(fd, LIVE_BYTE)).toBeUndefined(); // Linux does not know the numbers of macOS
    expect(there.takeByte(fd, OWNER_BYTE)).toBeUndefined();
    expect(there.isByteHeld(fd, LIVE_BYTE)).toBeUndefined();
    closeSync(fd);
  },
);
