/** What the decoder makes of lines that are no UTF-8 or too long, wherever the chunks end. */
import { describe, expect, test } from 'vitest';
import type { MalformedLineError } from '../../src/errors.js';
import type { DecoderOptions } from '../../src/read/event-decoder.js';
import { decode } from '../support/decoding.js';
import { lineOf, rejection, sampleEvent, sampleEvents } from '../support/logs.js';

const NEWLINE = 0x0a;
const [LINE_0 = '', LINE_1 = ''] = sampleEvents(2).map(lineOf);

describe('bytes that are no UTF-8', () => {
  // The second line breaks in a way of its own; the place is between two whole events.
  const broken: { what: string; bytes: number[] }[] = [
    { what: 'a byte that is never in UTF-8', bytes: [0x22, 0xff, 0x22] },
    { what: 'a lone continuation byte', bytes: [0x22, 0x80, 0x22] },
    { what: 'an overlong form', bytes: [0x22, 0xc0, 0xaf, 0x22] },
    { what: 'a surrogate', bytes: [0x22, 0xed, 0xa0, 0x80, 0x22] },
    { what: 'a character above U+10FFFF', bytes: [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22] },
    { what: 'a character cut off in the middle', bytes: [0x22, 0xf0, 0x9f, 0x94, 0x22] },
    { what: 'a two-byte character cut off by the newline', bytes: [0x22, 0xc3] },
    { what: 'a three-byte character cut off by the newline', bytes: [0x22, 0xe2, 0x82] },
    { what: 'a four-byte character cut off by the newline', bytes: [0x22, 0xf0, 0x9f, 0x94] },
  ];

  test.for(broken)(
    '$what: the line is malformed wherever the chunks end, the others are not',
    async ({ bytes }) => {
      const content = Buffer.concat([
        Buffer.from(LINE_0),
        Buffer.from([...bytes, NEWLINE]),
        Buffer.from(LINE_1),
      ]);
      const start = Buffer.byteLength(LINE_0);
      for (let end = start - 2; end <= start + bytes.length + 3; end++) {
        for (const sizes of [[end, content.length], [end, 1, content.length], [1]]) {
          const told: MalformedLineError[] = [];
          const events = await decode(content, sizes, { onMalformed: error => told.push(error) });
          expect(events).toEqual(sampleEvents(2));
          expect(told).toMatchObject([{ line: 2, reason: 'not valid UTF-8' }]);
          expect(await rejection(decode(content, sizes))).toMatchObject({
            code: 'ERR_MALFORMED_LINE',
            line: 2,
            reason: 'not valid UTF-8',
          });
        }
      }
    },
  );

  test('in lines next to each other and in the last line: each is reported', async () => {
    const parts = [LINE_0, Buffer.of(0x22, 0xe2, 0x82, NEWLINE, 0xff, NEWLINE, NEWLINE), LINE_1];
    const content = Buffer.concat([...parts, Buffer.of(0xc3, NEWLINE)].map(part => Buffer.from(part)));
    for (const size of [1, 2, 3, 1000]) {
      const told: unknown[] = [];
      await decode(content, [size], { onMalformed: ({ line, reason }) => told.push([line, reason]) });
      expect(told).toEqual([
        [2, 'not valid UTF-8'],
        [3, 'not valid UTF-8'],
        [4, 'blank line'],
        [6, 'not valid UTF-8'],
      ]);
    }
  });
});

describe('a line over the limit', () => {
  const long = lineOf({ ...sampleEvent(3), type: 'pipe.aborted', reason: 'é'.repeat(500) });
  const maxLineBytes = Buffer.byteLength(long) - 1;
  const shapes: { what: string; text: string }[] = [
    { what: 'a whole line', text: long },
    { what: 'a line without its newline', text: long.trim() },
    { what: 'a line that goes on and on', text: long.repeat(1000).replaceAll('\n', ' ') },
  ];

  test.for(shapes)('$what is ERR_LINE_TOO_LONG with its line, in chunks of any size', async ({ text }) => {
    const content = `${LINE_0}\r\n${LINE_1}${text}`;
    for (const size of [1, 64, 1000, 1_000_000]) {
      const options: DecoderOptions = { maxLineBytes: maxLineBytes - 1, onMalformed: () => {} };
      const error = await rejection(decode(content, [size], options));
      expect(error).toMatchObject({ code: 'ERR_LINE_TOO_LONG', line: 4 });
    }
  });

  test('of exactly the limit is accepted: the limit counts bytes, not characters', async () => {
    for (const size of [1, 64, 1_000_000]) {
      expect(await decode(long, [size], { maxLineBytes })).toHaveLength(1);
    }
  });

  test('stays over the limit, or under it, when it is no UTF-8', async () => {
    const bad = Buffer.concat([Buffer.alloc(99, 0xff), Buffer.from('\n')]);
    for (const size of [1, 10, 100]) {
      const tooLong = decode(bad, [size], { maxLineBytes: 98 });
      expect(await rejection(tooLong)).toMatchObject({ code: 'ERR_LINE_TOO_LONG', line: 1 });
      const malformed = decode(bad, [size], { maxLineBytes: 99 });
      expect(await rejection(malformed)).toMatchObject({ code: 'ERR_MALFORMED_LINE', line: 1 });
    }
  });
});
