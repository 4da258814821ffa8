/** What a run of the tests says at its end of those that were skipped. */
import { expect, test } from 'vitest';
import { skippedNotice } from './support/skipped.js';

test('a run says how many tests were skipped and what the machine lacks', () => {
  expect(skippedNotice(3, ['strace', 'ext4 (e2fsprogs)'])).toBe(
    '3 tests were skipped. This machine lacks what they need: strace, ext4 (e2fsprogs).',
  );
});

test('one that was skipped for another reason is counted all the same', () => {
  expect(skippedNotice(1, [])).toBe('1 test was skipped.');
});

test('nothing is said when none was skipped', () => {
  expect(skippedNotice(0, ['strace'])).toBeUndefined();
});
