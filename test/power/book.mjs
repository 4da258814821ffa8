// @ts-check
/**
 * What was acknowledged, and what is on the drive after a cut, held against each other. Knows nothing of machines: it is fed with
 * the guest's messages.
 */

/** @typedef {import('./guest/events.mjs').Found} Found */
/** @typedef {import('./guest/report.mjs').Report} Report */

/** What a check found; `acknowledged` are those since the check before. @typedef {{ acknowledged: number, lost: number, runs: number, torn: number, problems: string[] }} Verdict */

/** What a boot has found of one run. @typedef {{ events: Found[], verified: boolean, problem: string | null, torn: number }} RunFound */

export class Book {
  /** The runs whose `create` has resolved. @type {Set<string>} */
  #created = new Set();
  /** The ids acknowledged in each run. @type {Map<string, Set<string>>} */
  #acknowledged = new Map();
  /** @type {{ runId: string, id: string, position: number }[]} */
  #positions = [];
  /** @type {string[]} */
  #mistakes = [];
  /** How many events were acknowledged since the last check. */
  #recent = 0;

  /** Another book with the same entries. */
  copy() {
    const copy = new Book();
    copy.#created = new Set(this.#created);
    copy.#acknowledged = new Map([...this.#acknowledged].map(([runId, ids]) => [runId, new Set(ids)]));
    copy.#positions = [...this.#positions];
    copy.#recent = this.#recent;
    return copy;
  }

  /**
   * Takes in what was acknowledged.
   * @param {Report} message
   */
  note(message) {
    switch (message[0]) {
      case 'created':
        if (this.#created.has(message[2])) this.#mistakes.push(`${message[2]} was created twice`);
        this.#created.add(message[2]);
        break;
      case 'acknowledged':
        for (const id of message[3]) this.#of(message[2]).add(id);
        this.#recent += message[3].length;
        break;
      case 'position':
        this.#positions.push({ runId: message[2], id: message[3], position: message[4] });
        break;
      case 'failed':
        this.#mistakes.push(`an append failed: ${message[2]}`);
    }
  }

  /**
   * Holds what a boot found against the book. From then on what was found counts as acknowledged, for it is on the drive, and what
   * is lost is lost once.
   * @param {readonly Report[]} messages - of one drive, of a boot that has rechecked it
   * @returns {Verdict}
   */
  check(messages) {
    const found = foundBy(messages);
    const problems = this.#mistakes.splice(0);
    if (messages.some(([kind]) => kind === 'unmounted'))
      problems.push('the file system could not be mounted');
    const acknowledged = this.#recent;
    let lost = 0;
    for (const runId of this.#created)
      if (!found.has(runId)) problems.push(`${runId} was created and is not there`);
    for (const [runId, ids] of this.#acknowledged) {
      const there = new Set(found.get(runId)?.events.map(([id]) => id));
      const missing = [...ids].filter(id => !there.has(id));
      lost += missing.length;
      if (missing.length > 0)
        problems.push(`${runId}: ${missing.length} of ${ids.size} acknowledged events are lost`);
    }
    for (const [runId, run] of found) problems.push(...problemsOf(runId, run));
    for (const { runId, id, position } of this.#positions) {
      const end = found.get(runId)?.events.find(event => event[0] === id)?.[1];
      if (end !== undefined && end !== position)
        problems.push(`${runId}: ${position} is no longer the end of ${id}`);
    }
    this.#restart(found);
    const torn = [...found.values()].filter(run => run.torn > 0).length;
    return { acknowledged, lost, runs: found.size, torn, problems };
  }

  /** @param {Map<string, RunFound>} found */
  #restart(found) {
    this.#positions = [];
    this.#recent = 0;
    this.#created = new Set(found.keys());
    this.#acknowledged = new Map(
      [...found].map(([runId, { events }]) => [runId, new Set(events.map(([id]) => id))]),
    );
  }

  /** @param {string} runId @returns {Set<string>} */
  #of(runId) {
    const ids = this.#acknowledged.get(runId) ?? new Set();
    this.#acknowledged.set(runId, ids);
    return ids;
  }
}

/**
 * The runs that a boot has found. A run folder without a log, left by a `create` that the cut came before, is no run.
 * @param {readonly Report[]} messages
 */
function foundBy(messages) {
  /** @type {Map<string, RunFound>} */
  const runs = new Map();
  /** @param {string} runId */
  const of = runId => {
    const run = runs.get(runId) ?? { events: [], verified: false, problem: 'it was not verified', torn: 0 };
    runs.set(runId, run);
    return run;
  };
  for (const message of messages) {
    if (message[0] === 'found') of(message[2]).events.push(...message[3]);
    else if (message[0] === 'verified') {
      Object.assign(of(message[2]), { verified: message[3], problem: message[4], torn: message[5] });
    } else if (message[0] === 'refused' && message[3] !== 'ERR_RUN_NOT_FOUND') {
      Object.assign(of(message[2]), { verified: false, problem: message[4] });
    }
  }
  return runs;
}

/** What is wrong with a run whatever was acknowledged. @param {string} runId @param {RunFound} run */
function* problemsOf(runId, { events, verified, problem }) {
  if (!verified) yield `${runId}: ${problem}`;
  /** @type {Map<string, number>} */
  const next = new Map();
  let last = '';
  for (const [id, end, writer, number, whole] of events) {
    if (!whole) yield `${runId}: the line that ends at ${end} is not what was written`;
    if (id <= last) yield `${runId}: the id ${id} does not rise`;
    const expected = next.get(writer) ?? 0;
    if (number !== expected) yield `${runId}: ${writer} goes on with ${number} instead of ${expected}`;
    next.set(writer, number + 1);
    last = id;
  }
}
