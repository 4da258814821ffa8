/** Creates runs, each with an event, and prints what became of each as JSON; as another user where one is given. Holds all logs open. */
import { EventLog } from '../../dist/index.js';

const [root, count, uid] = process.argv.slice(2);
if (uid !== undefined) {
  process.setgid(Number(uid));
  process.setuid(Number(uid));
}
const outcomes = [];
for (let index = 0; index < Number(count); index++) {
  try {
    const log = await EventLog.create(root, `p${index}`);
    await log.append({ type: 'pipe.started', pipe: 'p' });
    outcomes.push({ runId: log.runId });
  } catch (error) {
    outcomes.push({ code: error.code, path: error.path, errno: error.cause?.code, message: error.message });
  }
}
console.log(JSON.stringify(outcomes));
process.exit();
