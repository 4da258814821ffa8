/**
 * Escapes in the strings of a line.
 *
 * Promise: what counts as one, `JSON.parse` takes; half of a surrogate pair, which it takes too, does not count.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The length of the escape at a backslash; 0 when it is none, or half of a surrogate pair. */
export function escapeLength(view: DataView, at: number): number {
  switch (view.getUint8(at + 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b, f, n, r, t
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75: // u
      return unitLength(view, at);
    default:
      return 0;
  }
}

function unitLength(view: DataView, at: number): number {
  let unit = 0;
  for (let digit = at + 2; digit < at + 6; digit++) {
    const value = hexAt(view, digit);
    if (value < 0) return 0;
    unit = unit * 16 + value;
  }
  return unit >= 0xd800 && unit <= 0xdfff ? 0 : 6;
}

function hexAt(view: DataView, at: number): number {
  const byte = view.getUint8(at);
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
