/** The locks of Windows themselves, asked of the system: against the lock that the Rust program takes, which is on the whole file. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { isByteHeld, LIVE_BYTE, OWNER_BYTE, shareByte, takeByte } from '../../src/volume/byte-locks.js';
import { tryLock, unlock } from '../../src/volume/flock.js';
import { tryLockRange, unlockRange } from '../../src/volume/windows-locks.js';
import { startProgram } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

const WHOLE = { start: 0n, length: 2n ** 64n - 1n };
const GATE = { type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' } as const;

function opened(...flags: string[]): { path: string; fds: number[] } {
  const path = join(temporaryVolume(), 'file');
  writeFileSync(path, 'text');
  return { path, fds: flags.map(flag => openSync(path, flag)) };
}

test('the lock keeps out a program that locks the whole file, and the other way round; reading and appending go on', () => {
  const { path, fds } = opened('a+', 'r+');
  const [ours = -1, theirs = -1] = fds;
  expect(tryLock(ours, path)).toBe(true);
  expect(tryLockRange(theirs, WHOLE, 'exclusive')).toBe(false);
  writeFileSync(theirs, 'more');
  expect(readFileSync(path, 'utf8')).toBe('more');
  unlock(ours);
  expect(tryLockRange(theirs, WHOLE, 'exclusive')).toBe(true);
  expect(tryLock(ours, path)).toBe(false);
  expect(tryLock(ours, path, 'shared')).toBe(false);
  unlockRange(theirs, WHOLE);
  expect(tryLock(ours, path)).toBe(true);
  for (const fd of fds) closeSync(fd);
});

test('the lock is shared by many or held by one, also through descriptors that only read, and goes when one is closed', () => {
  const { path, fds } = opened('r', 'r', 'a+');
  const [one = -1, other = -1, writer = -1] = fds;
  expect([tryLock(one, path, 'shared'), tryLock(other, path, 'shared'), tryLock(writer, path)]).toEqual([
    true,
    true,
    false,
  ]);
  closeSync(one);
  expect(tryLock(writer, path)).toBe(false);
  closeSync(other);
  expect(tryLock(writer, path)).toBe(true);
  closeSync(writer);
});

test('marks are seen while their file is open, and a probe does not take them', () => {
  const { fds } = opened('r+', 'r+', 'r', 'r');
  const [one = -1, other = -1, asking = -1, askingToo = -1] = fds;
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(false);
  expect([shareByte(one, LIVE_BYTE), shareByte(other, LIVE_BYTE)]).toEqual([true, true]);
  expect([takeByte(one, OWNER_BYTE), takeByte(other, OWNER_BYTE)]).toEqual([true, false]);
  closeSync(one);
  expect([isByteHeld(asking, LIVE_BYTE), isByteHeld(askingToo, LIVE_BYTE)]).toEqual([true, true]);
  expect([isByteHeld(asking, OWNER_BYTE), takeByte(other, OWNER_BYTE)]).toEqual([false, true]);
  closeSync(other);
  expect(isByteHeld(asking, LIVE_BYTE)).toBe(false);
  closeSync(asking);
  closeSync(askingToo);
});

test('what a killed process held is free: the run is neither live nor owned, and goes on', async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  const writer = startProgram('append-until-killed', log.root, log.runId, 'killed', 'mixed');
  await writer.next();
  const [, id = ''] = (await writer.next()).split(' ');
  expect(await EventLog.isLive(log.root, log.runId)).toBe(true);
  await writer.kill();
  expect(await EventLog.isLive(log.root, log.runId)).toBe(false);
  const { log: again } = await EventLog.resume(log.root, log.runId);
  await again.append(GATE);
  await again.close();
  expect((await log.read().toArray()).map(event => event.id)).toContain(id);
});

test('a run id in another case finds no run; a folder deeper than 260 characters holds one', async () => {
  const { mkdirSync } = await import('node:fs');
  const root = join(
    temporaryVolume(),
    ...Array.from({ length: 6 }, () => 'a-name-of-about-fifty-characters-to-make-it-long-x'),
  );
  mkdirSync(root, { recursive: true });
  const log = await EventLog.create(root, 'feature');
  await log.append(GATE);
  await log.close();
  expect(log.path.length).toBeGreaterThan(300);
  expect(await EventLog.read(root, log.runId).toArray()).toHaveLength(1);
  const other = EventLog.read(root, log.runId.replace('feature', 'FEATURE')).toArray();
  await expect(other).rejects.toMatchObject({ code: 'ERR_RUN_NOT_FOUND' });
});
