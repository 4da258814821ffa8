import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BLOCK_BYTES,
  endOfLastLine,
  LineCutter,
  linesBackward,
  type ReadAt,
} from '../../src/format/lines.js';
import { collect, rejection } from '../support/logs.js';
import { rounds } from '../support/rounds.js';

const NEWLINE = 0x0a;

/** Bytes in which newlines are frequent. */
const bytes = fc
  .array(fc.oneof(fc.constant(NEWLINE), fc.nat(255)), { maxLength: 300 })
  .map(list => Buffer.from(list));

/** Lines without their newlines, many of them empty, some longer than any block tried. */
const lines = fc.array(
  fc.oneof(
    fc.constant(Buffer.alloc(0)),
    fc.nat(90).map(length => Buffer.alloc(length, 'x')),
  ),
  { maxLength: 12 },
);

interface Cut {
  readonly blocks: { readonly text: string; readonly offset: number }[];
  readonly cutter: LineCutter;
}

/** Cuts a log that grows by the given sizes and is read to its end each time; it begins at the cutter's offset. */
function cut(content: Buffer, cutter: LineCutter, sizes: readonly number[]): Cut {
  const start = cutter.offset;
  const blocks: { text: string; offset: number }[] = [];
  for (let size = 0, turn = 0; size < content.length; turn++) {
    size = Math.min(content.length, size + (sizes[turn % sizes.length] ?? 1));
    for (;;) {
      const { room, offset } = cutter;
      const read = content.subarray(0, size).copy(room, 0, offset - start);
      const block = cutter.take(read);
      if (block !== undefined) blocks.push({ text: block.bytes.toString('latin1'), offset: block.offset });
      else if (read < room.length) break;
    }
  }
  return { blocks, cutter };
}

function readAtOf(content: Buffer): ReadAt {
  return async (buffer, position) => content.copy(buffer, 0, position);
}

describe('LineCutter', () => {
  const chunkSizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });
  const blockBytes = fc.integer({ min: 1, max: 40 });

  test('gives every whole line, in order, at its offset, and keeps the rest as torn bytes', () => {
    fc.assert(
      fc.property(bytes, chunkSizes, blockBytes, fc.nat(1_000_000), (content, sizes, block, start) => {
        const { blocks, cutter } = cut(content, new LineCutter(start, { blockBytes: block }), sizes);
        const whole = content.lastIndexOf(NEWLINE) + 1;
        expect(blocks.map(({ text }) => text).join('')).toBe(content.toString('latin1', 0, whole));
        for (const { text, offset } of blocks) {
          expect(text.endsWith('\n')).toBe(true);
          expect(content.toString('latin1', offset - start, offset - start + text.length)).toBe(text);
        }
        expect(cutter.offset).toBe(start + whole);
        expect(cutter.tornBytes).toBe(content.length - whole);
      }),
      { numRuns: rounds(500) },
    );
  });

  test('a line of exactly the limit passes, in chunks of any size', () => {
    fc.assert(
      fc.property(chunkSizes, blockBytes, fc.integer({ min: 2, max: 200 }), (sizes, block, maxLineBytes) => {
        const content = Buffer.from(`ab\n${'x'.repeat(maxLineBytes)}\n`);
        const cutter = new LineCutter(0, { blockBytes: block, maxLineBytes });
        expect(
          cut(content, cutter, sizes)
            .blocks.map(({ text }) => text)
            .join(''),
        ).toBe(String(content));
      }),
    );
  });

  test('an endless line is ERR_LINE_TOO_LONG with path and offset before much of it is held', () => {
    fc.assert(
      fc.property(chunkSizes, blockBytes, fc.integer({ min: 4, max: 300 }), (sizes, block, maxLineBytes) => {
        const cutter = new LineCutter(70, { blockBytes: block, maxLineBytes, path: 'some/log' });
        cut(Buffer.from('one\ntwo\n'), cutter, sizes);
        let held = 0;
        const readOn = () => {
          for (;;) {
            const room = cutter.room.fill('x');
            held = room.length;
            cutter.take(held);
          }
        };
        expect(readOn).toThrow(
          expect.objectContaining({ code: 'ERR_LINE_TOO_LONG', path: 'some/log', offset: 78 }),
        );
        // A block that was filled is followed by one twice as large.
        expect(held).toBeLessThanOrEqual(Math.max(maxLineBytes + 1, 2 * block));
      }),
    );
  });

  test('an unfinished line is read again from its start: what is cut off never mixes with what follows', () => {
    const cutter = new LineCutter(5, { blockBytes: 8 });
    const read = (bytes: string) => cutter.take(cutter.room.write(bytes));
    expect(read('one\ntorn')).toMatchObject({ offset: 5 });
    expect(cutter.offset).toBe(9);
    expect(read('torn')).toBeUndefined();
    expect([cutter.offset, cutter.tornBytes]).toEqual([9, 4]);
    expect(read('new\n')?.bytes.toString()).toBe('new\n');
    expect([cutter.offset, cutter.tornBytes]).toEqual([13, 0]);
  });
});

describe('the room of a LineCutter', () => {
  /** Fills the room with whole lines as far as given; tells how much room there was. */
  const take = (cutter: LineCutter, bytes = Number.POSITIVE_INFINITY) => {
    const { room } = cutter;
    cutter.take(room.subarray(0, bytes).fill(NEWLINE).length);
    return room.length;
  };

  test('grows as it is filled, as far as the usual block', () => {
    const cutter = new LineCutter(0, { blockBytes: BLOCK_BYTES / 4 });
    const quarters = Array.from({ length: 6 }, () => take(cutter) / (BLOCK_BYTES / 4));
    expect(quarters).toEqual([1, 2, 2, 4, 4, 4]); // there are two buffers, and each grows
  });

  test('stays as it is while reads do not fill it', () => {
    const cutter = new LineCutter(0, { blockBytes: 100 });
    expect([take(cutter, 99), take(cutter, 0), take(cutter, 99), take(cutter), take(cutter)]).toEqual([
      100, 100, 100, 100, 200,
    ]);
  });

  test('grows with a long line, to one byte over the limit', () => {
    const cutter = new LineCutter(0, { blockBytes: 100, maxLineBytes: 1000 });
    const sizes: number[] = [];
    const readOn = () => {
      for (;;) {
        const { room } = cutter;
        sizes.push(room.length);
        cutter.take(room.fill('x').length);
      }
    };
    expect(readOn).toThrow(expect.objectContaining({ code: 'ERR_LINE_TOO_LONG' }));
    expect(sizes).toEqual([100, 200, 400, 800, 1001]);
  });

  test('is the same until something is taken, whatever is left over fits it exactly', () => {
    const cutter = new LineCutter(0, { blockBytes: 4 });
    const take = (text: string) => {
      cutter.room.write(text);
      return String(cutter.take(text.length)?.bytes);
    };
    expect(take('a\n')).toBe('a\n');
    const line = `${'b'.repeat(23)}\n`;
    for (const bytes of [4, 8, 16]) expect(take(line.slice(0, bytes))).toBe('undefined');
    expect(take(`${line}cccccccc`)).toBe(line); // 8 bytes are left over, and the next room has as many
    const { room } = cutter;
    expect(room.length).toBe(8);
    expect(cutter.room).toBe(room);
  });

  test('is another one for the next block: the last block stays as it was', () => {
    const cutter = new LineCutter(0, { blockBytes: 4 });
    cutter.room.write('one\n');
    const first = cutter.take(3 + 1);
    cutter.room.write('two\n');
    cutter.take(4);
    expect(first?.bytes.toString()).toBe('one\n');
  });
});

describe('linesBackward', () => {
  test('gives the lines of any range from the last to the first, with blocks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fc.nat(12), fc.boolean(), async (list, skipped, torn) => {
        const whole = list.map(line => Buffer.concat([line, Buffer.from('\n')]));
        const content = Buffer.concat([...whole, Buffer.from(torn ? 'torn' : '')]);
        let offset = 0;
        const placed = whole.map(line => {
          offset += line.length;
          return { bytes: line.subarray(0, -1), offset: offset - line.length };
        });
        const start = placed[skipped]?.offset ?? 0;
        const expected = placed.filter(line => line.offset >= start).reverse();
        for (let blockBytes = 1; blockBytes <= 40; blockBytes++) {
          const found = await collect(linesBackward(readAtOf(content), offset, { start, blockBytes }));
          assert.deepEqual(found, expected);
        }
      }),
      { numRuns: Math.max(30, rounds(60)) },
    );
  });

  test('reads no further back than the lines that were asked for', async () => {
    const content = Buffer.from('0123456789\n'.repeat(100));
    let lowest = content.length;
    const read: ReadAt = async (buffer, position) => {
      lowest = Math.min(lowest, position);
      return content.copy(buffer, 0, position);
    };
    let asked = 0;
    for await (const { offset } of linesBackward(read, content.length, { blockBytes: 22 })) {
      asked++;
      if (asked === 3) expect(offset).toBe(content.length - 33);
      if (asked === 3) break;
    }
    expect(lowest).toBe(content.length - 44);
  });

  test('a line over the limit is ERR_LINE_TOO_LONG, one of exactly the limit is given', async () => {
    const content = Buffer.from(`first\n${'x'.repeat(50)}\nlast\n`);
    for (let blockBytes = 1; blockBytes <= 40; blockBytes++) {
      const options = { blockBytes, path: 'some/log' };
      const found = await collect(
        linesBackward(readAtOf(content), content.length, { ...options, maxLineBytes: 50 }),
      );
      expect(found.map(line => line.bytes.length)).toEqual([4, 50, 5]);
      const read = collect(
        linesBackward(readAtOf(content), content.length, { ...options, maxLineBytes: 10 }),
      );
      expect(await rejection(read)).toMatchObject({ code: 'ERR_LINE_TOO_LONG', path: 'some/log' });
    }
  });

  test('a long line is read in blocks that double, and no further than the limit and its newline', async () => {
    const content = Buffer.from(`first\n${'x'.repeat(1500)}\n`);
    const sizesUnder = async (options: { maxLineBytes?: number; blockBytes: number }) => {
      const sizes: number[] = [];
      const read: ReadAt = async (buffer, position) => {
        sizes.push(buffer.length);
        return content.copy(buffer, 0, position);
      };
      const outcome = await collect(linesBackward(read, content.length, options)).catch(error => error);
      return [...sizes, outcome.code ?? outcome.length];
    };
    expect(await sizesUnder({ blockBytes: 100 })).toEqual([100, 102, 204, 408, 686 + 7, 2]);
    expect(await sizesUnder({ blockBytes: 100, maxLineBytes: 1000 })).toEqual([
      ...[100, 102, 204, 408, 188],
      'ERR_LINE_TOO_LONG',
    ]);
    expect(await sizesUnder({ blockBytes: 1200, maxLineBytes: 1000 })).toEqual([1200, 'ERR_LINE_TOO_LONG']);
  });

  test('a log that becomes shorter while it is read is ERR_LOG_TRUNCATED', async () => {
    const content = Buffer.from('one\ntwo\n');
    const found = collect(linesBackward(readAtOf(content), content.length + 1, { path: 'some/log' }));
    expect(await rejection(found)).toMatchObject({ code: 'ERR_LOG_TRUNCATED', path: 'some/log' });
  });
});

describe('endOfLastLine', () => {
  test('finds the position after the last newline in any range', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(300), fc.nat(300), async (content, one, other) => {
        const start = Math.min(one, other, content.length);
        const size = Math.min(Math.max(one, other), content.length);
        const newline = content.subarray(start, size).lastIndexOf(NEWLINE);
        expect(await endOfLastLine(readAtOf(content), start, size)).toBe(start + newline + 1);
      }),
      { numRuns: rounds(500) },
    );
  });

  test('looks past a torn line of many blocks', async () => {
    for (const torn of [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES]) {
      const content = Buffer.concat([Buffer.from('one\ntwo\n'), Buffer.alloc(torn, 'x')]);
      expect(await endOfLastLine(readAtOf(content), 0, content.length)).toBe(8);
      expect(await endOfLastLine(readAtOf(content), 8, content.length)).toBe(8);
    }
  });

  test('reads each byte once, a block at a time, and none before the newline or the start', async () => {
    const content = Buffer.concat([Buffer.from('\nxyz'), Buffer.alloc(BLOCK_BYTES, 'x')]);
    const spans: [from: number, bytes: number][] = [];
    const read: ReadAt = async (buffer, position) => {
      spans.push([position, buffer.length]);
      return content.copy(buffer, 0, position);
    };
    expect(await endOfLastLine(read, 0, content.length)).toBe(1);
    expect(await endOfLastLine(read, 1, content.length)).toBe(1);
    expect(await endOfLastLine(read, 0, 1)).toBe(1);
    expect(await endOfLastLine(read, 4, 4)).toBe(4);
    expect(spans).toEqual([
      ...[
        [4, BLOCK_BYTES],
        [0, 4],
      ],
      ...[
        [4, BLOCK_BYTES],
        [1, 3],
      ],
      ...[[0, 1]],
    ]);
  });

  test('takes memory for a block at most, and for no more than there is to read', async () => {
    const content = Buffer.alloc(3 * BLOCK_BYTES, 'x');
    const held = async (start: number, size: number) => {
      const buffers = new Set<number>();
      await endOfLastLine(
        async (buffer, position) => {
          buffers.add(buffer.buffer.byteLength);
          return content.copy(buffer, 0, position);
        },
        start,
        size,
      );
      return [...buffers];
    };
    expect(await held(0, content.length)).toEqual([BLOCK_BYTES]);
    expect(await held(100_000, 120_000)).toEqual([20_000]);
  });
});
