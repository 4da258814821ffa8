import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slots } from '../../src/volume/disk-gate.js';

test('a free place is taken at once, without a promise to wait for', () => {
  const slots = new Slots(2);
  expect(slots.enter()).toBeUndefined();
  expect(slots.enter()).toBeUndefined();
  expect(slots.enter()).toBeInstanceOf(Promise);
});

test('who waits first is served first, one for each place given back', async () => {
  const slots = new Slots(1);
  slots.enter();
  const served: string[] = [];
  for (const name of ['first', 'second', 'third']) void slots.enter()?.then(() => served.push(name));
  await turn();
  expect(served).toEqual([]);
  slots.leave();
  await turn();
  expect(served).toEqual(['first']);
  slots.leave();
  slots.leave();
  await turn();
  expect(served).toEqual(['first', 'second', 'third']);
});

test('a place given back while somebody waits is not free for others', () => {
  const slots = new Slots(1);
  slots.enter();
  void slots.enter();
  slots.leave();
  expect(slots.enter()).toBeInstanceOf(Promise);
});

test('a place given back while nobody waits is free again', () => {
  const slots = new Slots(1);
  slots.enter();
  slots.leave();
  expect(slots.enter()).toBeUndefined();
});

test('there are never more holders than places, and everybody gets one, in order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(5), { maxLength: 30 }),
      async (count, stays) => {
        const slots = new Slots(count);
        const entered: number[] = [];
        let holders = 0;
        const visit = async (stay: number, index: number) => {
          const waiting = slots.enter();
          if (waiting !== undefined) await waiting;
          entered.push(index);
          expect(++holders).toBeLessThanOrEqual(count);
          for (let i = 0; i < stay; i++) await undefined;
          holders--;
          slots.leave();
        };
        await Promise.all(stays.map(visit));
        expect(entered).toEqual(stays.map((_, index) => index));
      },
    ),
  );
});
