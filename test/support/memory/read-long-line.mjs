/**
 * Reads a run whose log has a line of great length, in one of several ways, and prints as JSON what came of it (the code of the error,
 * or what a check found) and by how many bytes the memory of the process grew: `read-long-line <root> <run id> <log> <way>`.
 */
import { createReadStream } from 'node:fs';
import { EventLog, eventDecoder, verifyRun } from '../../../dist/index.js';

const [, , root, runId, path, way] = process.argv;

const ways = {
  events: async () => {
    for await (const _ of EventLog.read(root, runId));
  },
  batches: () => EventLog.read(root, runId).toArray(),
  'the last two events': () => EventLog.read(root, runId, { last: 2 }).toArray(),
  'the last three events': () => EventLog.read(root, runId, { last: 3 }).toArray(),
  'a decoder': async () => {
    for await (const _ of createReadStream(path).pipe(eventDecoder()));
  },
  'a check': async () => {
    const { events, problems } = await verifyRun(root, runId);
    return [events, ...problems.map(({ kind }) => kind)].join();
  },
};

const before = process.resourceUsage().maxRSS;
const outcome = await ways[way]().catch(({ code }) => code);
console.log(JSON.stringify({ outcome, growth: (process.resourceUsage().maxRSS - before) * 1024 }));
