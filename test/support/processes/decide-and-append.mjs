/**
 * Reads a run, decides on what it read and appends only if nothing came between, so many times, when told to go; prints what became of
 * each try: `decide-and-append <root> <run id> <name> <tries>`. The decision: the number after the highest one in the log.
 */
import { once } from 'node:events';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId, name, tries] = process.argv;
const log = await EventLog.open(root, runId);
const outcomes = [];
let position = 0;
let highest = -1;

console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
for (let i = 0; i < Number(tries); i++) {
  const reader = log.read({ from: position });
  for await (const event of reader) highest = event.iteration;
  position = reader.position;
  const draft = { type: 'iteration.started', node_id: name, iteration: highest + 1, byte_offset: position };
  try {
    const { id } = await log.append(draft, { expectedPosition: position });
    outcomes.push({ expected: position, id, end: log.position });
  } catch (error) {
    if (error.code !== 'ERR_POSITION_CONFLICT') throw error;
    outcomes.push({ expected: position, conflict: error.position });
  }
}
await log.close();
console.log(JSON.stringify(outcomes));
