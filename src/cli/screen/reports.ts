/**
 * What happens while a command waits, printed as it comes.
 *
 * Promise: reports are printed one after the other, and nothing is kept of those that are printed, however many there are. After one that
 * cannot be printed none is; the failure is thrown at the end.
 */

/** Reports on their way to a screen. */
export class Reports {
  readonly #print: (lines: string) => Promise<void>;
  #printed: Promise<void> = Promise.resolve();

  constructor(print: (lines: string) => Promise<void>) {
    this.#print = print;
  }

  add(lines: string): void {
    this.#printed = this.#printed.then(() => this.#print(lines));
    this.#printed.catch(() => undefined); // thrown at the end
  }

  /** Resolves when all are printed. */
  end(): Promise<void> {
    return this.#printed;
  }
}
