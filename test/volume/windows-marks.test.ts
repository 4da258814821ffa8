/** Marks on Windows: writers are seen by all who ask, who asks is seen by nobody. On locks of Linux in the place of those of Windows. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { temporaryVolume } from '../support/volume.js';
import { tryLockRange, unlockRange } from '../support/windows-locks.js';

let marks: typeof import('../../src/volume/windows-marks.js');

beforeAll(async () => {
  vi.resetModules();
  vi.doMock('../../src/volume/windows-locks.js', () => import('../support/windows-locks.js'));
  marks = await import('../../src/volume/windows-marks.js');
});

afterAll(() => {
  vi.doUnmock('../../src/volume/windows-locks.js');
  vi.resetModules();
});

function marksFile(): string {
  const path = join(temporaryVolume(), '.live');
  writeFileSync(path, '');
  return path;
}

test('many writers mark themselves; the area is marked until the last one closes', () => {
  const path = marksFile();
  const asking = openSync(path, 'r');
  expect(marks.isMarked(asking, 0n)).toBe(false);
  const writers = Array.from({ length: 20 }, () => openSync(path, 'r+'));
  for (const fd of writers) expect(marks.mark(fd, 0n)).toBe(true);
  for (const fd of writers) {
    expect(marks.isMarked(asking, 0n)).toBe(true);
    expect(marks.isMarked(asking, 1n)).toBe(false); // another area is another matter
    closeSync(fd);
  }
  expect(marks.isMarked(asking, 0n)).toBe(false);
  closeSync(asking);
});

test('a mark is refused, after many tries, where somebody holds the whole area', () => {
  const path = marksFile();
  const [holder, writer] = [openSync(path, 'r+'), openSync(path, 'r+')];
  expect(tryLockRange(holder, { start: 2n ** 32n, length: 2n * 2n ** 32n }, 'exclusive')).toBe(true);
  expect(marks.mark(writer, 0n)).toBe(false);
  expect(marks.mark(writer, 1n)).toBe(true);
  for (const fd of [holder, writer]) closeSync(fd);
});

test('only one process holds an area alone, until it gives it back', () => {
  const path = marksFile();
  const [one, other] = [openSync(path, 'r+'), openSync(path, 'r+')];
  expect(marks.markAlone(one, 1n)).toBe(true);
  expect(marks.markAlone(other, 1n)).toBe(false);
  expect(marks.isMarked(other, 1n)).toBe(true);
  expect(marks.isMarked(other, 0n)).toBe(false);
  marks.unmarkAlone(one, 1n);
  expect(marks.markAlone(other, 1n)).toBe(true);
  closeSync(one);
  closeSync(other);
});

test.for([
  ['first', 0n],
  ['second', 1n],
] as const)(
  'a probe that is stopped while it asks in the %s half keeps no writer from marking itself',
  ([, half]) => {
    const path = marksFile();
    const stopped = openSync(path, 'r');
    const asking = openSync(path, 'r');
    const writer = openSync(path, 'r+');
    const range = { start: (half + 1n) * 2n ** 32n, length: 2n ** 32n };
    expect(tryLockRange(stopped, range, 'shared')).toBe(true);
    expect(marks.isMarked(asking, 0n)).toBe(false); // nor is it taken for a writer
    expect(marks.mark(writer, 0n)).toBe(true);
    expect(marks.isMarked(asking, 0n)).toBe(true);
    unlockRange(stopped, range);
    expect(marks.isMarked(stopped, 0n)).toBe(true);
    for (const fd of [stopped, asking, writer]) closeSync(fd);
  },
);
