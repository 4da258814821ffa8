/**
 * Eight processes, five by default, append to one run at once: nothing mixed, nothing lost, the order of each kept, ids rising
 * in file order, and nobody waits longer than two seconds for an append. `OMNE_REPORT=1` prints each process's times in ms.
 */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog, type GatePassed, verifyRun } from '../src/index.js';
import { type Program, startProgram } from './support/processes/program.js';
import { fullStrength, rounds, spread } from './support/rounds.js';
import { testNotOnWindows } from './support/tools.js';
import { temporaryVolume } from './support/volume.js';

const EVENTS = 10 * (fullStrength ? rounds(200) : 5); // whole batches
const VICTIM_EVENTS = EVENTS / 10; // it dies while the others go on
const SLOWEST_MS = 2000;

/** What a process tells about its appends. */
interface Report {
  readonly ids: string[];
  readonly slowest: number;
  readonly p99: number;
  readonly total: number;
}

/** Each process appends in one of these ways; those that await every event meet the others most often. */
const WAYS = spread(['awaited', 'concurrent', 'batches', 'awaited', 'concurrent', 'batches', 'awaited'], 2);
const PROCESSES = WAYS.length + 1;

async function orphan(): Promise<EventLog> {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  return log;
}

function startAppenders({ root, runId }: EventLog, ways: readonly string[]): Map<string, Program> {
  const start = (how: string, index: number): [string, Program] => {
    const name = `${how}-${index}`;
    const program = how === 'polling' ? 'poll-and-append' : 'append-many';
    return [name, startProgram(program, root, runId, name, String(EVENTS), how)];
  };
  return new Map(ways.map(start));
}

async function goTogether(programs: Iterable<Program>): Promise<void> {
  const all = [...programs];
  for (const program of all) expect(await program.next()).toBe('ready');
  for (const program of all) program.say('go');
}

async function reportsOf(appenders: Map<string, Program>): Promise<Map<string, Report>> {
  const reports = new Map<string, Report>();
  for (const [name, program] of appenders) {
    reports.set(name, JSON.parse(await program.next()));
    await program.finished();
  }
  return reports;
}

async function gatesOf(log: EventLog): Promise<GatePassed[]> {
  const events = await EventLog.read(log.root, log.runId, { types: ['gate.passed'] }).toArray();
  return events.filter(event => event.type === 'gate.passed');
}

/** Holds the log against what the processes report. */
async function check(log: EventLog, reports: Map<string, Report>): Promise<void> {
  if (process.env['OMNE_REPORT'] !== undefined) {
    const rounded = [...reports].map(([name, { slowest, p99, total }]) => {
      return { name, slowest: Math.round(slowest), p99: Math.round(p99), total: Math.round(total) };
    });
    console.table(rounded);
  }
  const gates = await gatesOf(log);
  for (const [name, { ids, slowest }] of reports) {
    const own = gates.filter(event => event.node_id === name);
    expect(own.map(event => event.gate)).toEqual(Array.from({ length: EVENTS }, (_, i) => String(i)));
    expect(own.map(event => event.id)).toEqual(ids);
    expect(slowest, name).toBeLessThan(SLOWEST_MS);
  }
}

test(`${PROCESSES} processes append at once while a peer is killed in the middle of a line`, {
  timeout: 120_000,
}, async () => {
  const log = await orphan();
  const appenders = startAppenders(log, [...WAYS, 'batches']);
  const victim = startProgram('append-and-die', log.root, log.runId, 'victim', String(VICTIM_EVENTS));
  await goTogether([...appenders.values(), victim]);

  const reports = await reportsOf(appenders);
  const acknowledged = await victim.rest();
  expect(acknowledged).toHaveLength(VICTIM_EVENTS);
  await check(log, reports);
  const victims = (await gatesOf(log)).filter(event => event.node_id === 'victim');
  expect(victims.map(event => event.id)).toEqual(acknowledged);
  expect(await verifyRun(log.root, log.runId)).toMatchObject({
    ok: true,
    events: PROCESSES * EVENTS + VICTIM_EVENTS,
  });

  const folder = dirname(log.path);
  const torn = (await readdir(folder)).filter(name => name.startsWith('events.jsonl.torn-'));
  expect(torn.map(name => readFileSync(`${folder}/${name}`, 'utf8'))).toEqual([
    '{"type":"gate.passed","id":"torn by victim',
  ]);
});

testNotOnWindows(
  'the peer that polls calls flock(2)',
  `${PROCESSES} processes append at once, one of which polls the lock every 25 ms`,
  async () => {
    const log = await orphan();
    const appenders = startAppenders(log, [...WAYS, 'polling']);
    await goTogether(appenders.values());
    await check(log, await reportsOf(appenders));
    expect(await verifyRun(log.root, log.runId)).toMatchObject({ ok: true, events: PROCESSES * EVENTS });
  },
  120_000,
);

/** What became of one try to append at an expected position. */
interface Outcome {
  readonly expected: number;
  readonly id?: string;
  readonly end?: number;
  readonly conflict?: number;
}

test(`${PROCESSES} processes read, decide and append with expectedPosition: what they were given is what the log holds`, {
  timeout: 120_000,
}, async () => {
  const log = await orphan();
  const tries = rounds(200);
  const programs = Array.from({ length: PROCESSES }, (_, index) =>
    startProgram('decide-and-append', log.root, log.runId, `writer-${index}`, String(tries)),
  );
  await goTogether(programs);
  const outcomes: Outcome[] = [];
  for (const program of programs) {
    const own: Outcome[] = JSON.parse(await program.next());
    await program.finished();
    expect(own).toHaveLength(tries);
    outcomes.push(...own);
  }

  const lines = readFileSync(log.path, 'utf8').split('\n').slice(0, -1);
  let end = 0;
  const written = lines.map((line, number) => {
    const { id, iteration, byte_offset: expected } = JSON.parse(line);
    expect({ iteration, expected }).toEqual({ iteration: number, expected: end }); // decided on all that was there
    return { expected, id, end: (end += line.length + 1) };
  });
  const kept = outcomes.filter(({ conflict }) => conflict === undefined);
  expect(kept.toSorted((a, b) => a.expected - b.expected)).toEqual(written);
  const ends = new Set(written.map(each => each.end));
  for (const { expected, conflict } of outcomes) {
    if (conflict === undefined) continue;
    expect(conflict).toBeGreaterThan(expected);
    expect(ends.has(conflict)).toBe(true);
  }
});
