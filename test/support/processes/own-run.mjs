/** Holds a run open for appending until its input is closed: `own-run <root> <run id>`. */
import { spawn } from 'node:child_process';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId] = process.argv;
const log = await EventLog.open(root, runId);
// A child of the writer outlives it, as the agent that an executor started may. It ends with the pipe it reads.
const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
console.log(child.pid);
process.stdin.resume().on('end', async () => {
  child.stdin.end();
  await log.close();
});
