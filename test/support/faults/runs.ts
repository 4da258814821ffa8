/** A run that is broken once: made, put under a fault, and checked. */
import { appendFileSync } from 'node:fs';
import { EventLog } from '../../../src/index.js';
import { temporaryVolume } from '../volume.js';
import type { Witness } from '../witnesses.js';
import { type Fault, type Plan, type Run, runBroken } from './child.js';
import { FileWitnesses } from './file-witnesses.js';
import { expectSound, namesIn } from './outcomes.js';

/** Each step is one commit; the third takes three calls. */
export const STEPS = [[['a']], [['b']], [['c'], ['d', 'e'], ['f']], [['g']]] as const;
/** What becomes of them where nothing is broken. */
export const ALL_KEPT: readonly string[] = STEPS.flat().map(() => 'kept');

/** The event that a new run begins with. */
export const STARTED = { names: ['pipe.started'] } as const;

/** Makes a run with one event, and perhaps half a line after it. */
export async function newRun(tail = ''): Promise<{ root: string; runId: string; path: string }> {
  await using log = await EventLog.create(temporaryVolume(), 'faulty');
  await log.append({ type: 'pipe.started', pipe: 'faulty' });
  appendFileSync(log.path, tail);
  return log;
}

/** Runs the plan on a new run, with readers beside it, and checks what must hold after every fault; `kept` is what it added. */
export async function breakRun(
  plan: Partial<Plan>,
  fault: Fault,
  tail?: string,
): Promise<Run & { readonly kept: string[]; readonly witnesses: readonly Witness[] }> {
  const { root, runId } = await newRun(tail);
  const witnesses = new FileWitnesses(root, runId);
  const run = await runBroken({ root, runId, steps: STEPS, ...plan }, fault);
  const kept = namesIn(root, runId).slice(1);
  await expectSound(root, runId, [STARTED, ...run.outcomes]);
  const mayGiveUp = run.outcomes.some(({ code }) => code === 'ERR_LOG_FAILED'); // lines may have been taken back
  return { ...run, kept, witnesses: await witnesses.finish(mayGiveUp) };
}
