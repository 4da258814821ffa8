/** The line before a place in a log: the same for any lines and any place, by one small read where the line is short. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { lineBefore } from '../../src/read/line-before.js';
import { placesOf } from '../../src/volume/places.js';
import { openForReading, type ReadableLog } from '../../src/volume/readable-log.js';
import { bytesRead, RUN_ID, writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';

async function opened(root: string, content: string): Promise<ReadableLog> {
  writeLog(root, content);
  return openForReading(placesOf(root, RUN_ID));
}

/** What `lineBefore` is to find. */
function lastLineIn(text: string): { line: string; offset: number } | undefined {
  const lines = text.split('\n').slice(0, -1);
  const line = lines.at(-1);
  return line === undefined
    ? undefined
    : { line, offset: lines.slice(0, -1).reduce((sum, { length }) => sum + length + 1, 0) };
}

test('is the last complete one, whatever the lengths of lines, of a torn tail, and the place', async () => {
  const root = quickVolume();
  const length = fc.oneof(fc.nat(20), fc.integer({ min: 4090, max: 4100 }), fc.nat(20_000));
  await fc.assert(
    fc.asyncProperty(
      fc.array(length, { maxLength: 4 }),
      length,
      fc.nat(40_000),
      async (lines, torn, back) => {
        const text = `${lines.map((count, index) => `${String(index).repeat(count)}\n`).join('')}${'t'.repeat(torn)}`;
        const log = await opened(root, text);
        try {
          for (const end of [text.length, Math.max(0, text.length - back)]) {
            const found = await lineBefore(log, end);
            expect(found && { line: found.bytes.toString(), offset: found.offset }).toEqual(
              lastLineIn(text.slice(0, end)),
            );
          }
        } finally {
          await log.close();
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a short one takes one read of four kilobytes', async () => {
  const log = await opened(quickVolume(), `${'x'.repeat(100)}\n`.repeat(100_000));
  onTestFinished(() => log.close());
  const before = bytesRead();
  expect((await lineBefore(log, log.size()))?.offset).toBe(99_999 * 101);
  expect(bytesRead() - before).toBeLessThan(3 * 4096); // what is asked of /proc counts too
});
