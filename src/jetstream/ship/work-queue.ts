/**
 * Work on many items, a bounded number of them at one time.
 *
 * Promises: an item waits once and is worked on once at a time, however often it is added; one added while it is worked on,
 * or whose work asks for more, lines up again after the others.
 */
export class WorkQueue<Item> {
  readonly #limit: number;
  readonly #work: (item: Item) => Promise<boolean>;
  readonly #waiting = new Set<Item>();
  readonly #working = new Set<Item>();
  readonly #again = new Set<Item>();
  #idle: (() => void) | undefined;

  /** `work` must not reject; it answers whether there is more to do. */
  constructor(limit: number, work: (item: Item) => Promise<boolean>) {
    this.#limit = limit;
    this.#work = work;
  }

  add(item: Item): void {
    (this.#working.has(item) ? this.#again : this.#waiting).add(item);
    this.#start();
  }

  /** Drops what waits. */
  clear(): void {
    this.#waiting.clear();
    this.#again.clear();
  }

  /** Resolves when nothing waits and nothing is worked on. */
  async idle(): Promise<void> {
    while (this.#waiting.size + this.#working.size > 0) {
      await new Promise<void>(resolve => {
        this.#idle = resolve;
      });
    }
  }

  #start(): void {
    for (const item of this.#waiting) {
      if (this.#working.size >= this.#limit) return;
      this.#waiting.delete(item);
      this.#working.add(item);
      void this.#run(item);
    }
  }

  async #run(item: Item): Promise<void> {
    const more = await this.#work(item);
    this.#working.delete(item);
    if (this.#again.delete(item) || more) this.#waiting.add(item);
    this.#start();
    if (this.#working.size === 0) this.#idle?.();
  }
}
