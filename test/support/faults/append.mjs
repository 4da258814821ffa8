/**
 * Makes a plan of appends come true and prints, at its end, one line per call: `append <plan as JSON>`. Without a plan it is sent
 * one after the other, and answers each with what became of the calls.
 *
 * It prints nothing before, so that a tool which counts or breaks its writes sees those of the log.
 */
import { appendFileSync } from 'node:fs';
import koffi from 'koffi';
import { CommitQueue } from '../../../dist/append/commit-queue.js';
import { Committer } from '../../../dist/append/committer.js';
import { openLogFile } from '../../../dist/append/log-file.js';
import { prepareDraft } from '../../../dist/format/encode.js';
import { EventLog, field, omneEvents } from '../../../dist/index.js';
import { placesOf } from '../../../dist/volume/places.js';

/** An event with a name. */
function draft(gate, paddingBytes) {
  const stdout = 'x'.repeat(paddingBytes);
  return { type: 'gate.passed', node_id: 'n', gate, method: 'hook', ...(paddingBytes > 0 && { stdout }) };
}

/** What `EventLog.open` puts together, on a file without O_DSYNC: each commit is a write and an fdatasync. */
async function openWithoutDsync(root, runId) {
  const places = placesOf(root, runId);
  const file = await openLogFile(places, { dsync: false });
  const committer = new Committer(file, { lock: true });
  await committer.start();
  const queue = new CommitQueue(batch => committer.commit(batch));
  const appendAll = drafts =>
    new Promise((resolve, reject) => {
      const events = drafts.map(each => prepareDraft(each, runId));
      const bytes = events.reduce((sum, prepared) => sum + prepared.bytes, 0);
      const done = () => resolve(events.map(({ event }) => event));
      queue.push({ events, bytes, last: false, resolve: done, reject });
    });
  return { path: places.log, append: one => appendAll([one]), appendAll, close: () => file.close() };
}

function open({ root, runId, make, own = 0, dsync = true }) {
  const added = Array.from({ length: own }, (_, index) => [`own.${index}`, { value: field.string() }]);
  const options = own === 0 ? {} : { events: omneEvents.extend(Object.fromEntries(added)) };
  if (make === 'create') return EventLog.create(root, 'faulty', options);
  if (dsync) return EventLog.open(root, runId, { ...options, create: make === 'ensure' });
  return openWithoutDsync(root, runId);
}

/** What became of each call: no code means that it was acknowledged. */
async function carryOut(plan) {
  const { paddingBytes = 0, steps } = plan;
  const outcomes = [];
  async function note(names, call) {
    const outcome = { names };
    outcomes.push(outcome);
    await call().catch(({ code, kept, cause }) => Object.assign(outcome, { code, kept, errno: cause?.code }));
  }

  let log;
  await note([], async () => {
    log = await open(plan);
  });
  if (log === undefined) return outcomes;
  const append = ([name]) => log.append(draft(name, paddingBytes));
  const appendAll = names => log.appendAll(names.map(name => draft(name, paddingBytes)));
  for (const step of steps) {
    if (step === 'tear')
      appendFileSync(log.path, '{"type":"gate.pa'); // as a peer does that dies in a write
    else
      await Promise.all(
        step.map(names => note(names, () => (names.length === 1 ? append : appendAll)(names))),
      );
  }
  await note([], () => log.close());
  return outcomes;
}

/** Resolves when nothing is under way any more: a process that is not sent plans would end. */
async function allDone() {
  while (process.getActiveResourcesInfo().some(each => each !== 'PipeWrap')) {
    await new Promise(setImmediate);
  }
}

/** Some systems (Yama) let a process be traced by its parents only, unless it says otherwise. */
function letAnyoneTrace() {
  const [PR_SET_PTRACER, PR_SET_PTRACER_ANY] = [0x59616d61, -1n];
  koffi.load(null).func('int prctl(int option, long value)')(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
}

const [, , plan] = process.argv;
if (plan === undefined) {
  letAnyoneTrace();
  process.on('message', async sent => {
    const outcomes = await carryOut(sent);
    await allDone();
    process.send(outcomes);
  });
  process.send('ready');
} else {
  for (const outcome of await carryOut(JSON.parse(plan))) console.log(JSON.stringify(outcome));
}
