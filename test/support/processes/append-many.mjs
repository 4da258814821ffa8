/**
 * Appends events to a run when told to go, then prints their ids and how long the appends took, in milliseconds:
 * `append-many <root> <run id> <name> <count> <awaited | concurrent | batches>`.
 */
import { once } from 'node:events';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId, name, count, how] = process.argv;
const APPENDERS = 8;
const BATCH = 10;

const log = await EventLog.open(root, runId);
const ids = [];
const times = [];
let next = 0;

const draft = number => ({ type: 'gate.passed', node_id: name, gate: String(number), method: 'hook' });

async function timed(append, number) {
  const start = performance.now();
  const events = [await append()].flat();
  times.push(performance.now() - start);
  for (const [index, event] of events.entries()) ids[number + index] = event.id;
}

async function oneByOne() {
  while (next < Number(count)) {
    const number = next++;
    await timed(() => log.append(draft(number)), number);
  }
}

async function inBatches() {
  for (; next < Number(count); next += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, index) => draft(next + index));
    await timed(() => log.appendAll(drafts), next);
  }
}

console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const start = performance.now();
if (how === 'batches') await inBatches();
else await Promise.all(Array.from({ length: how === 'concurrent' ? APPENDERS : 1 }, oneByOne));
const total = performance.now() - start;
await log.close();
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({ ids, slowest: times.at(-1), p99: times[Math.floor(times.length * 0.99)], total }),
);
