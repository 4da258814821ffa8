/** A run that is broken once: made, put under a fault, and checked. */
import { appendFileSync } from 'node:fs';
import { EventLog } from '../../../src/index.js';
import { temporaryVolume } from '../volume.js';
import { type Fault, type Plan, type Run, runBroken } from './child.js';
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

/** Runs the plan on a new run and checks what must hold after every fault; `kept` is what it added. */
export async function breakRun(
  plan: Partial<Plan>,
  fault: Fault,
  tail?: string,
): Promise<Run & { readonly kept: string[] }> {
  const { root, runId } = await newRun(tail);
  const run = await runBroken({ root, runId, steps: STEPS, ...plan }, fault);
  const kept = namesIn(root, runId).slice(1);
  await expectSound(root, runId, [STARTED, ...run.outcomes]);
  return { ...run, kept };
}
