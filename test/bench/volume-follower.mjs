// @ts-check
/**
 * Follows the live runs of a volume and tells its parent what that takes: `volume-follower <root> <all|each> <count> [run...]`. `all` is one
 * `tailAll`, `each` a tail of each run that is named. First it tells what starting took; after `count` events, what these took.
 */
import { readFileSync } from 'node:fs';
import { EventLog } from '../../dist/index.js';

const [, , root = '', way = '', count = '0', ...runIds] = process.argv;

let seen = 0;
/** @param {AsyncIterable<unknown>} events */
async function take(events) {
  for await (const _ of events) if (++seen === Number(count)) tell();
}

let before = spent();
const streams =
  way === 'all'
    ? [EventLog.tailAll(root, { since: new Date() })]
    : runIds.map(runId => EventLog.tail(root, runId, { from: 'end' }));
for (const stream of streams) void take(stream);
await Promise.all(streams.map(({ caughtUp }) => caughtUp));
tell();

/** Tells what was spent since the last time. */
function tell() {
  global.gc?.();
  const now = spent();
  const { rss } = process.memoryUsage();
  process.send?.({ cpuMs: now.cpuMs - before.cpuMs, bytesRead: now.bytesRead - before.bytesRead, rss });
  before = spent();
}

function spent() {
  const { user, system } = process.cpuUsage();
  const bytesRead = Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
  return { cpuMs: (user + system) / 1000, bytesRead };
}
