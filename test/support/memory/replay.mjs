// Replays a run and prints how memory grew: `peak`, the most over the start while it reads, in bytes; `kept`, what stays
// when one event in so many is kept (the last argument), and `lines`, the bytes of the lines of these.
import { EventLog, encodeEvent } from '../../../dist/index.js';

const [root, runId, each] = process.argv.slice(2);
const heap = () => process.memoryUsage().heapUsed + process.memoryUsage().external;
/** V8 sweeps in the background: the figure is right once it has not become smaller for five rounds. */
const collect = async () => {
  for (let least = Number.POSITIVE_INFINITY, still = 0, round = 0; still < 5 && round < 200; round++) {
    globalThis.gc();
    await new Promise(resolve => setTimeout(resolve, 40));
    still = heap() < least - 1000 ? 0 : still + 1;
    least = Math.min(least, heap());
  }
};

const kept = [];
let peak = 0;

/** Reads the whole log; keeps one event in `each`, and watches the memory of the process. */
async function readAll(each, start) {
  let count = 0;
  for await (const events of EventLog.read(root, runId).batches()) {
    for (const event of events) if (count++ % each === 0) kept.push(event);
    if (start !== undefined) peak = Math.max(peak, process.memoryUsage().rss - start);
  }
  return count;
}

// The first blocks make V8 compile, and take their buffers: that is not growth.
for await (const _ of EventLog.read(root, runId, { limit: 20_000 })) {
}
await collect();
const count = await readAll(Number.POSITIVE_INFINITY, process.memoryUsage().rss);
kept.length = 0;
await collect();
const before = heap();
await readAll(Number(each));
await collect();
const after = heap();
const lines = kept.reduce((sum, event) => sum + Buffer.byteLength(encodeEvent(event)) + 1, 0);
console.log(JSON.stringify({ peak, count, kept: after - before, lines }));
