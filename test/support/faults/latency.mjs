/**
 * Measures how long a small file takes to read while logs commit without a pause, and prints it in milliseconds:
 * `latency <root> <milliseconds> <run id>...`.
 */
import { readFile } from 'node:fs/promises';
import { EventLog } from '../../../dist/index.js';

const [, , root, duration, ...runIds] = process.argv;
const logs = await Promise.all(runIds.map(runId => EventLog.open(root, runId)));
const draft = { type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' };
const end = performance.now() + Number(duration);
let commits = 0;

const committing = logs.map(async log => {
  for (; performance.now() < end; commits++) await log.append(draft);
});

const tookMs = [];
while (performance.now() < end) {
  const start = performance.now();
  await readFile(import.meta.filename);
  tookMs.push(performance.now() - start);
}
await Promise.all(committing);
await Promise.all(logs.map(log => log.close()));

tookMs.sort((a, b) => a - b);
const at = share => Number(tookMs[Math.floor(share * (tookMs.length - 1))].toFixed(2));
console.log(JSON.stringify({ reads: tookMs.length, commits, p50: at(0.5), p99: at(0.99), max: at(1) }));
