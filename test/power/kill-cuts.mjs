// @ts-check
/** Cuts by SIGKILL: each boot rechecks what the cut before it left, then works until it is cut itself. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Book } from './book.mjs';
import { makeDataDrive } from './images.mjs';
import { Machine } from './machine.mjs';
import { Result } from './result.mjs';

const MAX_ACKNOWLEDGED = 400; // messages, of one event or of an appendAll
const MAX_WORK_MS = 20_000; // whatever the pace of the machine
const MAX_MOMENT_MS = 100;
const RECHECK_MS = 1500;
const EARLY = 0.2; // the share of cuts that come while runs are reopened and repaired

/**
 * @typedef {object} Setting
 * @property {import('./images.mjs').System} system
 * @property {string} folder
 * @property {string} fs
 * @property {number} cuts
 * @property {boolean} control
 * @property {import('./copy-server.mjs').CopyServer} copies
 * @property {(text: string) => void} progress
 */

/**
 * @param {Setting} setting
 * @returns {Promise<Result>}
 */
export async function cutByKill(setting) {
  const { folder, fs, cuts, progress } = setting;
  const drive = join(folder, 'data.img');
  makeDataDrive(drive, fs);
  const book = new Book();
  const result = new Result('kill', fs);
  for (let session = 0; session <= cuts; session++) {
    progress(`kill: cut ${session} of ${cuts}; ${result.summary}`);
    const last = session === cuts;
    const machine = new Machine({ ...setting, session, drives: [drive], work: !last });
    if (!last) {
      await cutAtRandom(machine, session > 0 && Math.random() < EARLY);
      result.cuts++;
    }
    await machine.off;
    const messages = machine.messagesOf(0);
    if (last) await machine.mustReport('checked');
    // A recheck that was cut short shows nothing; what it acknowledged counts.
    if (messages.some(([kind]) => kind === 'rechecked')) result.add(book.check(messages));
    for (const message of messages) book.note(message);
  }
  return result.finish();
}

/** @param {Machine} machine @param {boolean} early */
async function cutAtRandom(machine, early) {
  await machine.mustReport(early ? 'checking' : 'working');
  if (!early) await machine.mustReport('acknowledged');
  if (early) await sleep(Math.random() * RECHECK_MS);
  else {
    const enough = machine.reports('acknowledged', Math.ceil(Math.random() * MAX_ACKNOWLEDGED));
    await Promise.race([enough, sleep(MAX_WORK_MS)]);
    await sleep(Math.random() * MAX_MOMENT_MS);
  }
  machine.cut();
}
