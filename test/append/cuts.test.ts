/** A real log cut at every byte: what opens, what is read, what is saved, and that it goes on. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog, type RunEvent } from '../../src/index.js';
import { writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { positionsIn } from '../support/rounds.js';
import { completedRun, logOf } from '../support/small-run.js';

const EVENTS = completedRun(2);
const LOG = logOf(EVENTS);
/** Where each line ends. */
const ENDS = EVENTS.map((_, index) => logOf(EVENTS.slice(0, index + 1)).length);
const SIZES = positionsIn(LOG.length, ENDS, 20);
const LANES = 4; // runs that are cut side by side

/** Cuts the log of a run at `size` bytes and checks all that is promised. */
async function checkCut(root: string, runId: string, path: string, size: number): Promise<void> {
  writeFileSync(path, LOG.subarray(0, size));
  const count = ENDS.filter(end => end <= size).length;
  const whole = EVENTS.slice(0, count);
  const offset = ENDS[count - 1] ?? 0;

  const reader = EventLog.read(root, runId);
  expect(await reader.toArray()).toEqual(whole);
  expect([reader.position, reader.tornBytes]).toEqual([offset, size - offset]);
  expect(readFileSync(path).length).toBe(size);

  await using log = await EventLog.open(root, runId, { lock: false });
  expect(readFileSync(path).equals(LOG.subarray(0, offset))).toBe(true);
  expect(log.recovered?.offset).toBe(size === offset ? undefined : offset);
  expect(log.recovered?.bytes).toBe(size === offset ? undefined : size - offset);
  const saved = log.recovered?.savedTo;
  if (saved !== undefined) {
    expect(basename(saved)).toMatch(/^events\.jsonl\.torn-[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    expect(dirname(saved)).toBe(dirname(path));
    expect(readFileSync(saved).equals(LOG.subarray(offset, size))).toBe(true);
  }

  const appended: RunEvent[] = [];
  const append = log.append({ type: 'pipe.aborted', reason: 'cut' }).then(event => appended.push(event));
  if (size === LOG.length) await expect(append).rejects.toMatchObject({ code: 'ERR_RUN_ENDED' });
  else await append;
  expect(await EventLog.read(root, runId).toArray()).toEqual([...whole, ...appended]);
}

test('a log cut at any byte reopens to exactly the whole lines before the cut, and goes on', async () => {
  const root = quickVolume();
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    const runId = `feature-01kp8g6dg0zg6axb6gqz17wf${lane}m`;
    const path = writeLog(root, '', runId);
    const sizes = SIZES.filter((_, index) => index % LANES === lane);
    for (const size of sizes) await checkCut(root, runId, path, size);
    const copies = readdirSync(join(root, '.omne/var/runs', runId)).filter(name => name.includes('torn'));
    const torn = sizes.filter(size => size > 0 && !ENDS.includes(size));
    expect(copies.length).toBe(torn.length);
  });
  await Promise.all(lanes);
});
