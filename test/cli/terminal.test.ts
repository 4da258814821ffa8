import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from '../../src/cli/screen/terminal.js';
import { characters } from '../support/arbitraries.js';

test('printable leaves text without control characters as it is', () => {
  const text = 'née 修复 🔐 עברית C:\\notes "quoted"';
  expect(printable(text)).toBe(text);
});

test('printable escapes C0, DEL, C1, the bidi controls and the line separators, and nothing besides', () => {
  const ranges: readonly (readonly [number, number])[] = [
    [0x00, 0x1f],
    [0x7f, 0x9f],
    [0x061c, 0x061c],
    [0x200e, 0x200f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
  ];
  const units = Array.from({ length: 0x10000 }, (_, unit) => unit);
  expect(units.filter(unit => printable(String.fromCharCode(unit)) !== String.fromCharCode(unit))).toEqual(
    units.filter(unit => ranges.some(([first, last]) => first <= unit && unit <= last)),
  );
});

test('printable does not change what a JSON text means', () => {
  fc.assert(
    fc.property(fc.string({ unit: characters }), text => {
      expect(JSON.parse(printable(JSON.stringify(text)))).toBe(text);
    }),
  );
});
