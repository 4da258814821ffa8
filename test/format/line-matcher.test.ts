/** The lanes of decoding agree: what the fast and the middle lane take, the strict one takes with the same result. */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generateLog } from '../../fixtures/generate.mjs';
import { decodeMatched, decodeStrictly, decodeText } from '../../src/format/decode.js';
import { omneEvents } from '../../src/format/events.js';
import { matchText } from '../../src/format/lanes/line-matcher.js';
import type { LogEvent } from '../../src/format/schema.js';
import { decodeEvent, encodeEvent, MalformedLineError } from '../../src/index.js';
import { escaped, events, joined, lines, membersOf, spaces } from '../support/arbitraries.js';
import { decode } from '../support/decoding.js';
import { conformanceCases, readerOf, writeLog } from '../support/logs.js';
import { rounds } from '../support/rounds.js';
import { temporaryVolume } from '../support/volume.js';

/** The event, or why there is none. */
function verdict(decode: () => LogEvent): LogEvent | string {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedLineError) return error.reason;
    throw error;
  }
}

const ofBlocks = omneEvents.newMatcher();

/** Decodes a line as a scan of a file does: in the middle of a block, between other bytes. */
function decodedInBlock(text: string, before: string): LogEvent {
  const block = Buffer.from(`${before}\n${text}\n"{}x`);
  const start = Buffer.byteLength(before) + 1;
  const matcher = ofBlocks;
  matcher.use(block);
  matcher.match(start);
  return decodeMatched(matcher, omneEvents, text);
}

/** What must become of the bytes of a line. */
function strictVerdict(line: Buffer): LogEvent | string {
  return isUtf8(line) ? verdict(() => decodeStrictly(line.toString('utf8'))) : 'not valid UTF-8';
}

/** What a reader of a log of these lines, and a decoder of its bytes, make of each of them. */
async function verdictsOnLog(lines: readonly Buffer[]): Promise<{ reader: unknown[]; decoder: unknown[] }> {
  const log = Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')]));
  const root = temporaryVolume();
  writeLog(root, log);
  const ofAll = async (read: (onMalformed: (error: MalformedLineError) => void) => Promise<unknown[]>) => {
    const reasons = new Map<number | undefined, string>();
    const decoded = await read(({ line, reason }) => reasons.set(line, reason));
    const verdicts = lines.map((_, index) => reasons.get(index + 1) ?? decoded.shift());
    expect(decoded).toEqual([]);
    return verdicts;
  };
  return {
    reader: await ofAll(onMalformed => readerOf(root, { onMalformed }).toArray()),
    decoder: await ofAll(onMalformed => decode(log, [50_000], { onMalformed })),
  };
}

/** Holds reader and decoder to the strict lane; where a line of a block is not UTF-8 all others are decoded in another way. */
async function expectStrictVerdicts(lines: readonly Buffer[]): Promise<void> {
  for (const some of [lines, lines.filter(line => isUtf8(line))]) {
    const strict = some.map(strictVerdict);
    expect(await verdictsOnLog(some)).toStrictEqual({ reader: strict, decoder: strict });
  }
}

const ofTexts = omneEvents.newMatcher();
const matcherAt = (text: string) => (matchText(ofTexts, text) ? ofTexts : undefined);
/** The event of the fast lane, if it takes the line. */
const fast = (text: string) => matcherAt(text)?.event(text);
/** Whether the middle lane makes an event of the line. */
const isFlat = (text: string) => matcherAt(text)?.flatEvent(text) !== undefined;

describe('the lanes of decoding agree', () => {
  test('on events right, nearly right and wrong, down to the order of the properties and the reason', () => {
    const taken = { fast: 0, flat: 0, neither: 0 };
    fc.assert(
      fc.property(lines, fc.constantFrom('', 'é🚨', 'x'), (line, before) => {
        const text = Buffer.from(line).toString('utf8').replaceAll('\n', '');
        const strict = verdict(() => decodeStrictly(text));
        taken[fast(text) !== undefined ? 'fast' : isFlat(text) ? 'flat' : 'neither']++;
        for (const other of [verdict(() => decodeText(text)), verdict(() => decodedInBlock(text, before))]) {
          assert.deepEqual(other, strict);
          assert.equal(JSON.stringify(other), JSON.stringify(strict));
        }
      }),
      { numRuns: Math.max(4000, rounds(20_000)) }, // of fewer too few might be for the middle lane
    );
    expect(Math.min(taken.fast, taken.flat, taken.neither)).toBeGreaterThan(rounds(300));
  });

  test('on canonical lines with one byte changed, put in or taken out', async () => {
    const asTheyAre: Buffer[] = [];
    const taken = { fast: 0, flat: 0, neither: 0 };
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\{}[]:, \tu0n1/é')));
    fc.assert(
      fc.property(events, fc.nat(), fc.nat(2), byte, (event, seed, edit, value) => {
        const bytes = Buffer.from(encodeEvent(event));
        const at = seed % bytes.length;
        const edited = Buffer.from(
          [...bytes].toSpliced(at, edit === 1 ? 0 : 1, ...(edit === 2 ? [] : [value])),
        );
        const text = edited.toString('utf8').replaceAll('\n', '');
        const strict = verdict(() => decodeStrictly(text));
        taken[fast(text) !== undefined ? 'fast' : isFlat(text) ? 'flat' : 'neither']++;
        for (const other of [verdict(() => decodeText(text)), verdict(() => decodedInBlock(text, 'ab'))])
          assert.deepEqual(other, strict);
        assert.deepEqual(
          verdict(() => decodeEvent(edited)),
          strictVerdict(edited),
        );
        if (!edited.includes(0x0a)) asTheyAre.push(edited);
      }),
      { numRuns: rounds(10_000) },
    );
    expect(Math.min(taken.fast, taken.neither)).toBeGreaterThan(rounds(300));
    expect(asTheyAre.filter(line => !isUtf8(line)).length).toBeGreaterThan(rounds(300));
    await expectStrictVerdicts(asTheyAre);
  });

  test('on every conformance case', () => {
    for (const { name, line } of conformanceCases()) {
      const text = line.toString('utf8');
      const strict = verdict(() => decodeStrictly(text));
      const others = [verdict(() => decodeText(text)), verdict(() => decodedInBlock(text, 'é'))];
      expect(others, name).toStrictEqual([strict, strict]);
    }
  });

  test('on every conformance case as a line of a log, accepted and rejected as the reference does', async () => {
    const cases = conformanceCases();
    const lines = cases.map(({ line }) => line);
    await expectStrictVerdicts(lines);
    const { reader } = await verdictsOnLog(lines);
    const wrong = cases.filter(({ expect: wanted }, index) => {
      return wanted !== 'either' && wanted !== (typeof reader[index] === 'string' ? 'reject' : 'accept');
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('on each byte at each place in a word, before each other kind of character', () => {
    for (let byte = 0; byte < 0x80; byte++) {
      for (const rest of ['', 'a', 'abc', 'é', '€', '🚨', '\\n', '\\u00e9', '\\ud83d\\udea8']) {
        for (const padding of ['', 'x', 'xy', 'xyz']) {
          const reason = padding + String.fromCharCode(byte) + rest;
          const text = `{"type":"pipe.aborted","id":"1","ts":"2","run_id":"3","reason":"${reason}"}`;
          const [other, strict] = [verdict(() => decodeText(text)), verdict(() => decodeStrictly(text))];
          assert.deepEqual(other, strict);
        }
      }
    }
  });
});

test('the fast lane takes every canonical line that has no list', () => {
  fc.assert(
    fc.property(events, event => {
      const line = encodeEvent(event);
      if (!line.includes('"inputs":[')) expect(fast(line)).toStrictEqual(event);
    }),
    { numRuns: rounds(1000) },
  );
});

test('the middle lane takes flat events in any order, with spaces and escapes', () => {
  const flat = events.filter(({ type }) => type !== 'node.failed' && type !== 'pipe.started');
  fc.assert(
    fc.property(flat, fc.nat(), spaces, fc.boolean(), (event, seed, space, escapes) => {
      const members = membersOf(event);
      const turned = [...members.slice(seed % members.length), ...members.slice(0, seed % members.length)];
      const text = joined(
        turned.map(([key, value]) => [key, escapes ? escaped(value) : value]),
        space,
      );
      if (/\\ud[89a-f]/.test(text)) return; // half of a pair by number is left to the strict lane
      expect(isFlat(text)).toBe(true);
      expect(decodeText(text)).toStrictEqual(event);
    }),
    { numRuns: rounds(1000) },
  );
});

test('a line too long for the matcher of texts is decoded all the same', () => {
  const event = { type: 'pipe.aborted', id: '1', ts: '2', run_id: '3', reason: 'é'.repeat(20_000) } as const;
  expect(decodeText(encodeEvent(event))).toStrictEqual(event);
});

test.for([
  ['forbids code from text', '--disallow-code-generation-from-strings'],
  ['has no compilers, and so no WebAssembly', '--jitless'],
])('where a process %s, everything is decoded all the same', ([, flag = '']) => {
  const log = Buffer.concat([...generateLog(300)]).toString('utf8');
  const program = `
    import { decodeEvent, encodeEvent } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    for await (const chunk of process.stdin.setEncoding('utf8').compose(async function* (source) {
      let text = '';
      for await (const part of source) text += part;
      yield text;
    })) for (const line of chunk.trimEnd().split('\\n')) console.log(encodeEvent(decodeEvent(line)));
  `;
  const args = [flag, '--input-type=module', '--eval', program];
  expect(execFileSync(process.execPath, args, { input: log, encoding: 'utf8' })).toBe(log);
});
