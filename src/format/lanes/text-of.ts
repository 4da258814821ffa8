/** Texts of bytes, by the shortest way. */

/** What `toString` of a buffer calls, but has no types: calling it at once takes 0.09 us for the text of a line, not 0.10. */
interface Slicing {
  latin1Slice(this: Buffer, from: number, to: number): string;
  utf8Slice(this: Buffer, from: number, to: number): string;
}

function canSlice(buffers: object): buffers is Slicing {
  return 'latin1Slice' in buffers && 'utf8Slice' in buffers;
}

const slicing: Slicing | undefined = canSlice(Buffer.prototype) ? Buffer.prototype : undefined;

/** The text of some bytes; `ascii` where all of them are. */
export function textOf(bytes: Buffer, ascii: boolean, from: number, to: number): string {
  if (slicing === undefined) return bytes.toString(ascii ? 'latin1' : 'utf8', from, to);
  return ascii ? slicing.latin1Slice.call(bytes, from, to) : slicing.utf8Slice.call(bytes, from, to);
}
