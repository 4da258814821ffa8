import { expect, test } from 'vitest';
import { age, count, duration, size } from '../src/figures.js';

test('figures are put in words', () => {
  expect([0, 999, 1000, 12_345, 59_999, 60_000, 184_000, 7_500_000, 356_400_000].map(duration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '12.3 s',
    '59.9 s',
    '1 m 00 s',
    '3 m 04 s',
    '2 h 05 m',
    '4 d 03 h',
  ]);
  expect([0, 59_000, 60_000, 7_200_000, 90_000_000].map(ms => age(1000, 1000 + ms))).toEqual([
    '0 s ago',
    '59 s ago',
    '1 m ago',
    '2 h ago',
    '1 d ago',
  ]);
  expect([age(5, 1), age(Number.NaN)]).toEqual(['0 s ago', '']);
  expect([0, 999, 1000, 1_234_567, 999_999_999, 5e12].map(size)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 MB',
    '1.0 GB',
    '5.0 TB',
  ]);
  expect([count(1, 'node'), count(0, 'node')]).toEqual(['1 node', '0 nodes']);
});
