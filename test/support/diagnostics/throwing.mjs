// @ts-check
/** Subscribers that throw on every channel; prints what the log holds all the same, and what came up as uncaught. */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { EventLog } from '../../../dist/index.js';

/** @type {{ [channel: string]: number }} */
const uncaught = {};
process.on('uncaughtException', error => {
  uncaught[error.message] = (uncaught[error.message] ?? 0) + 1;
});
for (const name of ['commit', 'recover', 'tail']) {
  subscribe(`omne-event-log:${name}`, () => {
    throw new Error(name);
  });
}

const log = await EventLog.create(process.argv[2] ?? '', 'feature');
await log.append({ type: 'node.started', node_id: 'a', kind: 'bash' });
appendFileSync(log.path, 'torn');
const tail = log.tail();
const tailing = tail.toArray();
await Promise.all(['b', 'c'].map(node_id => log.append({ type: 'node.started', node_id, kind: 'bash' })));
await log.append({ type: 'pipe.completed' });
const tailed = await tailing;
await log.close();
const kept = await log.read().toArray();
const typesOf = (/** @type {typeof kept} */ events) => events.map(({ type }) => type);
console.log(JSON.stringify({ kept: typesOf(kept), tailed: typesOf(tailed), uncaught }));
