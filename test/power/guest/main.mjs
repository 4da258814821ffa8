// @ts-check
/**
 * The guest's program: mounts each data drive, reopens every run on it and reports what is there; then, if told to work, appends to
 * the one drive from several processes until the power is cut. The settings come as `power_*` variables.
 */
import { spawn, spawnSync } from 'node:child_process';
import { EventLog } from 'omne-event-log';
import { recheck } from './recheck.mjs';
import { PORT, report } from './report.mjs';

const {
  power_fs: fs,
  power_drives: drives = '',
  power_work: work,
  power_session: session = '',
  power_mirror: mirror = '',
} = process.env;
const ROOT = '/data';
const WORKERS = 3;

for (const drive of drives.split(' ')) {
  // One at a time: they are copies of one file system, which a kernel does not mount twice.
  report('checking', drive);
  if (busybox('mount', '-t', fs ?? '', `/dev/vd${drive}`, ROOT)) {
    await recheck(ROOT, drive, session);
    if (work === '1') await startWorkers(drive);
    if (!busybox('umount', ROOT)) throw new Error(`${drive} stays mounted`);
  } else report('unmounted', drive);
}
report('checked');

/**
 * The workers share a new run and one that an earlier boot has left.
 * @param {string} drive
 */
async function startWorkers(drive) {
  /** @type {string[]} */
  const shared = [];
  for await (const { runId } of EventLog.runs(ROOT, { pipe: 'shared', reverse: true, limit: 1 }))
    shared.push(runId);
  const log = await EventLog.create(ROOT, 'shared');
  report('created', drive, log.runId);
  await log.close();
  shared.push(log.runId);
  const workers = Array.from({ length: WORKERS }, (_, index) =>
    start('worker', drive, `${session}.${index}`, ...shared),
  );
  workers.push(start('mirror', drive, mirror));
  await Promise.all(workers.map(worker => new Promise(resolve => worker.once('exit', resolve))));
}

/** @param {string} program @param {string[]} args */
function start(program, ...args) {
  const command = [...process.execArgv, `/app/guest/${program}.mjs`, ROOT, ...args];
  return spawn(process.execPath, command, { stdio: ['ignore', 'inherit', 'inherit', PORT] });
}

/** @param {string[]} args */
function busybox(...args) {
  return spawnSync('/bin/busybox', args, { stdio: 'inherit' }).status === 0;
}
