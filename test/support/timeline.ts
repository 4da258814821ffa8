/** The page of `omne-log timeline`, as a file, for the tests of what is in it and of how a browser draws it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Step, writeRun } from './cli-runs.js';
import { omneLog } from './command.js';
import { temporaryVolume } from './volume.js';

const EVIL = `</pre></td><script>document.title='owned'</script><img src=x onerror="document.title='owned'">'"&\u202e\u0000`;

/** A run all of whose texts try to be markup. */
export const HOSTILE: readonly Step[] = [
  [0, { type: 'pipe.started', pipe: EVIL, inputs: [{ key: EVIL, value: EVIL }] }],
  [1, { type: 'node.started', node_id: EVIL, kind: 'loop', name: EVIL, model: EVIL }],
  [2, { type: 'gate.passed', node_id: EVIL, gate: EVIL, method: 'hook', stdout: EVIL }],
  [3, { type: 'node.failed', node_id: EVIL, error: { kind: 'crash' }, message: EVIL }],
  [4, { type: 'pipe.aborted', reason: EVIL }],
];

/** A timeline that was drawn. */
export interface Drawn {
  readonly file: string;
  readonly html: string;
  readonly root: string;
  readonly runId: string;
}

/** Draws the timeline of a run into a file; removed when the test ends. */
export async function drawTimeline(steps: readonly Step[]): Promise<Drawn> {
  const root = temporaryVolume();
  const { runId } = writeRun(root, 'feature', steps);
  const file = join(root, 'page.html');
  const outcome = await omneLog(['timeline', runId, '--html', file, '--root', root]);
  expect(outcome).toEqual({ code: 0, stdout: `the timeline of ${runId} is in ${file}\n`, stderr: '' });
  return { file, html: readFileSync(file, 'utf8'), root, runId };
}
