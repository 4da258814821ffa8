/**
 * Appends events to a run when told to go, then takes the lock, writes half a line and is killed with the lock in its hand:
 * `append-and-die <root> <run id> <name> <count>`. Prints the id of each event that was acknowledged.
 */
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { EventLog } from '../../../dist/index.js';
import { tryLock, waitForLock } from '../../../dist/volume/flock.js';

const [, , root, runId, name, count] = process.argv;
const log = await EventLog.open(root, runId);
const fd = openSync(log.path, 'a');

writeSync(1, 'ready\n');
await once(process.stdin, 'data');
for (let number = 0; number < Number(count); number++) {
  const draft = { type: 'gate.passed', node_id: name, gate: String(number), method: 'hook' };
  writeSync(1, `${(await log.append(draft)).id}\n`);
}
await waitForLock(() => tryLock(fd, log.path), log.path);
writeSync(fd, `{"type":"gate.passed","id":"torn by ${name}`);
process.kill(process.pid, 'SIGKILL');
