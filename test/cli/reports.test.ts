/** Reports of a command that waits: in order, nothing kept of them, and a failure thrown at the end. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Reports } from '../../src/cli/screen/reports.js';
import { turn } from '../../src/real-time.js';
import { rejection } from '../support/logs.js';

test('reports are printed one after the other, and the end waits for all', async () => {
  const done: string[] = [];
  const reports = new Reports(async lines => {
    done.push(`${lines} begun`);
    await turn();
    done.push(`${lines} ended`);
  });
  reports.add('a');
  reports.add('b');
  expect(done).toEqual([]);
  await reports.end();
  expect(done).toEqual(['a begun', 'a ended', 'b begun', 'b ended']);
});

test('nothing is kept of reports that are printed', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const reports = new Reports(() => turn());
  const heapAfter = async (count: number) => {
    for (let index = 0; index < count; index++) reports.add('');
    await reports.end();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(10_000);
  expect((await heapAfter(50_000)) - before).toBeLessThan(2 ** 20); // a promise of each would take three times that
});

test('after one that cannot be printed none is, and the end throws', async () => {
  const done: string[] = [];
  const reports = new Reports(async lines => {
    if (lines === 'b') throw new Error('no reader');
    done.push(lines);
  });
  for (const lines of ['a', 'b', 'c']) reports.add(lines);
  expect(await rejection(reports.end())).toMatchObject({ message: 'no reader' });
  expect(done).toEqual(['a']);
});
