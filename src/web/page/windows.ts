/**
 * Items of a long list by their number, in windows: loaded where they are looked at, forgotten where they are not.
 *
 * Promise: memory is bounded, and a window that stays empty is not asked for on and on.
 */
import { signal } from '@preact/signals-core';

/** How many items a window holds. */
export const WINDOW = 200;
const MOST_WINDOWS = 60;
const ASK_AGAIN_MS = 500;

/** See above. */
export class Windows<Item extends { readonly number?: number }> {
  /** Changes whenever items have come. */
  readonly version = signal(0);
  /** Aborted when nobody looks any more. */
  readonly ending = new AbortController();
  readonly #load: (number: number, signal: AbortSignal) => Promise<readonly Item[]>;
  readonly #windows = new Map<number, Map<number, Item>>();
  readonly #asked = new Set<number>();

  /** `load` gives the items from a number on. */
  constructor(load: (number: number, signal: AbortSignal) => Promise<readonly Item[]>) {
    this.#load = load;
  }

  /** An item by its number; undefined while it is asked for. */
  at(number: number): Item | undefined {
    const place = Math.floor(number / WINDOW);
    const found = this.#windows.get(place)?.get(number);
    if (found === undefined && !this.#asked.has(place)) void this.#ask(place);
    return found;
  }

  /** Takes items, wherever they come from. */
  keep(items: readonly Item[]): void {
    for (const item of items) {
      const place = Math.floor((item.number ?? 0) / WINDOW);
      const window = this.#windows.get(place) ?? new Map<number, Item>();
      if (item.number !== undefined) window.set(item.number, item);
      this.#windows.delete(place);
      this.#windows.set(place, window); // at the end: what was used last is forgotten last
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > MOST_WINDOWS && oldest !== undefined) this.#windows.delete(oldest);
    }
    this.version.value++;
  }

  clear(): void {
    this.#windows.clear();
    this.#asked.clear();
  }

  async #ask(place: number): Promise<void> {
    this.#asked.add(place);
    try {
      this.keep(await this.#load(place * WINDOW, this.ending.signal));
    } catch {
      // Asked for again while it is in view.
    }
    setTimeout(() => this.#asked.delete(place), ASK_AGAIN_MS);
  }
}
