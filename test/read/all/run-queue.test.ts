import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LeastFirst } from '../../../src/read/all/run-queue.js';

interface Item {
  key: number;
}

const queueOf = (items: readonly Item[]) => {
  const queue = new LeastFirst<Item>((a, b) => a.key < b.key);
  for (const item of items) queue.add(item);
  return queue;
};

/** The keys in the order in which they are taken. */
const taken = (queue: LeastFirst<Item>) => {
  const keys: number[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) keys.push(item.key);
  return keys;
};

const sorted = (items: readonly Item[]) => items.map(({ key }) => key).sort((a, b) => a - b);
const items = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }) }), { maxLength: 30 });

test('items are taken in the order of their keys', () => {
  fc.assert(
    fc.property(items, all => {
      expect(taken(queueOf(all))).toEqual(sorted(all));
    }),
  );
});

test('an item is taken out from any place, and the others keep their order; one that is not there changes nothing', () => {
  fc.assert(
    fc.property(items, fc.nat(), (all, place) => {
      const queue = queueOf(all);
      const item = all[place % Math.max(1, all.length)];
      if (item !== undefined) queue.remove(item);
      queue.remove({ key: 0 });
      expect(taken(queue)).toEqual(sorted(all.filter(other => other !== item)));
    }),
  );
});

test('the least item whose key has grown finds its new place', () => {
  fc.assert(
    fc.property(items, fc.nat({ max: 30 }), (all, more) => {
      const queue = queueOf(all);
      if (queue.least !== undefined) queue.least.key += more;
      queue.changed();
      expect(taken(queue)).toEqual(sorted(all));
    }),
  );
});
