/** A priority queue: the least item first. A binary heap, as in any textbook. */

/** Items by a key that only changes while the item is not in the queue, or through `changed`. */
export class LeastFirst<Item> {
  readonly #before: (a: Item, b: Item) => boolean;
  #items: Item[] = [];

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before;
  }

  /** The least item; undefined when there is none. */
  get least(): Item | undefined {
    return this.#items[0];
  }

  add(item: Item): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(item, items[parent])) break;
      this.#move(parent, index);
      index = parent;
    }
    items[index] = item;
  }

  /** Takes the least item out. */
  take(): Item | undefined {
    const [least] = this.#items;
    const last = this.#items.pop();
    if (least !== undefined && last !== undefined && this.#items.length > 0) this.#sink(last);
    return least;
  }

  /** The key of the least item has grown. */
  changed(): void {
    const [least] = this.#items;
    if (least !== undefined) this.#sink(least);
  }

  /** Takes an item out, wherever it is. */
  remove(item: Item): void {
    const rest = this.#items.filter(other => other !== item);
    if (rest.length === this.#items.length) return;
    this.#items = [];
    for (const other of rest) this.add(other);
  }

  /** Puts an item at the top and lets it down to its place. */
  #sink(item: Item): void {
    const items = this.#items;
    let index = 0;
    for (let child = 1; child < items.length; child = 2 * index + 1) {
      const [left, right] = [items[child], items[child + 1]];
      if (left !== undefined && right !== undefined && this.#before(right, left)) child++;
      if (this.#isBefore(item, items[child])) break;
      this.#move(child, index);
      index = child;
    }
    items[index] = item;
  }

  #isBefore(item: Item, other: Item | undefined): boolean {
    return other === undefined || !this.#before(other, item);
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    if (item !== undefined) this.#items[to] = item;
  }
}
