import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Columns } from '../../src/cli/screen/columns.js';
import { cutTo, pad, widthOf } from '../../src/cli/screen/width.js';

describe('the width of a text on a terminal', () => {
  test.each([
    ['', 0],
    ['plain', 5],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['修复', 4],
    ['ｆｕｌｌ', 8],
    ['ｶﾅ', 2],
    ['한국', 4],
    ['🔐', 2],
    ['👩‍👩‍👧', 2],
    ['🇫🇷', 2],
    ['❤\u{fe0f}', 2],
    ['✓✗▸│└─…', 7],
    ['\u200b', 0],
  ])('%j takes %i columns', (text, columns) => {
    expect(widthOf(text)).toBe(columns);
  });

  test('a cut text fits, keeps whole characters, and is marked with an ellipsis', () => {
    expect(cutTo('修复登录', 8)).toBe('修复登录');
    expect(cutTo('修复登录', 7)).toBe('修复登…');
    expect(cutTo('修复登录', 6)).toBe('修复…');
    expect(cutTo('a👩‍👩‍👧b', 3)).toBe('a…');
    expect(cutTo('text', 0)).toBe('');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, width) => {
        const cut = cutTo(text, width);
        expect(widthOf(cut)).toBeLessThanOrEqual(width);
        if (cut !== text && width > 0)
          expect(text.startsWith(cut.slice(0, -1)) && cut.endsWith('…')).toBe(true);
      }),
    );
  });

  test('a padded text takes the width asked for, or its own where that is more', () => {
    expect(pad('修', 4)).toBe('修  ');
    expect(pad('修', 4, 'right')).toBe('  修');
    expect(pad('longer', 4)).toBe('longer');
  });
});

describe('columns', () => {
  test('are straight, with wide characters too', () => {
    const rows = ['a', '修复登录', 'longer'].map(name => [
      { text: name },
      { text: '12', align: 'right' as const },
      { text: '|' },
    ]);
    const lines = new Columns().lines(rows);
    expect(new Set(lines.map(line => widthOf(line.slice(0, line.indexOf('|')))))).toEqual(new Set([14]));
  });

  test('cut only the last cell, where a line would be too long', () => {
    expect(new Columns().lines([[{ text: 'run-id' }, { text: 'a long reason' }]], 14)).toEqual([
      'run-id  a lon…',
    ]);
  });
});
