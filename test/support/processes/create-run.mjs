/** Makes a run with a vocabulary of its own, appends an event, and stays until it is told to end: `create-run <root>`. */
import { once } from 'node:events';
import { EventLog, field, omneEvents } from '../../../dist/index.js';

const [, , root] = process.argv;
const events = omneEvents.extend({ 'work.measured': { value: field.string() } });
const log = await EventLog.create(root, 'new', { events });
await log.append({ type: 'work.measured', value: '1' });
console.log(log.runId);
await once(process.stdin.resume(), 'end');
await log.close();
