/** Tails of a log that other processes write, in every way that a log can grow, and die in the middle of a line. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { EventLog, type EventTail, encodeEvent, type RunEvent } from '../../src/index.js';
import { startProgram } from '../support/processes/program.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, rounds } from '../support/rounds.js';

/** How many events each writer appends; the writers in batches take a hundred at a time. */
const MANY = rounds(65) * 100;
const COUNTS = { singly: MANY, bursts: MANY, batches: MANY, dribbled: rounds(499) };
const TOTAL = 3 * MANY + COUNTS.dribbled + 1;

/** The events a tail has handed out so far, and the promise of its end. */
function follow(tail: EventTail): { events: RunEvent[]; ended: Promise<void> } {
  const events: RunEvent[] = [];
  const ended = (async () => {
    for await (const event of tail) events.push(event);
  })();
  ended.catch(() => undefined); // looked at in the end
  return { events, ended };
}

const textOf = (events: readonly RunEvent[]) => events.map(event => `${encodeEvent(event)}\n`).join('');

test(`${TOTAL} events that other processes append reach each of three tails once, in order`, async () => {
  const log = await EventLog.create(quickVolume(), 'feature');
  const { root, runId, path } = log;
  await log.close();
  const write = (how: keyof typeof COUNTS) =>
    startProgram('../tail/write', root, runId, how, String(COUNTS[how]), how).finished();

  const noticing = follow(EventLog.tail(root, runId));
  const polling = follow(EventLog.tail(root, runId, { watch: false, pollInterval: 10 }));
  const writers = [write('singly'), write('bursts'), write('batches')];
  await vi.waitFor(() => expect(noticing.events.length).toBeGreaterThan(TOTAL / 4), 20_000);
  const late = EventLog.tail(root, runId).toArray();
  await Promise.all(writers);
  await write('dribbled');
  await startProgram('../tail/write', root, runId, 'last', '1', 'last').finished();
  await Promise.all([noticing.ended, polling.ended]);

  const text = readFileSync(path, 'utf8');
  for (const events of [noticing.events, polling.events, await late]) {
    expect(events.length).toBe(TOTAL);
    expect(textOf(events) === text).toBe(true); // a diff of megabytes would help nobody
  }
  for (const [name, count] of Object.entries(COUNTS)) {
    const gates = noticing.events.flatMap(event =>
      event.type === 'gate.passed' && event.node_id === name ? Number(event.gate) : [],
    );
    expect(gates).toEqual(Array.from({ length: count }, (_, number) => number));
  }
}, 60_000);

test('writers killed in the middle of a line, and the repair by the next, are never seen', async () => {
  const KILLS = fullStrength ? 10 : 5;
  const log = await EventLog.create(quickVolume(), 'feature');
  const { root, runId, path } = log;
  await log.close();
  const tails = [EventLog.tail(root, runId), EventLog.tail(root, runId, { watch: false, pollInterval: 5 })];
  const following = tails.map(follow);
  let cut = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const writer = startProgram('../tail/dribble-until-killed', root, runId, String(kill));
    if (Number(await writer.next()) > 0) cut++;
    // It has finished some lines, and both tails have met one that is unfinished.
    const heard = () => following.every(({ events }) => named(events, kill) > 2);
    await vi.waitFor(() => expect(heard() && tails.every(tail => tail.tornBytes > 0)).toBe(true), {
      timeout: 10_000,
      interval: 1,
    });
    await sleep(Math.random() * 5);
    await writer.kill();
  }
  const last = await EventLog.open(root, runId);
  if (last.recovered !== undefined) cut++;
  await last.append({ type: 'pipe.completed' });
  await last.close();
  const text = readFileSync(path, 'utf8');
  for (const { events, ended } of following) {
    await ended;
    expect(events.at(-1)?.type).toBe('pipe.completed');
    expect(textOf(events)).toBe(text);
  }
  // A kill can fall between two lines, which are some 200 bytes long; hardly ever three times in so few.
  expect(cut).toBeGreaterThan(KILLS - 3);
}, 60_000);

/** How many events a killed writer got through. */
function named(events: readonly RunEvent[], writer: number): number {
  return events.filter(event => event.type === 'gate.passed' && event.node_id === String(writer)).length;
}
