// @ts-check
/** Reports to the host: lines of JSON through a port of the machine, which several processes share; a line is one write. */
import { fstatSync, openSync, writeSync } from 'node:fs';

/**
 * What is said, by the guest and about it; the second item names the data drive by its letter, the third a run. `acknowledged`: ids of appends that have
 * resolved; `position`: where a reader stood after an acknowledged event; `found`: lines of a run after a cut; `verified`: what
 * `verifyRun` said of it, and how many torn bytes `open` had cut; `refused`: `open` has failed, by code and in words; `pruning`: runs that a prune is about
 * to take, `pruned`: those it has reported; `shipped`: what the server outside was sent of a run by the mirror in the guest.
 * @typedef {(
 *   | ['checking' | 'rechecked' | 'unmounted' | 'working', drive: string]
 *   | ['checked']
 *   | ['failed', drive: string, error: string]
 *   | ['pruning' | 'pruned', drive: string, runIds: string[]]
 *   | ['shipped', drive: string, runId: string, events: [id: string, end: number][]]
 *   | ['created', drive: string, runId: string]
 *   | ['acknowledged', drive: string, runId: string, ids: string[]]
 *   | ['position', drive: string, runId: string, id: string, position: number]
 *   | ['found', drive: string, runId: string, lines: import('./events.mjs').Found[]]
 *   | ['verified', drive: string, runId: string, ok: boolean, problem: string | null, torn: number]
 *   | ['refused', drive: string, runId: string, code: string | null, error: string]
 * )} Report
 */

/** Inherited by a worker as descriptor 3. */
export const PORT = isPort(3) ? 3 : openSync('/dev/vport0p1', 'w');

/** @param {Report} message */
export function report(...message) {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(PORT, line, at);
}

/** @param {number} fd */
function isPort(fd) {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
