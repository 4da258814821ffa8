/** Bytes through an `eventDecoder`, in chunks of chosen sizes. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type DecoderOptions, eventDecoder } from '../../src/read/event-decoder.js';

function* chunksOf(content: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < content.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield content.subarray(at, at + size);
    at += size;
  }
}

/** Decodes bytes that come in chunks of the given sizes, again and again. */
export function decode(
  content: string | Uint8Array,
  sizes: readonly number[],
  options?: DecoderOptions,
): Promise<unknown[]> {
  const bytes = Buffer.from(content);
  const events: unknown[] = [];
  const done = pipeline(Readable.from(chunksOf(bytes, sizes)), eventDecoder(options), async decoder => {
    for await (const event of decoder) events.push(event);
  });
  return done.then(() => events);
}
