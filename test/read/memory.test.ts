/**
 * Memory stays bounded, however long the log is: 128 MiB where all counts, else 80 MiB; `OMNE_LOG_MIB=1024` makes it 1 GiB.
 */
import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { generateLog, RUN_ID } from '../../fixtures/generate.mjs';
import { placesOf } from '../../src/volume/places.js';
import { programPath } from '../support/programs.js';
import { fullStrength } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const MIB = 1024 * 1024;
const LOG_BYTES = Number(process.env['OMNE_LOG_MIB'] ?? (fullStrength ? 128 : 80)) * MIB;
const program = programPath('memory/replay');

function longLog(): string {
  const root = temporaryVolume();
  const { log } = placesOf(root, RUN_ID);
  mkdirSync(dirname(log), { recursive: true });
  const block = Buffer.concat([...generateLog(20_000)]);
  const fd = openSync(log, 'w');
  for (let bytes = 0; bytes < LOG_BYTES; ) bytes += writeSync(fd, block);
  closeSync(fd);
  return root;
}

async function replay(root: string) {
  const env = { ...process.env, NODE_V8_COVERAGE: undefined }; // V8 spends more on code whose runs it counts
  const args = ['--expose-gc', program, root, RUN_ID, '100'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  const figures: { peak: number; count: number; kept: number; lines: number } = JSON.parse(stdout);
  if (process.env['OMNE_REPORT']) console.log(figures);
  return figures;
}

// One in a hundred, not in a thousand: what V8 compiles meanwhile is little beside it then. The benchmark has one in a thousand of 1 GiB.
test('a replay takes less than 64 MiB, and one event kept in a hundred no more than three times its line', {
  timeout: 120_000,
}, async () => {
  const { peak, count, kept, lines } = await replay(longLog());
  expect(count).toBeGreaterThan(LOG_BYTES / 300);
  expect(peak).toBeLessThan(64 * MIB);
  expect(lines).toBeGreaterThan(count);
  expect(kept).toBeLessThan(3 * lines + 100_000); // V8 itself takes some tens of kilobytes meanwhile
});
