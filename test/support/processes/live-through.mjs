/**
 * A whole life of a run in one process, whichever runtime it is: `live-through <root>`. Eight writers append while a tail
 * follows; then the run is resumed, ended and verified. Prints what was seen, as JSON.
 */
import { EventLog, verifyRun } from '../../../dist/index.js';

const [, , root] = process.argv;
const WRITERS = 8;
const EACH = 25;

const first = await EventLog.create(root, 'feature');
const { runId } = first;
const events = [];
let followed = 0;
const following = (async () => {
  for await (const event of EventLog.tail(root, runId)) {
    events.push(event);
    followed++;
  }
})();

await first.append({ type: 'pipe.started', pipe: 'feature' });
const writers = await Promise.all(Array.from({ length: WRITERS }, () => EventLog.open(root, runId)));
await Promise.all(
  writers.map(async (log, writer) => {
    for (let number = 0; number < EACH; number++) {
      await log.append({
        type: 'gate.passed',
        node_id: `writer-${writer}`,
        gate: `${number}`,
        method: 'hook',
      });
    }
    await log.close();
  }),
);
const refused = await EventLog.resume(root, runId).then(
  () => 'resumed',
  error => error.code,
);
await first.close();

const live = await EventLog.isLive(root, runId);
const { log, state } = await EventLog.resume(root, runId);
const liveAgain = await EventLog.isLive(root, runId);
await log.append({ type: 'pipe.completed' });
await log.close();
await following;

const gates = events.filter(event => event.type === 'gate.passed');
const ordered = Array.from({ length: WRITERS }, (_, writer) =>
  gates.filter(event => event.node_id === `writer-${writer}`).every((event, at) => event.gate === `${at}`),
).every(Boolean);
const rising = events.every((event, at) => at === 0 || event.id > events[at - 1].id);
const { ok } = await verifyRun(root, runId);
const replayed = (await EventLog.read(root, runId).toArray()).length;
console.log(
  JSON.stringify({
    refused,
    live,
    liveAgain,
    resumedAt: state.eventCount,
    followed,
    replayed,
    ordered,
    rising,
    ok,
  }),
);
