/**
 * Decoding events from any byte stream: gunzip, a socket, stdin. Built on split2.
 *
 * Promise: as strict as the reader. split2 decodes leniently (a bad byte becomes U+FFFD), so the bytes are checked before
 * it sees them, and a piece of a line that is not UTF-8 is replaced by `BAD_UTF8`, which no valid line can hold. An
 * unterminated last line is not yet written: it is dropped, as readers do.
 */
import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import split2 from 'split2';
import { decodeText } from './codec.js';
import { MalformedLineError } from './errors.js';
import type { RunEvent } from './events.js';
import { checkReadOptions, EventFilter, type ReadOptions } from './filter.js';
import { LF, lineTooLong, MAX_LINE_BYTES } from './lines.js';

/** What an `eventDecoder` passes on, and what a malformed line does. */
export type DecoderOptions = Pick<
  ReadOptions,
  'after' | 'types' | 'nodeId' | 'onMalformed' | 'maxLineBytes' | 'signal'
>;

const BAD_UTF8 = '\0invalid UTF-8\0'; // a raw control character is not allowed anywhere in JSON
const BAD_UTF8_BYTES = Buffer.from(BAD_UTF8);

/**
 * A stream that takes the bytes of a log and gives `RunEvent`s (object mode), for use in a pipeline.
 *
 * It fails with `ERR_MALFORMED_LINE` or `ERR_LINE_TOO_LONG`; both carry `line`, counted from the start of the stream.
 *
 * @param options - as for `EventLog.read`, as far as they make sense for a stream.
 * @example
 * const events = createReadStream('events.jsonl.gz').pipe(createGunzip()).pipe(eventDecoder());
 * for await (const event of events) console.log(event.type);
 */
export function eventDecoder(options: DecoderOptions = {}): Duplex {
  checkReadOptions(options);
  const { maxLineBytes = MAX_LINE_BYTES, onMalformed, signal } = options;
  const filter = new EventFilter(options);
  let line = 0;

  const decode = (text: string): RunEvent | undefined => {
    line++;
    if (
      text.length > maxLineBytes ||
      (text.length > maxLineBytes / 3 && Buffer.byteLength(text) > maxLineBytes)
    ) {
      throw lineTooLong(maxLineBytes, undefined, undefined, line);
    }
    try {
      const event = decodeText(text);
      return filter.take(event) ? event : undefined;
    } catch (cause) {
      if (!(cause instanceof MalformedLineError)) throw cause;
      const reason = text.includes(BAD_UTF8) ? 'not valid UTF-8' : cause.reason;
      const error = new MalformedLineError(reason, {
        line,
        cause: cause.cause,
      });
      if (typeof onMalformed !== 'function') throw error;
      onMalformed(error);
      return undefined;
    }
  };

  const stream = split2('\n', decode, signal === undefined ? {} : { signal });
  // Wrapping the one method keeps this a single stream; a second one in front would double the cost of each event.
  const split = stream._transform;
  const guard = new ByteGuard();
  stream._transform = (chunk: Buffer, encoding, done) => {
    const bytes = guard.check(chunk);
    if (guard.openLineBytes > maxLineBytes) done(lineTooLong(maxLineBytes, undefined, undefined, line + 1));
    else split.call(stream, bytes, encoding, done);
  };
  stream._flush = done => done();
  return stream;
}

/** Checks a stream of bytes for UTF-8, chunk by chunk, and measures its unfinished line. */
class ByteGuard {
  #rest: Buffer = Buffer.alloc(0); // the bytes of a character that the chunk's end cut through
  openLineBytes = 0;

  check(chunk: Buffer): Buffer {
    const lastLf = chunk.lastIndexOf(LF);
    this.openLineBytes = lastLf === -1 ? this.openLineBytes + chunk.length : chunk.length - lastLf - 1;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const whole = bytes.subarray(0, bytes.length - unfinishedBytes(bytes));
    this.#rest = Buffer.from(bytes.subarray(whole.length));
    return isUtf8(whole) ? whole : markBadLines(whole);
  }
}

/** How many bytes at the end begin a character that is not complete. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function markBadLines(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let start = 0, end: number; start < bytes.length; start = end) {
    const lf = bytes.indexOf(LF, start);
    end = lf === -1 ? bytes.length : lf + 1;
    const piece = bytes.subarray(start, end);
    if (isUtf8(piece)) pieces.push(piece);
    else pieces.push(BAD_UTF8_BYTES, ...(lf === -1 ? [] : [bytes.subarray(lf, end)]));
  }
  return Buffer.concat(pieces);
}
