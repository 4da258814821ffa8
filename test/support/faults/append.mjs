/**
 * Makes a plan of appends come true and prints, at its end, one line per call: `append <plan as JSON>`.
 *
 * It prints nothing before, so that a tool which counts or breaks its writes sees those of the log.
 */
import { appendFileSync } from 'node:fs';
import { CommitQueue } from '../../../dist/append/commit-queue.js';
import { Committer } from '../../../dist/append/committer.js';
import { openLogFile } from '../../../dist/append/log-file.js';
import { prepareDraft } from '../../../dist/format/encode.js';
import { EventLog, field, omneEvents } from '../../../dist/index.js';
import { placesOf } from '../../../dist/volume/places.js';

const { root, runId, make, own = 0, dsync = true, paddingBytes = 0, steps } = JSON.parse(process.argv[2]);

const draft = gate => ({
  type: 'gate.passed',
  node_id: 'n',
  gate,
  method: 'hook',
  ...(paddingBytes > 0 && { stdout: 'x'.repeat(paddingBytes) }),
});

/** What `EventLog.open` puts together, on a file without O_DSYNC: each commit is a write and an fdatasync. */
async function openWithoutDsync() {
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

/** A vocabulary with so many types of its own; none for the built-in one. */
const added = Array.from({ length: own }, (_, index) => [`own.${index}`, { value: field.string() }]);
const options = own === 0 ? {} : { events: omneEvents.extend(Object.fromEntries(added)) };

const outcomes = [];
/** Notes what became of a call: no code means that it was acknowledged. */
async function note(names, call) {
  const outcome = { names };
  outcomes.push(outcome);
  await call().catch(({ code, kept, cause }) => Object.assign(outcome, { code, kept, errno: cause?.code }));
}

let log;
await note([], async () => {
  if (make === 'create') log = await EventLog.create(root, 'faulty', options);
  else if (dsync) log = await EventLog.open(root, runId, { ...options, create: make === 'ensure' });
  else log = await openWithoutDsync();
});
if (log !== undefined) {
  for (const step of steps) {
    if (step === 'tear')
      appendFileSync(log.path, '{"type":"gate.pa'); // as a peer does that dies in a write
    else {
      const calls = step.map(names =>
        names.length === 1
          ? note(names, () => log.append(draft(names[0])))
          : note(names, () => log.appendAll(names.map(draft))),
      );
      await Promise.all(calls);
    }
  }
  await note([], () => log.close());
}
for (const outcome of outcomes) console.log(JSON.stringify(outcome));
