// Opens a run, which repairs it, appends one event, then dribbles lines until it is killed:
// `dribble-until-killed <root> <run id> <name>`. Prints how many bytes opening cut off.
import { openSync, writeSync } from 'node:fs';
import { EventLog } from '../../../dist/index.js';
import { dribble, lineOf } from './dribble.mjs';

const [root, runId, name] = process.argv.slice(2);
const log = await EventLog.open(root, runId);
await log.append({ type: 'gate.passed', node_id: name, gate: 'whole', method: 'hook' });
await log.close();
const fd = openSync(log.path, 'a');
writeSync(1, `${log.recovered?.bytes ?? 0}\n`);
for (let number = 0; ; number++) dribble(fd, lineOf(runId, name, number), 1);
