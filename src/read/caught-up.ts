/** The promise of a tail that the end was reached once. Nobody has to look at it: a rejection is never unhandled. */
import { EventLogError } from '../errors.js';

/** Settled once, by whichever comes first. */
export class CaughtUp {
  readonly promise: Promise<void>;
  #resolve: (() => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => undefined);
  }

  /** The end was reached. */
  reached(): void {
    this.#resolve?.();
  }

  /** The tail failed; throws its error on. */
  failed(error: unknown): never {
    this.#reject?.(error);
    throw error;
  }

  /** The tail was closed. */
  closed(): void {
    this.#reject?.(new EventLogError('ERR_LOG_CLOSED', 'the tail was closed before it caught up'));
  }
}
