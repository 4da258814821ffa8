/** Tails that are stopped, in every way and at any moment, and what goes on from where they stopped. */
import { readFileSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLog, encodeEvent, type RunEvent } from '../../src/index.js';
import { linesOf, openDescriptors, RUN_ID, rejection, sampleEvents, writeLog } from '../support/logs.js';
import { startProgram } from '../support/processes/program.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds } from '../support/rounds.js';

const CHAINS = fullStrength ? 4 : 2;
const STOPS_OF_CHAIN = rounds(25);

const draft = (name: string, number: number) =>
  ({ type: 'gate.passed', node_id: name, gate: `né 🎉 ${number}`, method: 'hook' }) as const;

/** One process after the other follows a live run from where the one before stopped; checks that nothing is amiss. */
async function resumeInNewProcesses(name: string): Promise<void> {
  const log = await EventLog.create(quickVolume(), 'feature', { lock: false });
  const lines: string[] = [];
  let position = 0;
  let written = 0;
  const write = (count: number) => log.appendAll(Array.from({ length: count }, () => draft(name, written++)));
  const take = async (count: number | 'all') => {
    const program = startProgram('../tail/take', log.root, log.runId, String(position), String(count));
    const taken: { lines: string[]; position: number } = JSON.parse(await program.next());
    await program.finished();
    lines.push(...taken.lines);
    position = taken.position;
  };
  for (let stop = 0; stop < STOPS_OF_CHAIN; stop++) {
    // Some of what is taken is there already, some is appended while the process starts or waits.
    const more = 1 + Math.floor(Math.random() * 40);
    const left = written - lines.length;
    const taking = take(1 + Math.floor(Math.random() * (left + more)));
    await write(more);
    await taking;
  }
  await log.append({ type: 'pipe.completed' });
  await log.close();
  await take('all');
  const text = readFileSync(log.path, 'utf8');
  expect(lines.map(line => `${line}\n`).join('')).toBe(text);
  expect(position).toBe(Buffer.byteLength(text));
}

test(
  `tails stopped at a random event and resumed in a new process, ${CHAINS * STOPS_OF_CHAIN} times, miss and repeat nothing`,
  async () => {
    await Promise.all(Array.from({ length: CHAINS }, (_, chain) => resumeInNewProcesses(`chain-${chain}`)));
  },
  60_000 + CHAINS * STOPS_OF_CHAIN * 500,
);

test('an error thrown by the consumer leaves a position to go on from', async () => {
  const root = quickVolume();
  const events = sampleEvents(1000).filter(({ type }) => type !== 'pipe.aborted');
  const path = writeLog(root, linesOf(events));
  const seen: RunEvent[] = [];
  const enough = new Error('enough');
  let position = 0;
  while (seen.length < events.length) {
    const tail = EventLog.tail(root, RUN_ID, { from: position });
    const before = seen.length;
    const consuming = (async () => {
      for await (const event of tail) {
        seen.push(event);
        if (seen.length === before + 97 || seen.length === events.length) throw enough;
      }
    })();
    expect(await rejection(consuming)).toBe(enough);
    position = tail.position;
    expect(openDescriptors(path)).toBe(0);
  }
  expect(seen.map(encodeEvent)).toEqual(events.map(encodeEvent));
});

test('an abort at any moment of opening, reading and decoding ends the tail with its reason', async () => {
  const root = quickVolume();
  const path = writeLog(root, linesOf(sampleEvents(20_000)));
  const reached = new Set<boolean>();
  for (let turns = 0; turns < 60 || !reached.has(true); turns += fullStrength ? 1 : 2) {
    const controller = new AbortController();
    const tail = EventLog.tail(root, RUN_ID, { signal: controller.signal, stopAtTerminal: false });
    const outcome = rejection(tail.toArray());
    for (let turn = 0; turn < turns; turn++) await immediate();
    controller.abort(turns);
    expect(await outcome).toBe(turns);
    reached.add(tail.position > 0);
    expect(openDescriptors(path)).toBe(0);
  }
  expect(reached.has(false)).toBe(true); // before the first events, not only between some
});
