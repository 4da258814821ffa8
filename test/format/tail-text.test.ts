/** Cutting text to its last bytes. */
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tailText } from '../../src/index.js';
import { brokenTexts, texts } from '../support/arbitraries.js';
import { rounds } from '../support/rounds.js';

describe('tailText gives the end of a text', () => {
  test('whole when it fits, to the byte', () => {
    expect(tailText('')).toBe('');
    expect(tailText('é')).toBe('é');
    expect(tailText('aé🚨', 7)).toBe('aé🚨');
    expect(tailText('abc', 1_000_000)).toBe('abc');
    expect(tailText('abc', Number.MAX_SAFE_INTEGER)).toBe('abc');
  });

  test('of 1024 bytes by default', () => {
    expect(tailText(`x${'a'.repeat(1024)}`)).toBe('a'.repeat(1024));
    expect(tailText(`x${'🚨'.repeat(256)}`)).toBe('🚨'.repeat(256));
    expect(tailText(`${'🚨'.repeat(256)}x`)).toBe(`${'🚨'.repeat(255)}x`);
  });

  test('and none of it for no bytes', () => {
    expect(tailText('abc', 0)).toBe('');
    expect(tailText('🚨', 0)).toBe('');
    expect(tailText(new Uint8Array(3), 0)).toBe('');
  });

  test.each([
    [0, ''],
    [1, ''],
    [2, ''],
    [3, ''],
    [4, '🚨'],
    [5, '🚨'],
    [6, '🚨'],
    [7, '€🚨'],
    [8, '€🚨'],
    [9, 'é€🚨'],
    [10, 'aé€🚨'],
    [11, 'aé€🚨'],
  ])('cut at a character, never through one: %i bytes', (maxBytes, end) => {
    expect(tailText('aé€🚨', maxBytes)).toBe(end);
    expect(tailText(Buffer.from('aé€🚨'), maxBytes)).toBe(end);
  });

  test('from a view into a larger buffer', () => {
    const framed = new TextEncoder().encode('xx-end-yy');
    expect(tailText(framed.subarray(3, 6), 2)).toBe('nd');
  });

  test('keeping a byte order mark in it', () => {
    expect(tailText('\ufeffa')).toBe('\ufeffa');
    expect(tailText(Buffer.from('\ufeffa'))).toBe('\ufeffa');
  });

  test('with U+FFFD for bytes that are no UTF-8, as wide as its three bytes', () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0x62);
    expect(tailText(bytes)).toBe('a\ufffdb');
    expect(tailText(bytes, 4)).toBe('\ufffdb');
    expect(tailText(bytes, 3)).toBe('b');
    expect(tailText(new Uint8Array(2000).fill(0x80))).toBe('\ufffd'.repeat(341));
  });

  test('with U+FFFD for half a surrogate pair', () => {
    expect(tailText('a\ud83d')).toBe('a\ufffd');
    expect(tailText('a\ud83d', 3)).toBe('\ufffd');
    expect(tailText('\udea8b', 3)).toBe('b');
  });

  test('in at most so many bytes, and no more than three less, whatever the input', () => {
    const inputs = fc.oneof(texts, brokenTexts, fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(inputs, fc.nat(50), (input, maxBytes) => {
        const whole = typeof input === 'string' ? input.toWellFormed() : Buffer.from(input).toString('utf8');
        const end = tailText(input, maxBytes);
        const bytes = Buffer.byteLength(end);
        expect(whole.endsWith(end)).toBe(true);
        expect(bytes).toBeLessThanOrEqual(maxBytes);
        expect(bytes).toBeGreaterThanOrEqual(Math.min(Buffer.byteLength(whole), maxBytes - 3));
        expect(end.isWellFormed() && isUtf8(Buffer.from(end))).toBe(true);
      }),
      { numRuns: rounds(2000) },
    );
  });
});

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('maxBytes %d is a TypeError', maxBytes => {
  expect(() => tailText('abc', maxBytes)).toThrow(TypeError);
});
