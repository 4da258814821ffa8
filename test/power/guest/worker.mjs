// @ts-check
/**
 * One of the processes that append until the power is cut: several appenders on each shared run, and runs of its own, which it
 * creates one after the other. What has resolved is reported, never what is under way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLog } from 'omne-event-log';
import { draftOf } from './events.mjs';
import { report } from './report.mjs';

const APPENDERS = 2;
const OWN_RUNS = 4;
const EVENTS_PER_OWN_RUN = 12;
const KEPT_RUNS = 1;
const MAX_BATCH = 25;
const POSITION_EVERY = 16;
/** An emulated machine on a busy host takes seconds for what a real one does in milliseconds. */
const LOCK_TIMEOUT_MS = 120_000;

const [root = '', drive = '', name = '', ...shared] = process.argv.slice(2);
process.once('uncaughtException', error => {
  report('failed', drive, String(error));
  process.exit(1);
});
report('working', drive);
await Promise.all([createRuns(), ...shared.map(appendToShared)]);

/** @param {string} runId */
async function appendToShared(runId) {
  const log = await EventLog.open(root, runId, { lockTimeout: LOCK_TIMEOUT_MS });
  await Promise.all(Array.from({ length: APPENDERS }, (_, index) => appendForEver(log, `${name}.${index}`)));
}

/** @param {EventLog} log @param {string} writer */
async function appendForEver(log, writer) {
  const save = positionSaver(log);
  for (let number = 0, turn = 1; ; turn++) {
    const count = Math.random() < 0.7 ? 1 : 2 + Math.floor(Math.random() * MAX_BATCH);
    const last = await appendSome(log, writer, number, count);
    number += count;
    if (turn % POSITION_EVERY === 0) await save(last);
  }
}

/** Runs of a few events each, half of which end, and are pruned later. */
async function createRuns() {
  const pipe = `own-${name.split('.').at(-1)}`; // the same in each session, and no other worker's
  for (let run = 0; run < OWN_RUNS; run++) {
    const log = await EventLog.create(root, pipe);
    report('created', drive, log.runId);
    const writer = `${name}.own${run}`;
    for (let number = 0; number < EVENTS_PER_OWN_RUN; number += 3) await appendSome(log, writer, number, 3);
    if (run % 2 === 0) {
      const { id } = await log.append({ type: 'pipe.aborted', reason: `${writer} ${EVENTS_PER_OWN_RUN}` });
      report('acknowledged', drive, log.runId, [id]);
    }
    await log.close();
    await prune(pipe);
    await sleep(Math.random() * 400);
  }
}

/** Reports which runs go before it takes them, since the cut may come in between. @param {string} pipe */
async function prune(pipe) {
  const options = { pipe, keep: KEPT_RUNS };
  const { runs } = await EventLog.prune(root, { ...options, dryRun: true });
  if (runs.length === 0) return;
  report('pruning', drive, idsOf(runs));
  report('pruned', drive, idsOf((await EventLog.prune(root, options)).runs));
}

/** @param {readonly { runId: string }[]} runs */
function idsOf(runs) {
  return runs.map(({ runId }) => runId);
}

/** Appends and reports `count` events, returning the id of the last. @param {EventLog} log @param {string} writer @param {number} first @param {number} count */
async function appendSome(log, writer, first, count) {
  const drafts = Array.from({ length: count }, (_, index) => draftOf(writer, first + index));
  const [draft] = drafts;
  const events = count === 1 && draft !== undefined ? [await log.append(draft)] : await log.appendAll(drafts);
  const ids = events.map(({ id }) => id);
  report('acknowledged', drive, log.runId, ids);
  return ids.at(-1) ?? '';
}

/** Reads on to an acknowledged event and reports the reader's position there, as a program does that resumes from it. @param {EventLog} log */
function positionSaver(log) {
  let from = 0;
  /** @param {string} id */
  return async id => {
    const reader = log.read({ from });
    for await (const event of reader) if (event.id === id) break;
    from = reader.position;
    report('position', drive, log.runId, id, from);
  };
}
