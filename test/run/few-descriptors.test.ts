/** A process that is out of descriptors has a problem of its own; the runs it lists are sound. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { EventLog } from '../../src/index.js';
import { testWith } from '../support/tools.js';
import { temporaryVolume } from '../support/volume.js';

const PROGRAM = new URL('../support/list-without-descriptors.mjs', import.meta.url).pathname;

testWith(
  ['prlimit'],
  'a listing without a descriptor for a log rejects, and calls no run damaged',
  async () => {
    const root = temporaryVolume();
    await using log = await EventLog.create(root, 'p');
    await log.append({ type: 'pipe.started', pipe: 'p' });
    const args = ['--nofile=63:63', process.execPath, PROGRAM, root];
    const { stdout } = await promisify(execFile)('prlimit', args, { timeout: 20_000 });
    expect(JSON.parse(stdout)).toBe('ERR_SYSTEM EMFILE');
  },
);
