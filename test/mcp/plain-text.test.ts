/** Captured text as an agent reads it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, oneLine, plainLine } from '../../src/mcp/plain-text.js';
import { characters } from '../support/arbitraries.js';

describe('a line of output', () => {
  test.for([
    ['plain', 'plain'],
    ['\u001b[1;31merror\u001b[0m: x', 'error: x'],
    ['\u001b]0;title\u0007shown', 'shown'],
    ['1%\r2%\r3%', '3%'],
    ['done\r\r', 'done'],
    ['a\tb', 'a\tb'],
    ['a\u202eb\u2066c\u200bd\ufeff', 'abcd'],
    ['visible\u{e0049}\u{e0067}\u{e006e}', 'visible'],
    ['👩‍👩‍👧 می‌خواهم', '👩‍👩‍👧 می‌خواهم'],
  ] as const)('%j is %j', ([line, plain]) => {
    expect(plainLine(line)).toBe(plain);
  });

  test('whatever it holds, it is one line without controls', () => {
    fc.assert(
      fc.property(fc.string({ unit: characters }), line => {
        expect(plainLine(line)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/);
      }),
    );
  });
});

test('a text of an event is one line of bounded length, however long the event is', () => {
  expect(oneLine('a\n  b\r\nc\u0000')).toBe('a ⏎ b ⏎ c');
  expect(oneLine('x'.repeat(10_000_000), 10)).toBe('xxxxxxxxx…');
});

test('a cut goes through no character', () => {
  expect(cut('😀😀😀', 4)).toBe('😀…');
  expect(cut('abc', 3)).toBe('abc');
});
