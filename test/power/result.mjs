// @ts-check
/** What the cuts of one method have come to. */

const MAX_PROBLEMS = 20;

export class Result {
  /** @type {string} */
  method;
  /** @type {string} */
  fs;
  cuts = 0;
  /** Rechecks of a drive. */
  checks = 0;
  /** Events acknowledged since the drive's previous recheck, summed; the earlier ones are looked for again. */
  acknowledged = 0;
  lost = 0;
  /** Events shipped by the mirror, and runs pruned, by then. */
  mirrored = 0;
  pruned = 0;
  /** Runs on the drives, summed over the rechecks. */
  runs = 0;
  /** Torn tails that were repaired. */
  torn = 0;
  /** Writes to the drive that a cut took, wholly or in part; only where they are logged. */
  writesLost = 0;
  problemCount = 0;
  /** The first of them. @type {string[]} */
  problems = [];
  seconds = 0;
  #started = performance.now();

  /** @param {string} method @param {string} fs */
  constructor(method, fs) {
    this.method = method;
    this.fs = fs;
  }

  /** @param {import('./book.mjs').Verdict} verdict */
  add({ acknowledged, mirrored, pruned, lost, runs, torn, problems }) {
    this.checks++;
    this.acknowledged += acknowledged;
    this.mirrored += mirrored;
    this.pruned += pruned;
    this.lost += lost;
    this.runs += runs;
    this.torn += torn;
    this.problemCount += problems.length;
    this.problems.push(...problems.slice(0, MAX_PROBLEMS - this.problems.length));
  }

  get summary() {
    return `${this.acknowledged} events acknowledged, ${this.lost} lost`;
  }

  finish() {
    this.seconds = (performance.now() - this.#started) / 1000;
    return this;
  }
}

/** All that was asked for. @typedef {{ control: boolean, seconds: number, results: Result[] }} Report */

/**
 * Nothing was lost or wrong; of a control, each method has seen a loss.
 * @param {Report} report
 */
export function passes({ control, results }) {
  return results.every(({ lost, problemCount, acknowledged }) =>
    control ? lost > 0 : problemCount === 0 && acknowledged > 0,
  );
}
