/**
 * Appends events to a run until it is killed: `append-until-killed <root> <run id> <generation> <mixed | large>`.
 *
 * Prints, at once and unbuffered: what opening repaired, as JSON; then `<number> <id>` for each event that was acknowledged.
 * The events are numbered in the order of the calls.
 */
import { writeSync } from 'node:fs';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId, generation, size] = process.argv;
const LARGE = 'x'.repeat(200_000); // 40 such events are one write of 8 MB, which the kernel needs some time to copy

const log = await EventLog.open(root, runId);
writeSync(1, `${JSON.stringify(log.recovered ?? null)}\n`);

let next = 0;

function draft() {
  const common = { type: 'gate.passed', node_id: generation, gate: String(next++), method: 'hook' };
  return size === 'large' ? { ...common, stdout: LARGE } : common;
}

const acknowledge = event => writeSync(1, `${event.gate} ${event.id}\n`);
const append = async () => acknowledge(await log.append(draft()));
const appendAll = async count =>
  (await log.appendAll(Array.from({ length: count }, draft))).forEach(acknowledge);
const several = count => Array.from({ length: count }, append);

for (;;) {
  if (size === 'large') {
    await appendAll(40);
    continue;
  }
  await append();
  await append();
  await Promise.all(several(20));
  await appendAll(30);
  await Promise.all([...several(3), appendAll(5), ...several(3), appendAll(1), append()]);
}
