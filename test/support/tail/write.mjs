// Appends events to a run: `write <root> <run id> <name> <count> <singly | bursts | batches | dribbled | last> [last]`. The way
// `last` appends the terminal event alone; after another way, it comes after them. A run that is dribbled to must have no other
// writer meanwhile.
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '../../../dist/index.js';
import { dribble, lineOf } from './dribble.mjs';

const [root, runId, name, count, how, after] = process.argv.slice(2);
const GROUP = 50;

const log = await EventLog.open(root, runId);
const draft = number => ({
  type: 'gate.passed',
  node_id: name,
  gate: String(number),
  method: 'hook',
  stdout: 'é 日本 🎉',
});
const group = start => Array.from({ length: Math.min(GROUP, count - start) }, (_, index) => start + index);

if (how === 'dribbled') {
  const fd = openSync(log.path, 'a');
  for (let number = 0; number < count; number++) {
    dribble(fd, lineOf(runId, name, number), number % 20 === 0 ? 1 : 0);
  }
  closeSync(fd);
} else if (how === 'singly') {
  for (let number = 0; number < count; number++) await log.append(draft(number));
} else if (how !== 'last') {
  for (let start = 0; start < count; start += GROUP) {
    const numbers = group(start);
    if (how === 'batches') await log.appendAll(numbers.map(draft));
    else await Promise.all(numbers.map(number => log.append(draft(number))));
    if (how === 'bursts') await sleep(1); // so that the readers reach the end between two bursts
  }
}
if (how === 'last' || after === 'last') await log.append({ type: 'pipe.completed' });
await log.close();
