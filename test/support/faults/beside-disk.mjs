/**
 * Does eight things at once that wait for the disk, reads an unrelated file beside them, and prints which was done first, `read` or
 * `disk`: `beside-disk <append|sync> <root> <run id>...`.
 */
import { readFile } from 'node:fs/promises';
import { EventLog } from '../../../dist/index.js';
import { placesOf } from '../../../dist/volume/places.js';
import { openForReading } from '../../../dist/volume/readable-log.js';

const [, , what, root, ...runIds] = process.argv;
const draft = { type: 'gate.passed', node_id: 'n', gate: 'g', method: 'hook' };

/** For each way: what is prepared, and then what waits for the disk. */
const WAYS = {
  append: async runId => {
    const log = await EventLog.open(root, runId);
    return () => log.append(draft); // the first one syncs the lines that are there
  },
  sync: async runId => {
    const log = await openForReading(placesOf(root, runId));
    return () => log.sync();
  },
};

const works = await Promise.all(runIds.map(WAYS[what]));
const disk = works.map(work => work().then(() => 'disk'));
await new Promise(setImmediate); // each is under way
const read = readFile(import.meta.filename).then(() => 'read');
console.log(await Promise.race([...disk, read]));
process.exit();
