// @ts-check
/**
 * What was acknowledged, and what is on the drive after a cut, held against each other. Knows nothing of machines: it is fed with
 * the guest's messages.
 */

/** @typedef {import('./guest/events.mjs').Found} Found */
/** @typedef {import('./guest/report.mjs').Report} Report */

/**
 * What a check found; `acknowledged`, `mirrored` and `pruned` are events and runs since the check before.
 * @typedef {{ acknowledged: number, mirrored: number, pruned: number, lost: number, runs: number, torn: number, problems: string[] }} Verdict
 */

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
  /** Runs that a prune may have taken, and those that it has. @type {Set<string>} */
  #leaving = new Set();
  /** @type {Set<string>} */
  #gone = new Set();
  /** What the copy of each run holds: where each of its events ends. @type {Map<string, Map<string, number>>} */
  #copies = new Map();
  /** How much there was since the last check. */
  #recent = { acknowledged: 0, mirrored: 0, pruned: 0 };

  /** Another book with the same entries. */
  copy() {
    const copy = new Book();
    copy.#created = new Set(this.#created);
    copy.#acknowledged = new Map([...this.#acknowledged].map(([runId, ids]) => [runId, new Set(ids)]));
    copy.#positions = [...this.#positions];
    copy.#leaving = new Set(this.#leaving);
    copy.#gone = new Set(this.#gone);
    copy.#copies = new Map([...this.#copies].map(([runId, ends]) => [runId, new Map(ends)]));
    copy.#recent = { ...this.#recent };
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
        this.#recent.acknowledged += message[3].length;
        break;
      case 'pruning':
        for (const runId of message[2]) this.#leaving.add(runId);
        break;
      case 'pruned':
        for (const runId of message[2]) this.#gone.add(runId);
        this.#recent.pruned += message[2].length;
        break;
      case 'shipped':
        this.#ship(message[2], message[3]);
        break;
      case 'position':
        this.#positions.push({ runId: message[2], id: message[3], position: message[4] });
        break;
      case 'failed':
        this.#mistakes.push(`a process failed: ${message[2]}`);
    }
  }

  /** @param {string} runId @param {[id: string, end: number][]} events */
  #ship(runId, events) {
    const ends = this.#copies.get(runId) ?? new Map();
    this.#copies.set(runId, ends);
    for (const [id, end] of events) ends.set(id, end);
    this.#recent.mirrored += events.length;
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
    const recent = this.#recent;
    let lost = 0;
    problems.push(...this.#pruneProblems(messages, found));
    const mayBeGone = (/** @type {string} */ runId) => this.#leaving.has(runId) && !found.has(runId);
    for (const runId of this.#created)
      if (!found.has(runId) && !mayBeGone(runId)) problems.push(`${runId} was created and is not there`);
    for (const [runId, ids] of this.#acknowledged) {
      if (mayBeGone(runId)) continue;
      const there = new Set(found.get(runId)?.events.map(([id]) => id));
      const missing = [...ids].filter(id => !there.has(id));
      lost += missing.length;
      if (missing.length > 0)
        problems.push(`${runId}: ${missing.length} of ${ids.size} acknowledged events are lost`);
    }
    for (const [runId, run] of found) problems.push(...problemsOf(runId, run));
    for (const [runId, ends] of this.#copies) {
      const there = new Map(found.get(runId)?.events.map(([id, end]) => [id, end]));
      const more = [...ends].filter(([id, end]) => there.get(id) !== end);
      if (mayBeGone(runId)) this.#copies.delete(runId);
      else if (more.length > 0)
        problems.push(`${runId}: its copy has ${more.length} events that it has lost`);
    }
    for (const { runId, id, position } of this.#positions) {
      const end = found.get(runId)?.events.find(event => event[0] === id)?.[1];
      if (end !== undefined && end !== position)
        problems.push(`${runId}: ${position} is no longer the end of ${id}`);
    }
    this.#restart(found);
    const torn = [...found.values()].filter(run => run.torn > 0).length;
    return { ...recent, lost, runs: found.size, torn, problems };
  }

  /** @param {readonly Report[]} messages @param {Map<string, RunFound>} found */
  *#pruneProblems(messages, found) {
    for (const runId of this.#gone) if (found.has(runId)) yield `${runId} was pruned and is there`;
    for (const message of messages)
      if (message[0] === 'refused' && this.#leaving.has(message[2])) yield `${message[2]} was pruned in part`;
  }

  /** @param {Map<string, RunFound>} found */
  #restart(found) {
    this.#positions = [];
    this.#leaving.clear();
    this.#gone.clear();
    this.#recent = { acknowledged: 0, mirrored: 0, pruned: 0 };
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
