import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedLineError } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import type { RunEvent } from '../../src/format/events.js';
import { eventDecoder } from '../../src/read/event-decoder.js';
import { characters } from '../support/arbitraries.js';
import { decode } from '../support/decoding.js';
import {
  conformanceCases,
  expectedEvents,
  lineOf,
  linesOf,
  REFERENCE,
  readerOf,
  rejection,
  sampleEvent,
  sampleEvents,
  someFilter,
  writeLog,
} from '../support/logs.js';
import { fullStrength, rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

const NEWLINE = 0x0a;
const [LINE_0 = '', LINE_1 = ''] = sampleEvents(2).map(lineOf);

/** What the decoder makes of bytes, one line after the other, by `decodeEvent` alone. */
function expected(content: Buffer): { events: RunEvent[]; malformed: { line: number; reason: string }[] } {
  const events: RunEvent[] = [];
  const malformed: { line: number; reason: string }[] = [];
  for (let at = 0, line = 1, end: number; (end = content.indexOf(NEWLINE, at)) !== -1; at = end + 1, line++) {
    try {
      events.push(decodeEvent(content.subarray(at, end)));
    } catch (error) {
      if (!(error instanceof MalformedLineError)) throw error;
      malformed.push({ line, reason: error.reason });
    }
  }
  return { events, malformed };
}

function hexOf(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, '0');
}

describe('eventDecoder', () => {
  test('agrees with the reader on the reference log, in chunks of any size', async () => {
    const root = temporaryVolume();
    writeLog(root, REFERENCE);
    const read = await readerOf(root).toArray();
    for (const size of [1, 2, 3, 7, 64, 1000, 65_536, REFERENCE.length]) {
      // What comes a few bytes at a time takes long; its first part is enough, but where all counts.
      const count = size < 10 && !fullStrength ? 200 : read.length;
      const content = REFERENCE.subarray(0, Buffer.byteLength(linesOf(read.slice(0, count))));
      expect(await decode(content, [size])).toEqual(read.slice(0, count));
    }
  });

  test('joins lines of several MiB from chunks of any size, one after the other', async () => {
    const MIB = 2 ** 20;
    const events = [MIB - 300, MIB, 5, 3 * MIB + 77, 2 * MIB].map((length, index) => {
      const message = String.fromCharCode(97 + index).repeat(length);
      return { ...sampleEvent(0), type: 'node.failed', node_id: 'n', error: { kind: 'crash' }, message };
    });
    const content = Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join(''));
    const { events: wanted, malformed } = expected(content);
    expect(malformed).toEqual([]);
    for (const sizes of [[65_536], [MIB], [MIB + 1], [1, 700_000], [3 * MIB, 13, 4096]]) {
      expect(await decode(content, sizes)).toEqual(wanted);
    }
  });

  test('decodes a gzip file in a pipeline', async () => {
    const path = join(temporaryVolume(), 'events.jsonl.gz');
    writeFileSync(path, gzipSync(REFERENCE));
    const events: unknown[] = [];
    await pipeline(createReadStream(path), createGunzip(), eventDecoder(), async decoder => {
      for await (const event of decoder) events.push(event);
    });
    expect(events).toEqual(expected(REFERENCE).events);
    expect(events).toHaveLength(1000);
  });

  test('agrees with decodeEvent on every conformance case', async () => {
    const lines = conformanceCases()
      .map(({ line }) => line)
      .filter(line => !line.includes(NEWLINE));
    expect(lines.length).toBeGreaterThan(800);
    const content = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]));
    const { events, malformed } = expected(content);
    for (const size of [11, 4096, content.length]) {
      const told: unknown[] = [];
      const onMalformed = ({ line, reason }: MalformedLineError) => told.push({ line, reason });
      expect(await decode(content, [size], { onMalformed })).toEqual(events);
      expect(told).toEqual(malformed);
    }
  });

  test('agrees with decodeEvent on any bytes, wherever the chunks end', async () => {
    const piece = fc.oneof(
      { weight: 3, arbitrary: fc.nat(4).map(index => Buffer.from(lineOf(sampleEvent(index)))) },
      fc.constantFrom('\n', '🔐', 'é', '\ufffd', '{', '\r\n', '\0').map(text => Buffer.from(text)),
      fc.uint8Array({ maxLength: 4 }).map(bytes => Buffer.from(bytes)),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), sizes, async (pieces, some) => {
        const content = Buffer.concat(pieces);
        const told: unknown[] = [];
        const onMalformed = ({ line, reason }: MalformedLineError) => told.push({ line, reason });
        const { events, malformed } = expected(content);
        expect(await decode(content, some, { onMalformed })).toEqual(events);
        expect(told).toEqual(malformed);
      }),
      { numRuns: rounds(400) },
    );
  });

  test('agrees with decodeEvent on lines of every lane, ASCII or not, one after the other', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
      fc.string({ unit: characters, maxLength: 20 }),
      fc.constantFrom('é', '全部测试通过 ✅', '🎉', '\u007f', '\u0080', 'ÿ'),
    );
    /** Canonical, with `type` last and spaces between, with every other character escaped, and with a stranger's key. */
    const writings: readonly ((event: object) => string)[] = [
      event => JSON.stringify(event),
      ({ type, ...rest }: { type?: string }) =>
        JSON.stringify({ ...rest, type }, null, 1).replaceAll('\n', ' '),
      event => JSON.stringify(event).replaceAll(/[^ -~]/g, unit => `\\u${hexOf(unit)}`),
      event => JSON.stringify({ ...event, stranger: 'ö' }),
    ];
    const line = fc.tuple(text, text, fc.constantFrom(...writings)).map(([node_id, message, written]) => {
      const event = { ...sampleEvent(0), type: 'node.failed', node_id, error: { kind: 'crash' }, message };
      return `${written(event)}\n`;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.integer({ min: 20, max: 500 }),
        async (lines, size) => {
          const content = Buffer.from(lines.join(''));
          const { events, malformed } = expected(content);
          expect(malformed).toEqual([]);
          expect(await decode(content, [size])).toEqual(events);
        },
      ),
    );
  });

  test('passes on what after, types and nodeId let through', async () => {
    const events = sampleEvents(50);
    const after = fc.option(fc.nat(60), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(someFilter, after, async (filter, index) => {
        const options = index === undefined ? filter : { ...filter, after: sampleEvent(index).id };
        expect(await decode(linesOf(events), [100], options)).toEqual(expectedEvents(events, options));
      }),
      { numRuns: rounds(100) },
    );
  });

  test('gives nothing for empty input, drops an unterminated last line, takes empty chunks', async () => {
    expect(await decode('', [1])).toEqual([]);
    const torn = [Buffer.from('{'), Buffer.from(LINE_1.trim()), Buffer.of(0xff), Buffer.of(0xf0, 0x9f, 0x94)];
    for (const bytes of torn) {
      for (const size of [1, 3, 1000]) {
        expect(await decode(Buffer.concat([Buffer.from(LINE_0), bytes]), [size])).toEqual([sampleEvent(0)]);
        expect(await decode(bytes, [size])).toEqual([]);
      }
    }
    expect(await decode(LINE_0 + LINE_1, [0, 0, 5])).toEqual(sampleEvents(2));
  });

  test('accepts CR LF and a U+FFFD that is really in the text', async () => {
    const event = { ...sampleEvent(3), reason: 'so \ufffd it is' };
    for (const size of [1, 2, 500]) {
      expect(await decode(lineOf(event).replace('\n', '\r\n'), [size])).toEqual([event]);
    }
  });

  test('wrong options are TypeErrors', () => {
    const wrong: object[] = [
      { types: ['node.sleeps'] },
      { after: 1 },
      { maxLineBytes: -1 },
      { onMalformed: 1 },
    ];
    for (const options of wrong) expect(() => eventDecoder(options)).toThrow(TypeError);
  });
});

describe('as a stream', () => {
  test('holds back the writer while nobody reads, and loses nothing', async () => {
    const decoder = eventDecoder();
    let written = 0;
    let goOn = true;
    while (goOn && written < 100_000) goOn = decoder.write(lineOf(sampleEvent(written++)));
    expect(goOn).toBe(false);
    expect(decoder.readableLength).toBeLessThanOrEqual(decoder.readableHighWaterMark);
    expect(decoder.writableLength).toBeLessThan(decoder.writableHighWaterMark + 1000);
    decoder.end();
    expect(await decoder.toArray()).toEqual(sampleEvents(written));
  });

  test('keeps nothing of a chunk that its writer uses again', async () => {
    const bytes = Buffer.from(lineOf(sampleEvent(0)));
    const middle = bytes.indexOf('🔐') + 2; // inside a character
    const decoder = eventDecoder();
    const chunk = Buffer.from(bytes.subarray(0, middle));
    await new Promise(resolve => decoder.write(chunk, resolve));
    chunk.fill(0);
    decoder.end(bytes.subarray(middle));
    expect(await decoder.toArray()).toEqual([sampleEvent(0)]);
  });

  test('takes no more from its source than a slow consumer asks for', async () => {
    let given = 0;
    function* source() {
      while (given < 3000) yield Buffer.from(lineOf(sampleEvent(given++)));
    }
    let taken = 0;
    let lead = 0;
    await pipeline(Readable.from(source()), eventDecoder(), async (decoder: AsyncIterable<unknown>) => {
      for await (const _ of decoder) {
        taken++;
        if (taken % 10 === 0) await new Promise(setImmediate);
        lead = Math.max(lead, given - taken);
      }
    });
    expect(taken).toBe(3000);
    expect(lead).toBeLessThan(1000);
  });

  test('what the callback throws destroys it and comes out as it is', async () => {
    const mine = new Error('one is too many');
    const onMalformed = () => {
      throw mine;
    };
    expect(await rejection(decode('{}\n', [1], { onMalformed }))).toBe(mine);
  });

  test('an error of its source ends the pipeline with that error', async () => {
    const mine = new Error('the socket closed');
    async function* source() {
      yield Buffer.from(LINE_0);
      throw mine;
    }
    const decoder = eventDecoder();
    expect(await rejection(pipeline(Readable.from(source()), decoder, drain))).toBe(mine);
    expect(decoder.destroyed).toBe(true);
  });

  test('an abort destroys it with exactly the reason, before the start and in the middle', async () => {
    const reason = new Error('enough');
    expect(await rejection(decode(LINE_0, [1], { signal: AbortSignal.abort(reason) }))).toBe(reason);

    const abort = new AbortController();
    const decoder = eventDecoder({ signal: abort.signal });
    decoder.write(LINE_0);
    const consume = async () => {
      for await (const _ of decoder) abort.abort(reason);
    };
    expect(await rejection(consume())).toBe(reason);
    expect(decoder.destroyed).toBe(true);
  });
});

async function drain(decoder: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of decoder);
}

test('refuses the options of a log, which would do something else here', () => {
  for (const name of ['from', 'last', 'limit']) {
    expect(() => eventDecoder({ [name]: 2 })).toThrow(`option ${name} must be absent`);
  }
});

test('what becomes of a chunk while its events are handed out does not matter', async () => {
  const lines = lineOf(sampleEvent(0)).repeat(2000);
  for (const spoil of [
    (memory: ArrayBuffer) => Buffer.from(memory).fill(0x20),
    (memory: ArrayBuffer) => structuredClone(memory, { transfer: [memory] }),
  ]) {
    const memory = new ArrayBuffer(Buffer.byteLength(lines));
    const chunk = Buffer.from(memory);
    chunk.write(lines);
    const events: unknown[] = [];
    const decoder = eventDecoder();
    decoder.on('data', event => {
      events.push(event);
      if (events.length === 2) spoil(memory);
    });
    decoder.end(chunk);
    await once(decoder, 'end');
    expect(events).toEqual(Array(2000).fill(sampleEvent(0)));
  }
});
