// Follows a run from a position, takes so many events, or all until it ends, and stops: `take <root> <run id> <position>
// <count | all>`. Prints what it took and where the next one goes on.
import { EventLog, encodeEvent } from '../../../dist/index.js';

const [root, runId, position, count] = process.argv.slice(2);
const tail = EventLog.tail(root, runId, { from: Number(position) });
const lines = [];
for await (const event of tail) if (lines.push(encodeEvent(event)) === Number(count)) break;
console.log(JSON.stringify({ lines, position: tail.position }));
