// @ts-check
/**
 * Cuts in the log of all writes to the drive: a session works and is stopped, then its drive is made again as it was at several
 * moments, each time without some or all of what was not flushed by then. One boot rechecks all of these drives, and the
 * next session goes on with one of them.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Book } from './book.mjs';
import { copyDrive, makeDataDrive } from './images.mjs';
import { Machine } from './machine.mjs';
import { Result } from './result.mjs';
import { readWriteLog, replay } from './write-log.mjs';

const ACKNOWLEDGED = 400; // messages that a session goes on for
const MAX_WORK_MS = 20_000; // whatever the pace of the machine
const DRIVES = 10; // rechecked by one boot
/** How much of what was not flushed is kept; whole writes, or each block by itself. */
const LOSSES = [
  () => () => false,
  () => () => Math.random() < 0.5,
  () => {
    const kept = new Map();
    return (/** @type {object} */ request) =>
      kept.get(request) ?? kept.set(request, Math.random() < 0.5).get(request);
  },
];

/** What a session has left. @typedef {{ messages: import('./machine.mjs').Message[], writeLog: string }} Worked */

/** A drive as a cut has left it, and what was acknowledged by then. @typedef {{ drive: string, book: Book, lost: number }} Cut */

/**
 * @param {import('./kill-cuts.mjs').Setting} setting
 * @returns {Promise<Result>}
 */
export async function cutInWriteLog(setting) {
  const { folder, fs, cuts, progress } = setting;
  const base = join(folder, 'base.img');
  makeDataDrive(base, fs);
  let book = new Book();
  const result = new Result('write-log', fs);
  for (let session = 0; result.cuts < cuts; session += 2) {
    progress(`write-log: cut ${result.cuts} of ${cuts}; ${result.summary}`);
    const worked = await work(setting, base, session);
    const wanted = Math.min(DRIVES, cuts - result.cuts);
    const made = Array.from({ length: wanted }, (_, index) => makeCut(folder, base, index, book, worked));
    rmSync(worked.writeLog);
    await recheck(setting, session + 1, made, result);
    const [next, ...others] = made;
    if (next === undefined) break;
    book = next.book;
    renameSync(next.drive, base);
    for (const { drive } of others) rmSync(drive);
  }
  return result.finish();
}

/**
 * A session on a copy of the base.
 * @param {import('./kill-cuts.mjs').Setting} setting
 * @param {string} base
 * @param {number} session
 * @returns {Promise<Worked>}
 */
async function work(setting, base, session) {
  const drive = join(setting.folder, 'work.img');
  const writeLog = join(setting.folder, 'writes.log');
  copyDrive(base, drive);
  writeFileSync(writeLog, '');
  await setting.copies.forget(); // it may have more than this drive, which is set back
  const machine = new Machine({ ...setting, session, drives: [drive], work: true, writeLog });
  await machine.mustReport('working');
  await machine.mustReport('acknowledged');
  await Promise.race([machine.reports('acknowledged', ACKNOWLEDGED), sleep(MAX_WORK_MS)]);
  machine.stop();
  await machine.off;
  rmSync(drive);
  return { messages: machine.messages, writeLog };
}

/**
 * The drive as it is after a cut at a random moment.
 * @param {string} folder
 * @param {string} base
 * @param {number} index
 * @param {Book} before - what was acknowledged on the base
 * @param {Worked} worked
 * @returns {Cut}
 */
function makeCut(folder, base, index, before, { messages, writeLog }) {
  const requests = readWriteLog(writeLog);
  const moments = index % 2 === 0 ? momentsOfReports(messages) : momentsOfWrites(requests);
  const moment = moments[Math.floor(Math.random() * moments.length)] ?? 0;
  const count = requests.filter(({ end }) => end <= moment).length;
  const drive = join(folder, `cut-${index}.img`);
  copyDrive(base, drive);
  const keep = LOSSES[index % LOSSES.length]?.() ?? (() => false);
  const lost = replay(writeLog, requests, count, drive, keep);
  const book = before.copy();
  for (const { logBytes, message } of messages) if (logBytes <= moment) book.note(message);
  return { drive, book, lost };
}

/** Just after something was acknowledged. A moment is a size of the log of writes. @param {import('./machine.mjs').Message[]} messages */
function momentsOfReports(messages) {
  return messages.filter(({ message: [kind] }) => kind === 'acknowledged').map(({ logBytes }) => logBytes);
}

/** When a write was done and not yet flushed. @param {import('./write-log.mjs').Request[]} requests */
function momentsOfWrites(requests) {
  return requests.filter(({ flush }) => !flush).map(({ end }) => end);
}

/** @param {import('./kill-cuts.mjs').Setting} setting @param {number} session @param {Cut[]} made @param {Result} result */
async function recheck(setting, session, made, result) {
  const drives = made.map(({ drive }) => drive);
  const machine = new Machine({ ...setting, session, drives, work: false });
  await machine.mustReport('checked');
  await machine.off;
  for (const [index, { book, lost }] of made.entries()) {
    const messages = machine.messagesOf(index);
    result.add(book.check(messages));
    result.cuts++;
    result.writesLost += lost;
    for (const message of messages) book.note(message);
  }
}
