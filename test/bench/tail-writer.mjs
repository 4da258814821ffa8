// @ts-check
/**
 * Appends events to a log, 5 ms apart, each with the moment at which it was written: `tail-writer <path> <count>`. Those
 * before a word on its standard input are for trial; `count` that count follow. The clock is the same in all processes.
 */
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN_ID } from '../../fixtures/generate.mjs';

const [, , path = '', count = '0'] = process.argv;
const APART_MS = 5;

const fd = openSync(path, 'a');
let going = false;
once(process.stdin, 'data').then(() => {
  going = true;
});
while (!going) await write('trial');
for (let number = 0; number < Number(count); number++) await write('counts');
process.exit();

/** @param {string} gate */
async function write(gate) {
  const ids = `"id":"01kp8g6dg0zg6axb6gqz17wf7n","ts":"2026-04-15T12:00:00.000Z","run_id":"${RUN_ID}"`;
  const before = `{"type":"gate.passed",${ids},"node_id":"n","gate":"${gate}","method":"hook","stdout":"`;
  writeSync(fd, `${before}${process.hrtime.bigint()}"}\n`);
  await sleep(APART_MS);
}
