/** `last` is the newest run that has begun. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { whichRun } from '../../src/cli/pick-run.js';
import { EventLog } from '../../src/index.js';
import { placesOf } from '../../src/volume/places.js';
import { temporaryVolume } from '../support/volume.js';

test('a run without a log, or without a whole line in it, is not the last; a damaged one may be', async () => {
  const root = temporaryVolume();
  await using log = await EventLog.create(root, 'begun');
  await log.append({ type: 'pipe.started', pipe: 'begun' });
  await using empty = await EventLog.create(root, 'empty');
  const bare = await EventLog.allocate(root, 'bare');
  mkdirSync(dirname(placesOf(root, bare).log));
  expect(await whichRun(root, 'last')).toBe(log.runId);
  writeFileSync(empty.path, '{"type":"pipe.sta');
  expect(await whichRun(root, 'last')).toBe(log.runId);
  writeFileSync(empty.path, 'damage\n');
  expect(await whichRun(root, 'last')).toBe(empty.runId);
});
