/** Reading a file that is cut and grows while it is read. */
import fs, { appendFileSync, closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { readFully } from '../../src/volume/open-log.js';
import { temporaryVolume } from '../support/volume.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Reads a file that holds `before`; once the first read has come back, it is cut to `size` bytes and goes on with `after`. */
async function readMeanwhile(before: string, size: number, after: string): Promise<string> {
  const path = join(temporaryVolume(), 'file');
  writeFileSync(path, before);
  const fd = openSync(path, 'r');
  onTestFinished(() => closeSync(fd));
  const look = fs.fstatSync;
  vi.spyOn(fs, 'fstatSync').mockImplementationOnce(() => {
    truncateSync(path, size);
    appendFileSync(path, after);
    return look(fd);
  });
  const bytes = Buffer.alloc(100);
  return bytes.toString('utf8', 0, await readFully(fd, bytes, 0));
}

describe('between two reads', () => {
  test('a file grows: all of it is read', async () => {
    expect(await readMeanwhile('one\ntw', 6, 'o\nthree\n')).toBe('one\ntwo\nthree\n');
  });

  test('the half of a line gives way to another line: it is not the beginning of that', async () => {
    expect(await readMeanwhile('one\nhalf a line', 4, 'a line in its place\n')).toBe(
      'one\na line in its place\n',
    );
  });

  test('whole lines give way to others: none of them is left out', async () => {
    expect(await readMeanwhile('one\ntwo\n', 4, 'six\nten\n')).toBe('one\nsix\nten\n');
  });
});
