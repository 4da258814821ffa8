/** Just enough of PNG to count colours: what Chromium's screenshots are, 8 bits a sample, not interlaced. */
import { inflateSync } from 'node:zlib';

/** How many pixels there are of each colour, as `#rrggbb`. */
export function coloursOf(png: Buffer): Map<string, number> {
  const chunks: Buffer[] = [];
  for (let at = 8; at < png.length; at += png.readUInt32BE(at) + 12) {
    if (png.toString('latin1', at + 4, at + 8) !== 'IDAT') continue;
    chunks.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const [width, samples] = [png.readUInt32BE(16), png[25] === 6 ? 4 : 3];
  const stride = width * samples;
  const rows = inflateSync(Buffer.concat(chunks));
  const colours = new Map<number, number>();
  let above = Buffer.alloc(stride);
  for (let at = 0; at < rows.length; at += stride + 1) {
    const row = unfiltered(rows[at] ?? 0, rows.subarray(at + 1, at + 1 + stride), above, samples);
    for (let pixel = 0; pixel < stride; pixel += samples) {
      const colour = row.readUIntBE(pixel, 3);
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    above = row;
  }
  return new Map([...colours].map(([colour, count]) => [`#${colour.toString(16).padStart(6, '0')}`, count]));
}

/** What a byte is like, by the number of the filter of its row. */
const GUESSES: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  left => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

function unfiltered(filter: number, coded: Buffer, above: Buffer, samples: number): Buffer<ArrayBuffer> {
  const row = Buffer.alloc(coded.length);
  for (let index = 0; index < coded.length; index++) {
    const left = row[index - samples] ?? 0;
    const up = above[index] ?? 0;
    const corner = index < samples ? 0 : (above[index - samples] ?? 0);
    row[index] = (coded[index] ?? 0) + (GUESSES[filter]?.(left, up, corner) ?? 0);
  }
  return row;
}

/** The neighbour nearest to left + up - corner (PNG specification, section 9.4). */
function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
