/**
 * Appends events as the Rust program does, with none of the library's writer: for each event it polls the lock every 25 ms
 * for at most 5 s, writes one line, syncs and unlocks. The rest is as in `append-many`, whose arguments it takes.
 */
import { once } from 'node:events';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { encodeEvent } from '../../../dist/index.js';
import { UlidSequence } from '../../../dist/volume/ulid.js';

const POLL_MS = 25;
const BUDGET_MS = 5000;
const [LOCK_EX, LOCK_NB, LOCK_UN] = [2, 4, 8];
const flock = koffi.load(null).func('int flock(int fd, int operation)');

const [, , root, runId, name, count] = process.argv;
const path = join(root, '.omne/var/runs', runId, 'events.jsonl');
const sequence = new UlidSequence();

async function append(number) {
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND);
  try {
    const deadline = performance.now() + BUDGET_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) !== 0) {
      if (performance.now() > deadline) throw new Error(`no lock within ${BUDGET_MS} ms`);
      await sleep(POLL_MS);
    }
    const last = lastId(fd);
    if (last !== undefined) sequence.raiseTo(last);
    const now = Date.now();
    const id = sequence.next(now);
    const ts = new Date(now).toISOString();
    const event = {
      type: 'gate.passed',
      id,
      ts,
      run_id: runId,
      node_id: name,
      gate: String(number),
      method: 'hook',
    };
    writeSync(fd, `${encodeEvent(event)}\n`);
    fsyncSync(fd);
    flock(fd, LOCK_UN);
    return id;
  } finally {
    closeSync(fd);
  }
}

function lastId(fd) {
  const end = Buffer.alloc(4096);
  const { size } = fstatSync(fd);
  const text = end.toString('latin1', 0, readSync(fd, end, 0, end.length, Math.max(0, size - end.length)));
  return /"id":"(\w+)"[^\n]*\n$/.exec(text)?.[1];
}

console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const ids = [];
const times = [];
const start = performance.now();
for (let number = 0; number < Number(count); number++) {
  const before = performance.now();
  ids.push(await append(number));
  times.push(performance.now() - before);
}
const total = performance.now() - start;
times.sort((a, b) => a - b);
console.log(
  JSON.stringify({ ids, slowest: times.at(-1), p99: times[Math.floor(times.length * 0.99)], total }),
);
