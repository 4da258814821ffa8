// @ts-check
/** After a cut: reopens every run, which repairs it, and reports its lines as they are in the file; then the run goes on. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventLog, verifyRun } from 'omne-event-log';
import { draftOf, foundIn } from './events.mjs';
import { report } from './report.mjs';

const LINES_IN_A_REPORT = 200;
const LF = 10;

/**
 * @param {string} root
 * @param {string} drive
 * @param {string} session
 */
export async function recheck(root, drive, session) {
  for (const runId of runFolders(root)) {
    try {
      await recheckRun(root, drive, session, runId);
    } catch (error) {
      report('refused', drive, runId, codeOf(error), String(error));
    }
  }
  report('rechecked', drive);
}

/** @param {string} root @param {string} drive @param {string} session @param {string} runId */
async function recheckRun(root, drive, session, runId) {
  const log = await EventLog.open(root, runId);
  try {
    const lines = linesOf(readFileSync(log.path));
    for (let at = 0; at < lines.length; at += LINES_IN_A_REPORT) {
      report('found', drive, runId, lines.slice(at, at + LINES_IN_A_REPORT));
    }
    const { ok, ended, problems } = await verifyRun(root, runId);
    report('verified', drive, runId, ok, problems[0]?.message ?? null, log.recovered?.bytes ?? 0);
    if (ended) return;
    const { id } = await log.append(draftOf(`${session}.again`, 0));
    report('acknowledged', drive, runId, [id]);
  } finally {
    await log.close();
  }
}

/** @param {Buffer} bytes */
function linesOf(bytes) {
  const lines = [];
  for (let start = 0, lf; (lf = bytes.indexOf(LF, start)) !== -1; start = lf + 1) {
    lines.push(foundIn(bytes.toString('utf8', start, lf), lf + 1));
  }
  return lines;
}

/** @param {string} root */
function runFolders(root) {
  try {
    return readdirSync(join(root, '.omne/var/runs')).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []; // the power went before the first run
    throw error;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
