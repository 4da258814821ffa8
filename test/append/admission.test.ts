import { closeSync, openSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Append, admit } from '../../src/append/admission.js';
import { type EventDraft, EventLog, type EventLogError } from '../../src/index.js';
import { tryLock, unlock } from '../../src/volume/flock.js';
import { rejection } from '../support/logs.js';
import { temporaryVolume } from '../support/volume.js';

const gate = (name: string): EventDraft => ({
  type: 'gate.passed',
  node_id: 'n',
  gate: name,
  method: 'hook',
});

const append = (bytes: number, more: Partial<Append> = {}): Append => ({
  ...{ events: [], bytes, last: false, resolve: () => undefined, reject: () => undefined },
  ...more,
});

async function newLog(): Promise<EventLog> {
  return EventLog.create(temporaryVolume(), 'feature');
}

const gatesIn = async (log: EventLog) =>
  (await log.read({ types: ['gate.passed'] }).toArray()).map(event => event.gate);

test('an append is checked against the position at which it would be written', () => {
  const [first, fits, conflicts, last] = [
    append(10),
    append(5, { expectedPosition: 110 }),
    append(5, { expectedPosition: 110 }),
    append(5, { expectedPosition: 115 }),
  ];
  const admission = admit([first, fits, conflicts, last], 100, '/p');
  expect(admission.admitted).toEqual([first, fits, last]);
  expect([...admission.conflicts.keys()]).toEqual([conflicts]);
  expect(admission.conflicts.get(conflicts)).toMatchObject({
    code: 'ERR_POSITION_CONFLICT',
    position: 115,
    message: 'the log ends at 115, not at 110 as expected; nothing was written (/p)',
  });
});

test('a dropped append is neither written nor refused, and takes no room', () => {
  const after = append(5, { expectedPosition: 100 });
  const { admitted, conflicts } = admit([append(10, { begin: () => false }), after], 100, '/p');
  expect(admitted).toEqual([after]);
  expect(conflicts.size).toBe(0);
});

test('an append at the expected position is written, any other is refused with the actual position', async () => {
  await using log = await newLog();
  expect(log.position).toBe(0);
  await log.append(gate('a'), { expectedPosition: 0 });
  const end = log.position;
  expect(end).toBeGreaterThan(0);
  for (const expectedPosition of [0, end - 1, end + 1]) {
    expect(await rejection(log.append(gate('b'), { expectedPosition }))).toMatchObject({
      ...{ code: 'ERR_POSITION_CONFLICT', position: end, path: log.path, type: 'gate.passed', node_id: 'n' },
    });
  }
  const reader = log.read();
  await reader.toArray();
  expect(reader.position).toBe(end);
  await log.appendAll([gate('c'), gate('d')], { expectedPosition: reader.position });
  expect(await rejection(log.appendAll([gate('e')], { expectedPosition: end }))).toMatchObject({
    ...{ code: 'ERR_POSITION_CONFLICT', position: log.position },
  });
  expect(await gatesIn(log)).toEqual(['a', 'c', 'd']);
});

test('of several appends that expect the same position, one is written', async () => {
  await using log = await newLog();
  const outcomes = await Promise.allSettled(
    ['a', 'b', 'c'].map(name => log.append(gate(name), { expectedPosition: 0 })),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect(await gatesIn(log)).toEqual(['a']);
});

test('an append by another log of the run is a conflict, and the run goes on from there', async () => {
  await using log = await newLog();
  await using other = await EventLog.open(log.root, log.runId);
  await other.append(gate('other'));
  const { position } = (await rejection(
    log.append(gate('a'), { expectedPosition: log.position }),
  )) as EventLogError;
  expect(position).toBe(other.position);
  expect(log.position).toBe(position);
  await log.append(gate('a'), { expectedPosition: position });
  expect(await gatesIn(log)).toEqual(['other', 'a']);
});

test('a refused terminal event does not end the run; in a run that has ended nothing is compared', async () => {
  await using log = await newLog();
  const end: EventDraft = { type: 'pipe.completed' };
  expect(await rejection(log.append(end, { expectedPosition: 7 }))).toMatchObject({
    code: 'ERR_POSITION_CONFLICT',
  });
  expect(log.ended).toBe(false);
  await log.append(end, { expectedPosition: 0 });
  expect(await rejection(log.append(gate('late'), { expectedPosition: 0 }))).toMatchObject({
    code: 'ERR_RUN_ENDED',
  });
});

test('a signal drops an append that has not begun, with its reason, and leaves one that has', async () => {
  await using log = await newLog();
  const controller = new AbortController();
  const begun = log.append(gate('begun'), { signal: controller.signal });
  await turn(); // its commit is under way
  const waiting = Array.from({ length: 12 }, (_, index) =>
    log.append(gate(`dropped ${index}`), { signal: controller.signal }),
  );
  const after = log.append(gate('after'));
  const bytes = log.pendingBytes;
  const reason = new Error('changed my mind');
  controller.abort(reason);
  expect(log.pendingBytes).toBeLessThan(bytes / 5);
  expect(await Promise.all(waiting.map(rejection))).toEqual(waiting.map(() => reason));
  await Promise.all([begun, after]);
  expect(log.pendingBytes).toBe(0);
  expect(await gatesIn(log)).toEqual(['begun', 'after']);
  expect(await rejection(log.append(gate('late'), { signal: controller.signal }))).toBe(reason);
});

test('an append that is dropped while it waits for the lock is never written', async () => {
  await using log = await newLog();
  const holder = openSync(log.path, 'r');
  onTestFinished(() => closeSync(holder));
  expect(tryLock(holder, log.path)).toBe(true);
  const controller = new AbortController();
  const dropped = log.append(gate('dropped'), { signal: controller.signal });
  const after = log.append(gate('after'), { expectedPosition: 0 });
  await turn();
  controller.abort('enough');
  expect(await dropped.catch((error: unknown) => error)).toBe('enough');
  unlock(holder);
  await after;
  expect(await gatesIn(log)).toEqual(['after']);
});

test('a mistake in the options is a TypeError, and nothing is appended', async () => {
  await using log = await newLog();
  const mistakes: object[] = [
    { expectedPosition: -1 },
    { expectedPosition: '0' },
    { signal: {} },
    { expectPosition: 0 },
  ];
  for (const options of mistakes) {
    expect(await rejection(log.append(gate('a'), options))).toBeInstanceOf(TypeError);
    expect(await rejection(log.appendAll([gate('a')], options))).toBeInstanceOf(TypeError);
  }
  expect(log.position).toBe(0);
});
