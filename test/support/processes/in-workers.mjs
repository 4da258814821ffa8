/**
 * Appends to one run from several threads, or several processes of `cluster`, at once: `in-workers <root> <threads | cluster>
 * <how many>`. One more, which has the run open and holds its lock, is ended from outside. Prints what was seen, as JSON.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLog, verifyRun } from '../../../dist/index.js';
import { tryLock } from '../../../dist/volume/flock.js';

const EACH = 20;

async function append(root, runId, name) {
  const log = await EventLog.open(root, runId);
  for (let number = 0; number < EACH; number++)
    await log.append({ type: 'gate.passed', node_id: name, gate: `${number}`, method: 'hook' });
  await log.close();
}

async function work({ root, runId, name }, say) {
  if (name !== 'stuck') return append(root, runId, name);
  const log = await EventLog.open(root, runId);
  say(tryLock(openSync(log.path, 'a+'), log.path));
  setInterval(() => log, 1000);
  return undefined;
}

const starters = {
  threads: data => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    return { worker, ended: once(worker, 'exit'), end: () => worker.terminate() };
  },
  cluster: data => {
    const worker = cluster.fork({ OMNE_WORK: JSON.stringify(data) });
    return { worker, ended: once(worker, 'exit'), end: () => worker.process.kill('SIGKILL') };
  },
};

async function lead(root, how, writers) {
  const log = await EventLog.create(root, 'feature');
  await log.close();
  const { runId } = log;
  const start = name => starters[how]({ root, runId, name });
  await Promise.all(Array.from({ length: Number(writers) }, (_, index) => start(`writer-${index}`).ended));

  const stuck = start('stuck');
  const [held] = await once(stuck.worker, 'message');
  const liveBefore = await EventLog.isLive(root, runId);
  const refused = await EventLog.open(root, runId, { lockTimeout: 50 }).then(
    () => 'opened',
    error => error.code,
  );
  await Promise.all([stuck.end(), stuck.ended]);
  while (await EventLog.isLive(root, runId)) await sleep(5);
  await append(root, runId, 'after');

  const { ok, events } = await verifyRun(root, runId);
  console.log(JSON.stringify({ held, liveBefore, refused, ok, events }));
}

if (!isMainThread) await work(workerData, value => parentPort.postMessage(value));
else if (cluster.isWorker) {
  await work(JSON.parse(process.env.OMNE_WORK), value => process.send(value));
  if (JSON.parse(process.env.OMNE_WORK).name !== 'stuck') cluster.worker.disconnect();
} else await lead(...process.argv.slice(2));
