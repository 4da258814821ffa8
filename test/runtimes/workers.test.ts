/** Logs in worker threads and in the processes of `cluster`: they are writers as any other, and what one held goes with it. */
import { expect, test } from 'vitest';
import { startProgram } from '../support/processes/program.js';
import { fullStrength } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const WRITERS = fullStrength ? 4 : 2;

test.for([
  { how: 'threads', what: 'worker threads' },
  { how: 'cluster', what: 'processes of a cluster' },
])(
  'some $what append to one run at once, and one that is ended leaves neither its lock nor a live run',
  { timeout: 60_000 },
  async ({ how }) => {
    const program = startProgram('in-workers', temporaryVolume(), how, `${WRITERS}`);
    expect(JSON.parse(await program.next())).toEqual({
      held: true,
      liveBefore: true,
      refused: 'ERR_LOCK_TIMEOUT',
      ok: true,
      events: (WRITERS + 1) * 20,
    });
    await program.finished();
  },
);
