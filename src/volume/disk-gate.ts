/**
 * The gate for everything that waits for the disk: writes, syncs of files and folders, cuts.
 *
 * Such a call blocks a thread of libuv's pool, which serves all file work of the process. Promise: one thread always stays free
 * for others, however many logs commit at once and however long a disk takes; who waits first is served first. What goes
 * through the gate must not go through it once more inside: with every place taken by such a one, all would wait for ever.
 */

/** A number of places, taken and given back in order of arrival: never more holders at once than places. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a place; undefined when one was free at once, so that the common case costs no turn of the microtask queue. */
  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  /** Gives the place to whoever has waited longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

const places = new Slots(Math.max(1, (Number(process.env['UV_THREADPOOL_SIZE']) || 4) - 1));

/** Does what waits for the disk, once there is a thread for it. */
export async function throughDiskGate<Result>(work: () => Promise<Result>): Promise<Result> {
  const turn = places.enter();
  if (turn !== undefined) await turn;
  try {
    return await work();
  } finally {
    places.leave();
  }
}

/** Takes the callback of `node:fs`. */
export type DiskCall<Result> = (done: (error: Error | null, result: Result) => void) => void;

/** The same for a call of `node:fs` with its callback: one promise for the wait and the work. */
export function callThroughDiskGate<Result>(call: DiskCall<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const start = () =>
      call((error, result) => {
        places.leave();
        if (error === null) resolve(result);
        else reject(error);
      });
    const turn = places.enter();
    if (turn === undefined) start();
    else void turn.then(start);
  });
}
