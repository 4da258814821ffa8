/** A process that is out of descriptors has a problem of its own; the runs it lists are sound. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { EventLog } from '../../src/index.js';
import { programPath } from '../support/programs.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PROGRAM = programPath('list-without-descriptors');

const RUNS = 8; // more than are looked at at once

testWith(
  ['prlimit'],
  'a listing with too few descriptors left rejects, however few there are, and calls no run damaged',
  async () => {
    const root = temporaryVolume();
    for (let index = 0; index < RUNS; index++) {
      await using log = await EventLog.create(root, 'p');
      await log.append({ type: 'pipe.started', pipe: 'p' });
    }
    const limit = '--nofile=127:127'; // loading takes some sixty: modules are opened side by side
    const args = [limit, process.execPath, PROGRAM, root];
    const { stdout } = await promisify(execFile)('prlimit', args, { timeout: 20_000 });
    const outcomes: (string | string[])[] = JSON.parse(stdout);
    expect(outcomes.length).toBeGreaterThan(3);
    expect(outcomes.pop()).toEqual(Array.from({ length: RUNS }, () => 'sound'));
    for (const outcome of outcomes) expect(outcome).toBe('ERR_SYSTEM EMFILE');
  },
);
