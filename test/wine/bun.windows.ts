/** The built package in Bun for Windows, beside the Node that runs the tests: its descriptors have handles that can be locked, too. */
import { expect, test } from 'vitest';
import { EventLog } from '../../src/index.js';
import { startProgram, startProgramWith } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

const BUN = [process.env['OMNE_BUN'] ?? 'bun.exe'] as const;
const TIMEOUT_MS = 60_000;

test('eight writers append, a tail follows, the run is resumed, ended and verified', {
  timeout: TIMEOUT_MS,
}, async () => {
  const program = startProgramWith(BUN, 'live-through', temporaryVolume());
  expect(JSON.parse(await program.next())).toMatchObject({
    ...{ refused: 'ERR_RUN_OWNED', live: false, liveAgain: true },
    ...{ resumedAt: 201, followed: 202, replayed: 202, ordered: true, rising: true, ok: true },
  });
  await program.finished();
});

test('the lock it holds is held against Node, and that of Node against it', {
  timeout: TIMEOUT_MS,
}, async () => {
  const log = await EventLog.create(temporaryVolume(), 'feature');
  await log.close();
  const holder = startProgramWith(BUN, 'hold-lock', log.path);
  expect(await holder.next()).toBe('held');
  expect(await startProgram('hold-lock', log.path).next()).toBe('refused');
  holder.hangUp();
  await holder.finished();
  const held = startProgram('hold-lock', log.path);
  expect(await held.next()).toBe('held');
  expect(await startProgramWith(BUN, 'hold-lock', log.path).next()).toBe('refused');
});
