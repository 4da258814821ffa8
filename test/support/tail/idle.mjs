// Follows a run: `wait` until it ends, `drop` after the first event. Prints a word once it has caught up.
import { EventLog } from '../../../dist/index.js';

const [root, runId, what] = process.argv.slice(2);
const tail = EventLog.tail(root, runId);
tail.caughtUp.then(
  () => console.log('caught up'),
  () => undefined,
);
for await (const event of tail) if (what === 'drop' && event) break;
