/** Waking whoever waits for something to change. */

import { onAbort } from '../on-abort.js';
import { afterTurn, startTimer, stopTimer } from '../real-time.js';

/** Wakes all who wait, each time it fires. */
export class Signal {
  /** How often it has fired: who has seen the same number before may wait without missing anything. */
  count = 0;
  #waiting = new Set<() => void>();
  #soon = false;

  /** Resolves when it fires next, or after so many milliseconds, or when the other signal is aborted. */
  wait(milliseconds: number, stop?: AbortSignal): Promise<void> {
    if (stop?.aborted === true) return Promise.resolve();
    return new Promise(resolve => {
      const wake = () => {
        stopTimer(timer);
        this.#waiting.delete(wake);
        stay?.();
        resolve();
      };
      const timer = startTimer(wake, milliseconds);
      this.#waiting.add(wake);
      const stay = stop && onAbort(stop, wake);
    });
  }

  fire(): void {
    this.count++;
    for (const wake of [...this.#waiting]) wake();
  }

  /** Fires once after all that is at hand was taken: a burst wakes once. */
  fireSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    afterTurn(() => {
      this.#soon = false;
      this.fire();
    });
  }
}
