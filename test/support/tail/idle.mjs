// Follows a run: `wait` until it ends, `drop` after the first event. Tells when it has caught up, then each gate.
import { EventLog } from '../../../dist/index.js';

const [root, runId, what] = process.argv.slice(2);
const tail = EventLog.tail(root, runId);
let live = false;
tail.caughtUp.then(
  () => {
    live = true;
    console.log('caught up');
  },
  () => undefined,
);
for await (const event of tail) {
  if (what === 'drop') break;
  if (live && event.type === 'gate.passed') console.log(event.gate);
}
