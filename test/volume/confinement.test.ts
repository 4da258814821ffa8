/**
 * Links that are swapped in while a log is opened: another process exchanges a part of the path for a link to a folder
 * outside the volume, and back, as fast as it can. Each attempt meets the real file or is refused; what lies outside is never
 * read, changed or added to. Only Linux has the means to be sure of that.
 */
import { closeSync, openSync, readdirSync, statSync, symlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EventLog, EventLogError, verifyRun } from '../../src/index.js';
import { lineOf, RUN_ID, sampleEvent, writeLog } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { rounds, spread } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const RACE_MS = Math.max(100, rounds(500));

let root: string;
let outside: string;
let real: string;

/** A line that tells where it is. */
function lineFrom(gate: string): string {
  const { id, ts, run_id } = sampleEvent(0);
  return lineOf({ type: 'gate.passed', id, ts, run_id, node_id: 'n', gate, method: 'hook' });
}

beforeEach(() => {
  root = temporaryVolume();
  outside = temporaryVolume();
  real = writeLog(root, lineFrom('inside'));
  writeLog(outside, `${lineFrom('outside')}{"type":"torn`);
});

/** What lies outside: every folder, and every file with its size. */
function everythingOutside(): string[] {
  const entries = readdirSync(outside, { recursive: true, encoding: 'utf8' }).sort();
  return entries.map(name => {
    const stat = statSync(join(outside, name));
    return stat.isDirectory() ? name : `${name}: ${stat.size} bytes`;
  });
}

/**
 * Attempts something over and over while a part of the volume is swapped for a link to the same part of the other one.
 * Returns how often it succeeded and how often it was refused, by code.
 */
async function race(part: string, attempt: () => Promise<void>): Promise<Map<string, number>> {
  const before = everythingOutside();
  const aside = join(root, 'aside');
  symlinkSync(join(outside, '.omne', part), aside);
  const swapper = startProgram('swap', join(root, '.omne', part), aside);
  expect(await swapper.next()).toBe('swapping');

  const outcomes = new Map<string, number>();
  const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  // On a busy machine it takes longer until an attempt falls between two swaps; one has to.
  for (const end = performance.now() + RACE_MS; performance.now() < end || !outcomes.has('success'); ) {
    try {
      await attempt();
      count('success');
    } catch (error) {
      if (!(error instanceof EventLogError)) throw error;
      count(error.code);
    }
  }
  swapper.hangUp();
  expect(Number(await swapper.next())).toBeGreaterThan(100);
  await swapper.finished();
  expect(everythingOutside()).toEqual(before);
  expect(outcomes.get('success')).toBeGreaterThan(0);
  return outcomes;
}

const PARTS = ['var', 'var/runs', `var/runs/${RUN_ID}`, `var/runs/${RUN_ID}/events.jsonl`];
const REFUSALS = ['ERR_UNSAFE_PATH', 'ERR_RUN_NOT_FOUND', 'ERR_LOG_REPLACED', 'success'];

describe.runIf(process.platform === 'linux')('while a part of the path is swapped for a link', () => {
  test.for(spread(PARTS, 2))('reading never leads outside: %s', async part => {
    const outcomes = await race(part, async () => {
      for await (const event of EventLog.read(root, RUN_ID)) expect(event).toMatchObject({ gate: 'inside' });
    });
    expect(REFUSALS).toEqual(expect.arrayContaining([...outcomes.keys()]));
  });

  test.for(spread(PARTS.toReversed(), 2))('appending never leads outside: %s', async part => {
    let appended = 0;
    const outcomes = await race(part, async () => {
      await using log = await EventLog.open(root, RUN_ID);
      await log.append({ type: 'gate.passed', node_id: 'n', gate: 'inside', method: 'hook' });
      appended++;
    });
    expect(REFUSALS).toEqual(expect.arrayContaining([...outcomes.keys()]));
    expect(await verifyRun(root, RUN_ID)).toMatchObject({ ok: true, events: appended + 1 });
  });

  test('opening with create never leads outside', async () => {
    await race(`var/runs/${RUN_ID}`, async () => {
      await (await EventLog.open(root, RUN_ID, { create: true })).close();
    });
  });

  test('a torn tail is saved inside, beside its log', async () => {
    const fd = openSync(real, 'a'); // its path would lead outside half of the time
    await race(`var/runs/${RUN_ID}`, async () => {
      writeSync(fd, '{"type":"torn');
      await (await EventLog.open(root, RUN_ID)).close();
    });
    closeSync(fd);
    expect(readdirSync(dirname(real)).length).toBeGreaterThan(1);
  });

  test.for(spread(['var', 'var/runs'], 2))('creating runs never leads outside: %s', async part => {
    await race(part, async () => {
      await using log = await EventLog.create(root, 'feature');
      await log.append({ type: 'gate.passed', node_id: 'n', gate: 'inside', method: 'hook' });
    });
  });
});
