import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { entries, find, findByBytes, Specials } from '../../src/format/lanes/special-bytes.js';
import { decodeEvent, encodeEvent, type RunEvent } from '../../src/index.js';
import { texts } from '../support/arbitraries.js';
import { rounds } from '../support/rounds.js';

/** Position and UTF-16 position of each special byte in [from, to), told by the text: slow, and hard to get wrong. */
function specialsOf(bytes: Buffer, from = 0, to = bytes.length): [number, number][] {
  const found: [number, number][] = [];
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c)
      found.push([at, from + bytes.toString('utf8', from, at).length]);
  }
  return found;
}

/** What is in the list from `first` up to `behind`. */
function listed(first: number, behind: number): [number, number][] {
  return Array.from({ length: (behind - first) / 2 }, (_, place) => {
    const entry = first + 2 * place;
    return [entries[entry] ?? -1, entries[entry + 1] ?? -1];
  });
}

/** A text with characters of each length and many special ones. */
const mixed = fc
  .array(fc.oneof(texts, fc.constantFrom('"', '\\', '\n', 'x'.repeat(15), 'é', '€', '🚨'.repeat(5))), {
    maxLength: 40,
  })
  .map(parts => Buffer.from(Buffer.from(parts.join('')).toString('utf8')));

describe('special bytes are found', () => {
  test.for([
    ['by vectors', find],
    ['byte by byte', findByBytes],
  ] as const)('%s', ([, finder]) => {
    fc.assert(
      fc.property(mixed, fc.nat(70), (bytes, before) => {
        const whole = Buffer.concat([Buffer.alloc(before, 'a'), bytes, Buffer.from('"\\\n"é')]);
        const to = before + bytes.length;
        expect(listed(0, finder(whole, before, to, 0, 0))).toEqual(specialsOf(whole, before, to));
      }),
      { numRuns: rounds(1000) },
    );
  });

  test('by vectors as byte by byte, for every byte at every place of a step', () => {
    for (let byte = 0; byte < 0x80; byte++) {
      for (let place = 0; place < 64; place++) {
        const bytes = Buffer.alloc(64, byte % 2 === 0 ? 'a' : '"');
        bytes[place] = byte;
        const found = listed(0, find(bytes, 0, 64, 0, 0));
        assert.deepEqual(found, listed(0, findByBytes(bytes, 0, 64, 0, 0)));
      }
    }
  });

  test('and counted on, when a line goes over several chunks, wherever a character is cut', () => {
    for (let before = 0; before < 9; before++) {
      const text = `${'a'.repeat(before)}${'é€🚨'.repeat(4000)}"${'🚨'.repeat(5000)}\\n\n`;
      const bytes = Buffer.from(text);
      const specials = new Specials();
      specials.use(bytes, bytes.length);
      expect(specials.cover(0, 0)).toBe(0);
      expect(listed(0, 6)).toEqual(specialsOf(bytes));
    }
  });
});

describe('a line', () => {
  test('is found from any place in the list, forwards and backwards', () => {
    const bytes = Buffer.from(['"a"', '""', '', '"b\\n"', 'c'].map(line => `${line}\n`).join(''));
    const starts = [0, 4, 7, 8, 14];
    const specials = new Specials();
    specials.use(bytes, bytes.length);
    for (const start of starts) {
      for (const other of starts) {
        const near = specials.cover(other, 0);
        const first = specials.cover(start, near);
        expect(entries[first]).toBe(specialsOf(bytes, start)[0]?.[0]);
      }
    }
  });

  test('is covered again after the lines of another buffer', () => {
    const [one, two] = [Buffer.from('"one"\n'), Buffer.from('____"two"\n')];
    const [first, second] = [new Specials(), new Specials()];
    first.use(one, one.length);
    second.use(two, two.length);
    for (let round = 0; round < 3; round++) {
      expect(entries[first.cover(0, 0)]).toBe(0);
      expect(entries[second.cover(0, 0)]).toBe(4);
    }
  });

  test('with more special bytes than there is room for is not covered, those around it are', () => {
    const lines = ['"before"', '"'.repeat(100_000), '"behind"'];
    const bytes = Buffer.from(lines.map(line => `${line}\n`).join(''));
    const specials = new Specials();
    specials.use(bytes, bytes.length);
    expect(specials.cover(0, 0)).toBe(0);
    expect(specials.cover(9, 0)).toBe(-1);
    expect(entries[specials.cover(9 + 100_001, 0)]).toBe(9 + 100_001);
  });

  test('like that is decoded all the same', () => {
    const reason = 'a "quoted" line\n'.repeat(30_000);
    const event: RunEvent = { type: 'pipe.aborted', id: '1', ts: '2', run_id: '3', reason };
    expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
    expect(decodeEvent(Buffer.from(encodeEvent(event)))).toStrictEqual(event);
  });
});
