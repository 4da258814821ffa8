/** Waiting for growth: what a notice brings is found in the call that brings it. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Growth } from '../../src/read/file-growth.js';
import { temporaryVolume } from '../support/volume.js';

const LONG_MS = 60_000;

/** A file that is waited for. */
function watched(pollInterval = LONG_MS): { path: string; growth: Growth } {
  const path = join(temporaryVolume(), 'file');
  writeFileSync(path, '');
  const growth = new Growth(path, pollInterval, pollInterval === LONG_MS);
  onTestFinished(() => growth.close());
  return { path, growth };
}

test('a wait ends with what is found at the notice, before any promise job runs', async () => {
  const { path, growth } = watched();
  growth.look();
  let lookedAt = 0;
  let jobs = 0;
  const waiting = growth.wait(() => {
    lookedAt = jobs;
    return 'found';
  });
  const counting = waiting.then(() => jobs++);
  appendFileSync(path, 'x');
  expect(await waiting).toEqual({ wokenBy: 'notice', found: 'found' });
  await counting;
  expect([lookedAt, jobs]).toEqual([0, 1]);
});

test('a wait rejects with what the look at a notice throws', async () => {
  const { path, growth } = watched();
  growth.look();
  const waiting = growth.wait(() => {
    throw new RangeError('gone');
  });
  appendFileSync(path, 'x');
  await expect(waiting).rejects.toThrow(new RangeError('gone'));
});

test('a wait that is woken, polled or closed does not look: who waits does', async () => {
  const never = (): never => {
    throw new Error('looked');
  };
  const woken = watched().growth;
  const byWake = woken.wait(never);
  woken.wake();
  expect(await byWake).toEqual({ wokenBy: 'notice', found: undefined });
  expect(await watched(1).growth.wait(never)).toEqual({ wokenBy: 'poll', found: undefined });
  const closed = watched().growth;
  const byClose = closed.wait(never);
  closed.close();
  expect(await byClose).toEqual({ wokenBy: 'notice', found: undefined });
});

test('a notice that came before the wait, and after the last look, ends it at once', async () => {
  const { growth } = watched();
  growth.look();
  growth.wake();
  expect(await growth.wait()).toEqual({ wokenBy: 'notice', found: undefined });
});
