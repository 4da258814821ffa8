/**
 * Goes after a run until it has ended: `drive-run <root> <run id>`. Prints `owner` each time it drives the run, and appends then until
 * it is killed or told to end the run; prints `ended` where there is nothing to drive any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from '../../../dist/index.js';

const [, , root, runId] = process.argv;
let end = false;
process.stdin.on('data', () => {
  end = true;
});
console.log('ready');

async function resume() {
  for (;;) {
    try {
      return await EventLog.resume(root, runId);
    } catch (error) {
      if (error.code === 'ERR_RUN_ENDED') return undefined;
      if (error.code !== 'ERR_RUN_OWNED') throw error;
      await sleep(20 + Math.random() * 60);
    }
  }
}

const resumed = await resume();
if (resumed === undefined) {
  console.log('ended');
} else {
  const { log, state } = resumed;
  console.log(`owner ${state.eventCount}`);
  for (let number = 0; !end; number++) {
    await log.append({
      type: 'gate.passed',
      node_id: String(process.pid),
      gate: String(number),
      method: 'hook',
    });
    await sleep(2);
  }
  await log.append({ type: 'pipe.completed' });
  await log.close();
  console.log('ended');
}
process.stdin.destroy();
