// Follows each of some runs with several tails: `follow-many <root> <tails of a run> <run id>...`. Prints, each as one line
// of JSON: once all have caught up, the share of a core that this process uses in two idle seconds; at the end, for each
// tail, its run and the events it saw.
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog, encodeEvent } from '../../../dist/index.js';

const [root, tailsOfRun, ...runIds] = process.argv.slice(2);
const IDLE_MS = 2000;

const tails = runIds.flatMap(runId =>
  Array.from({ length: Number(tailsOfRun) }, () => ({ runId, tail: EventLog.tail(root, runId) })),
);
const following = tails.map(async ({ runId, tail }) => ({
  runId,
  lines: (await tail.toArray()).map(encodeEvent),
}));
await Promise.all(tails.map(({ tail }) => tail.caughtUp));
const before = process.cpuUsage();
await sleep(IDLE_MS);
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify((user + system) / 1000 / IDLE_MS));
console.log(JSON.stringify(await Promise.all(following)));
