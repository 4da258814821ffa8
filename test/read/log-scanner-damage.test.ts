/** What a scan makes of lines that are no events, or too long: named, never passed over in silence. */
import { describe, expect, test } from 'vitest';
import { MalformedLineError } from '../../src/errors.js';
import { decodeEvent } from '../../src/format/decode.js';
import { BLOCK_BYTES } from '../../src/format/lines.js';
import { lineOf, linesOf, readerOf, sampleEvents, writeLog } from '../support/logs.js';
import { scan } from '../support/scanning.js';
import { temporaryVolume } from '../support/volume.js';

const EVENTS = sampleEvents(6);
const LINES = EVENTS.map(lineOf);
const [LINE_0 = '', LINE_1 = '', LINE_2 = ''] = LINES;

test('malformed lines after a long line cost no more, though its block stays large', async () => {
  const pairs = `${LINE_1}b\n`.repeat(10_000);
  const long = `${LINE_0.trim().slice(0, -1)},"x":"${'y'.repeat(15 * 1024 * 1024)}"}\n`;
  /** What a scan takes of the processor, which does not grow with what else the machine does. */
  const milliseconds = async (content: string) => {
    const root = temporaryVolume();
    writeLog(root, content);
    let reported = 0;
    const start = process.cpuUsage();
    await scan(root, { onMalformed: () => reported++ });
    expect(reported).toBe(10_000);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  await milliseconds(pairs); // compiled by then
  const alone = await milliseconds(pairs);
  // Checking the whole block again for each of them took ten times as long.
  expect(await milliseconds(long + pairs)).toBeLessThan(4 * alone + 200);
});

describe('a malformed line', () => {
  const bad: { what: string; line: Buffer | string; reason: string | RegExp }[] = [
    { what: 'an empty line', line: '', reason: 'blank line' },
    { what: 'a line of white space', line: ' \t\r', reason: 'blank line' },
    { what: 'a byte order mark', line: `\ufeff${LINE_0.trim()}`, reason: /^not JSON|byte order mark/ },
    { what: 'NUL bytes', line: '\0\0\0\0', reason: /^not JSON|byte order mark/ },
    { what: 'bytes that are no UTF-8', line: Buffer.from([0x22, 0xff, 0x22]), reason: 'not valid UTF-8' },
    { what: 'half an event', line: LINE_0.slice(0, 40), reason: /^not JSON|byte order mark/ },
    { what: 'two events', line: LINE_0.trim() + LINE_1.trim(), reason: /^not JSON|byte order mark/ },
    { what: 'an unknown type', line: '{"type":"node.sleeps"}', reason: /unknown event type/ },
    { what: 'something else', line: '[]', reason: /must be an object/ },
  ];

  function logWith(line: Buffer | string): Buffer {
    const parts = [LINE_0, LINE_1, line, '\n', LINE_2, line, '\n', ...LINES.slice(3)];
    return Buffer.concat(parts.map(part => Buffer.from(part)));
  }

  test.for(bad)(
    '$what: an error with path, line, offset and reason, after the events before it',
    async ({ line, reason }) => {
      const root = temporaryVolume();
      const path = writeLog(root, logWith(line));
      const { events, error } = await scan(root);
      expect(events).toEqual(EVENTS.slice(0, 2));
      const offset = Buffer.byteLength(LINE_0 + LINE_1);
      expect(error).toBeInstanceOf(MalformedLineError);
      expect(error).toMatchObject({ code: 'ERR_MALFORMED_LINE', path, line: 3, offset });
      expect(error).toHaveProperty('reason', expect.stringMatching(reason));
      expect(error).toHaveProperty(
        'message',
        expect.stringContaining(`(${path}, line 3, byte offset ${offset})`),
      );
    },
  );

  test.for(bad)('$what: a callback gets each, and only they are skipped', async ({ line }) => {
    const root = temporaryVolume();
    const path = writeLog(root, logWith(line));
    const reported: MalformedLineError[] = [];
    const scanned = await scan(root, { onMalformed: error => reported.push(error) });
    expect(scanned).toMatchObject({ events: EVENTS, error: undefined });
    const first = Buffer.byteLength(LINE_0 + LINE_1);
    const second = first + Buffer.byteLength(line) + 1 + Buffer.byteLength(LINE_2);
    expect(reported).toMatchObject([
      { path, line: 3, offset: first },
      { path, line: 5, offset: second },
    ]);
  });

  test('has no line number when reading began further on, but the offset all the same', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, `${LINE_0}${LINE_1}{}\n`);
    const { events, error } = await scan(root, { from: Buffer.byteLength(LINE_0) });
    expect(events).toEqual([EVENTS[1]]);
    const offset = Buffer.byteLength(LINE_0 + LINE_1);
    expect(error).toMatchObject({ code: 'ERR_MALFORMED_LINE', path, line: undefined, offset });
    expect(error).toHaveProperty('message', expect.not.stringMatching(/line \d/));
  });

  test('far into the log has its line number', async () => {
    const root = temporaryVolume();
    const events = sampleEvents(5000);
    writeLog(root, `${linesOf(events)}{}\n`);
    const scanned = await scan(root);
    expect(scanned.events).toHaveLength(5000);
    expect(scanned.error).toMatchObject({ line: 5001, offset: Buffer.byteLength(linesOf(events)) });
  });

  test('a callback that decodes, and reads another log, does not change the lines after it', async () => {
    const [one, other] = [temporaryVolume(), temporaryVolume()];
    writeLog(one, logWith('bad'));
    writeLog(other, linesOf(EVENTS).repeat(2));
    const beside = readerOf(other)[Symbol.asyncIterator]();
    const read: unknown[] = [(await beside.next()).value];
    const pending: Promise<unknown>[] = [];
    const onMalformed = () => {
      expect(decodeEvent(LINE_2)).toEqual(EVENTS[2]);
      pending.push(beside.next().then(({ value }) => read.push(value)));
      pending.push(readerOf(other).toArray());
    };
    expect(await readerOf(one, { onMalformed }).toArray()).toEqual(EVENTS);
    expect(pending.length).toBe(4);
    await Promise.all(pending);
    expect(read).toEqual(EVENTS.slice(0, 3));
  });

  test('what the callback throws ends the reading and comes out as it is', async () => {
    const root = temporaryVolume();
    writeLog(root, `${LINE_0}{}\n${LINE_1}`);
    const mine = new Error('one is too many');
    const { events, error } = await scan(root, {
      onMalformed: () => {
        throw mine;
      },
    });
    expect(events).toEqual([EVENTS[0]]);
    expect(error).toBe(mine);
  });
});

describe('a line over the limit', () => {
  const tooLong = `{"type":"pipe.aborted","reason":"${'x'.repeat(400)}"}`;

  test('is ERR_LINE_TOO_LONG with path, line and offset, after the events before it', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, `${LINE_0}${LINE_1}${tooLong}\n${LINE_2}`);
    const { events, error } = await scan(root, { maxLineBytes: tooLong.length - 1, onMalformed: () => {} });
    expect(events).toEqual(EVENTS.slice(0, 2));
    const offset = Buffer.byteLength(LINE_0 + LINE_1);
    expect(error).toMatchObject({ code: 'ERR_LINE_TOO_LONG', path, line: 3, offset });
  });

  test('of exactly the limit is read', async () => {
    const root = temporaryVolume();
    const longest = Math.max(...LINES.map(line => Buffer.byteLength(line) - 1));
    writeLog(root, LINES.join(''));
    expect(await scan(root, { maxLineBytes: longest })).toMatchObject({ events: EVENTS, error: undefined });
    expect((await scan(root, { maxLineBytes: longest - 1 })).error).toMatchObject({
      code: 'ERR_LINE_TOO_LONG',
    });
  });

  test('is one without its newline too, wherever the ends of the blocks fall', async () => {
    const root = temporaryVolume();
    for (const length of [500, BLOCK_BYTES, 2 * BLOCK_BYTES]) {
      const path = writeLog(root, LINE_0 + LINE_1 + 'x'.repeat(length));
      const { events, error } = await scan(root, { maxLineBytes: 400 });
      expect(events).toEqual(EVENTS.slice(0, 2));
      const offset = Buffer.byteLength(LINE_0 + LINE_1);
      expect(error).toMatchObject({ code: 'ERR_LINE_TOO_LONG', path, line: 3, offset });
    }
  });
});
