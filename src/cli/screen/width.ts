/**
 * How many columns a text takes on a terminal, and text cut or filled to a number of columns.
 *
 * Promise: East Asian wide and fullwidth characters and emoji count two, combining marks none. A cut never goes through
 * what a reader sees as one character. The text has passed `printable` before, so it holds no controls.
 */

/** Characters of one column that join with nothing: ASCII, Latin, lines and blocks, the marks of a status. */
const SIMPLE = /^[ -~\u00a1-\u00ac\u00ae-\u02ff\u2500-\u25fc\u2713\u2717]*$/;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
/** Drawn as a picture: by itself, by the selector U+FE0F, as a keycap, or as a flag. */
const PICTURE = /^(?:\p{Emoji_Presentation}|\p{Emoji}\u{fe0f}|\p{Regional_Indicator}{2})/u;

/** First and last code points of the wide and fullwidth blocks (Unicode, EastAsianWidth.txt, W and F), but for emoji. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2630, 0x2637],
  [0x268a, 0x268f],
  [0x2e80, 0x303e],
  [0x3041, 0x3247],
  [0x3250, 0x4dff],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1d300, 0x1d376],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

/** Made when the first text needs it: that takes longer than all else of a short command. */
let made: Intl.Segmenter | undefined;
const segmenter = () => (made ??= new Intl.Segmenter('en', { granularity: 'grapheme' }));

/** The columns that a text takes. */
export function widthOf(text: string): number {
  if (SIMPLE.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter().segment(text)) width += widthOfCharacter(segment);
  return width;
}

/** A text filled with spaces to at least `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

/** A text cut to at most `width` columns, with an ellipsis where something was cut. */
export function cutTo(text: string, width: number): string {
  // No character counts more than two columns a code unit, so a short text needs no counting.
  if (text.length * 2 <= width || widthOf(text) <= width) return text;
  let cut = '';
  let left = width - 1;
  for (const { segment } of segmenter().segment(text)) {
    left -= widthOfCharacter(segment);
    if (left < 0) break;
    cut += segment;
  }
  return width < 1 ? '' : `${cut}…`;
}

/** Of one grapheme cluster: what it begins with decides. */
function widthOfCharacter(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  if (PICTURE.test(character)) return 2;
  const point = character.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => first <= point && point <= last) ? 2 : 1;
}
