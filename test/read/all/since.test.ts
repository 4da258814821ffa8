/** `since`, in logs too long to be read for what is not wanted of them. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { encodeTime } from 'ulid';
import { describe, expect, test } from 'vitest';
import { EventLog } from '../../../src/index.js';
import { bytesRead, writeLog } from '../../support/logs.js';
import { quickVolume } from '../../support/quick-volume.js';
import { rounds } from '../../support/rounds.js';

const EVENTS = 12_000;
const APART_MS = 1000;
/** The first event of each log. */
const BEGIN = Date.now() - EVENTS * APART_MS;

const idAt = (time: number) => `${encodeTime(time, 10)}${'0'.repeat(16)}`.toLowerCase();
const RUN_ID = `p-${idAt(BEGIN - 1)}`;

function lineAt(time: number, type: string, id = idAt(time)): string {
  const fields =
    type === 'gate.passed'
      ? { node_id: 'n', gate: 'g', method: 'hook', stdout: 'x'.repeat(100) }
      : { reason: 'enough' };
  return `${JSON.stringify({ type, id, ts: new Date(time).toISOString(), run_id: RUN_ID, ...fields })}\n`;
}

const timeOf = (index: number) => BEGIN + index * APART_MS;
const lines = Array.from({ length: EVENTS }, (_, index) => lineAt(timeOf(index), 'gate.passed'));

/** The times of what a reading of all gives, and what it has read of the disk. */
async function read(root: string, since: number) {
  const before = bytesRead();
  const events = await EventLog.readAll(root, { since }).toArray();
  return { times: events.map(({ event }) => Date.parse(event.ts)), bytes: bytesRead() - before };
}

describe('a log of megabytes', () => {
  test('is read from about what is wanted on, by readAll and by tailAll, which goes on with what is appended', async () => {
    const root = quickVolume();
    const path = writeLog(root, lines.join(''), RUN_ID);
    const since = timeOf(EVENTS - 3);
    const { times, bytes } = await read(root, since);
    expect(times).toEqual([timeOf(EVENTS - 3), timeOf(EVENTS - 2), timeOf(EVENTS - 1)]);
    expect(lines.join('').length).toBeGreaterThan(2 * 1024 * 1024);
    expect(bytes).toBeLessThan(512 * 1024);

    const volume = EventLog.tailAll(root, { since });
    const seen: number[] = [];
    for await (const { event } of volume) {
      seen.push(Date.parse(event.ts));
      if (seen.length === 3) appendFileSync(path, lineAt(timeOf(EVENTS), 'gate.passed'));
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([...times, timeOf(EVENTS)]);
    const later = await EventLog.readAll(root, { cursor: volume.cursor }).toArray();
    expect(later).toEqual([]);
  });

  test('gives exactly what happened since, whatever the time, also where the clock was set back meanwhile', async () => {
    const root = quickVolume();
    // In the middle the ids stay above the clock for half a minute.
    const setBack = (index: number) => index >= EVENTS / 2 && index < EVENTS / 2 + 30;
    const clock = (index: number) => (setBack(index) ? timeOf(index) - 30_000 : timeOf(index));
    const text = lines.map((line, index) =>
      setBack(index) ? lineAt(clock(index), 'gate.passed', idAt(timeOf(index))) : line,
    );
    writeLog(root, text.join(''), RUN_ID);
    const all = text.map((_, index) => clock(index));
    const around = [-1, 0, 1, EVENTS / 2 - 40, EVENTS / 2, EVENTS / 2 + 20, EVENTS - 1, EVENTS + 1];
    const random = Array.from({ length: rounds(8) }, () => Math.random() * EVENTS);
    for (const index of [...around, ...random]) {
      const since = timeOf(index);
      expect((await read(root, since)).times).toEqual(all.filter(time => time >= since));
    }
  });

  test('is read as a whole where its ids are no ULIDs', async () => {
    const root = quickVolume();
    const text = lines.map((_, index) => lineAt(timeOf(index), 'gate.passed', `id-${index}`));
    writeLog(root, text.join(''), RUN_ID);
    expect((await read(root, timeOf(EVENTS - 2))).times).toHaveLength(2);
  });

  test('that ended before is over, also when its file was touched since: a cursor does not name it', async () => {
    const root = quickVolume();
    const path = writeLog(root, '', RUN_ID);
    writeFileSync(path, lines.slice(0, -600).join('') + lineAt(timeOf(EVENTS - 600), 'pipe.aborted'));
    const volume = EventLog.readAll(root, { since: Date.now() - 60_000 });
    expect(await volume.toArray()).toEqual([]);
    expect(JSON.parse(volume.cursor)).toMatchObject({ begun: RUN_ID, runs: [] });
  });
});
