/**
 * Where an executor may have died, as far as the events of a run can show it. Knows no files.
 *
 * Nothing in a log says that a run was resumed. That it was shows when a node that was open starts again; by then the new
 * executor may have begun other nodes. So each pause that ends with a `node.started` is kept as long as it may be the one, and
 * the longest since the node began is taken. A pause before a failed node is tried again is none: executors wait there.
 *
 * Promise: a pause that a node outlived is never taken: what an executor says of a node that began before it shows that the
 * executor was there all the time.
 */

/** From one event to the next. */
export interface Pause {
  /** The number of the event that ends it. */
  readonly index: number;
  /** The `ts` of the last event before that is the executor's. */
  readonly stoppedAt: string;
  /** The `ts` of the event that ends it. */
  readonly resumedAt: string;
  /** How long the log did not grow, in milliseconds. */
  readonly quietMs: number;
}

/** More are never kept: of so many the shortest goes. */
const MOST = 64;

/** The pauses of a run in which its executor may have died. */
export class Pauses {
  #pauses: Pause[];

  constructor(pauses: readonly Pause[] = []) {
    this.#pauses = [...pauses];
  }

  /** The pauses that are left, in order. */
  get all(): readonly Pause[] {
    return this.#pauses;
  }

  add(pause: Pause): void {
    this.#pauses.push(pause);
    if (this.#pauses.length <= MOST) return;
    const shortest = this.#pauses.reduce((least, each) => (each.quietMs < least.quietMs ? each : least));
    this.#pauses = this.#pauses.filter(each => each !== shortest);
  }

  /** The executor that was there at event `index` is still there. */
  outlived(index: number): void {
    if ((this.#pauses.at(-1)?.index ?? 0) > index)
      this.#pauses = this.#pauses.filter(each => each.index <= index);
  }

  /** The pause in which the executor of event `index` died: the longest after it, of equal ones the last. No earlier one is kept. */
  takeAfter(index: number): Pause | undefined {
    const [first, ...others] = this.#pauses.filter(pause => pause.index > index);
    if (first === undefined) return undefined;
    const taken = others.reduce((most, each) => (each.quietMs >= most.quietMs ? each : most), first);
    this.#pauses = this.#pauses.filter(pause => pause.index > taken.index);
    return taken;
  }
}
