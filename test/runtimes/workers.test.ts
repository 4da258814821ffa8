/** Logs in worker threads and in the processes of `cluster`: they are writers as any other, and what one held goes with it. */
import { expect, test } from 'vitest';
import { startProgram } from '../support/processes/program.js';
import { temporaryVolume } from '../support/volume.js';

test.for([
  { how: 'threads', what: 'worker threads' },
  { how: 'cluster', what: 'processes of a cluster' },
])(
  'four $what append to one run at once, and one that is ended leaves neither its lock nor a live run',
  { timeout: 60_000 },
  async ({ how }) => {
    const program = startProgram('in-workers', temporaryVolume(), how);
    expect(JSON.parse(await program.next())).toEqual({
      held: true,
      liveBefore: true,
      refused: 'ERR_LOCK_TIMEOUT',
      ok: true,
      events: 100,
    });
    await program.finished();
  },
);
