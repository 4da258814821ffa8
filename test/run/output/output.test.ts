/** Reading and searching what a node printed: windows by byte and by line, exact counts, bounded memory, no link followed. */
import { appendFileSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LineIndex } from '../../../src/run/output/line-index.js';
import { NodeOutput } from '../../../src/run/output/node-output.js';
import { readLines } from '../../../src/run/output/output-lines.js';
import { searchOutput, withoutSequences } from '../../../src/run/output/output-search.js';
import { logPath, RUN_ID, rejection, writeLog } from '../../support/logs.js';
import { quickVolume } from '../../support/quick-volume.js';

/** A run whose node `n` has printed this; the path of its output. */
function printed(content: string | Uint8Array): { root: string; path: string } {
  const root = quickVolume();
  writeLog(root, '');
  const path = join(dirname(logPath(root)), 'nodes', 'n.out');
  mkdirSync(dirname(path));
  writeFileSync(path, content);
  return { root, path };
}

async function open(root: string): Promise<NodeOutput> {
  const output = await NodeOutput.open(root, RUN_ID, 'n');
  onTestFinished(() => output.close());
  return output;
}

const opened = async (content: string | Uint8Array) => open(printed(content).root);
const linesOf = async (
  content: string,
  options: { line: number; lines?: number; bounds?: { start: number; end: number } },
) => readLines(await opened(content), new LineIndex(), { lines: 100, maxBytes: 8192, ...options });
const search = async (content: string | Uint8Array, text: string, options = {}) =>
  searchOutput(await opened(content), new LineIndex(), {
    text,
    caseSensitive: false,
    limit: 100,
    from: 1,
    ...options,
  });

describe('a window by bytes', () => {
  test('begins where it is asked to, from either end, and keeps to the file and its bounds', async () => {
    const output = await opened('0123456789');
    expect(await output.text(2, 3)).toEqual({ start: 2, end: 5, text: '234' });
    expect(await output.text(-4, 100)).toEqual({ start: 6, end: 10, text: '6789' });
    expect(await output.text(-100, 2)).toEqual({ start: 0, end: 2, text: '01' });
    expect(await output.text(50, 2)).toEqual({ start: 10, end: 10, text: '' });
    expect(await output.text(-2, 100, { start: 3, end: 6 })).toEqual({ start: 4, end: 6, text: '45' });
    expect(await output.text(0, 2, { start: 3, end: 60 })).toEqual({ start: 3, end: 5, text: '34' });
  });

  test('never cuts a character: windows put together are the text', async () => {
    const text = 'aé日本🎉z'.repeat(5);
    const output = await opened(text);
    for (const bytes of [4, 5, 7, 11]) {
      let joined = '';
      for (let from = 0; from < output.size; ) {
        const window = await output.text(from, bytes);
        expect(window.start).toBe(from);
        joined += window.text;
        from = window.end;
      }
      expect(joined).toBe(text);
    }
    expect((await output.text(-3, 100)).text).toBe('z');
  });

  test('reads bytes that are no UTF-8', async () => {
    const output = await opened(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x41, 0xff]));
    expect((await output.text(0, 3)).text).toBe('\uFFFD\uFFFD\uFFFD');
    expect((await output.text(1, 100)).text).toContain('A\uFFFD');
  });
});

/** What fits into so many bytes of a line, in whole characters. */
function beginningOf(line: string, maxBytes: number): string {
  let bytes = 0;
  const fits = (character: string) => {
    bytes += Buffer.byteLength(character);
    return bytes <= maxBytes;
  };
  const characters = [...line];
  const end = characters.findIndex(character => !fits(character));
  return end === -1 ? line : characters.slice(0, end).join('');
}

describe('a window by lines', () => {
  test('is numbered from either end, with the whole file counted', async () => {
    const content = Array.from({ length: 1000 }, (_, index) => `line ${index + 1}\n`).join('');
    const first = await linesOf(content, { line: 1, lines: 2 });
    expect(first).toMatchObject({ firstLine: 1, totalLines: 1000, start: 0, end: 14, unfinished: false });
    expect(first.lines).toEqual([
      { number: 1, offset: 0, bytes: 6, text: 'line 1' },
      { number: 2, offset: 7, bytes: 6, text: 'line 2' },
    ]);
    expect((await linesOf(content, { line: 700, lines: 1 })).lines[0]?.text).toBe('line 700');
    expect((await linesOf(content, { line: -1 })).lines.map(({ text }) => text)).toEqual(['line 1000']);
    expect((await linesOf(content, { line: 2000 })).lines).toEqual([]);
    expect((await linesOf(content, { line: 5, lines: 0 })).lines).toEqual([]);
  });

  test('counts an unfinished last line, and empty ones', async () => {
    expect(await linesOf('a\n\nb', { line: 1 })).toMatchObject({
      totalLines: 3,
      unfinished: true,
      end: 4,
      lines: [{ text: 'a' }, { text: '', number: 2 }, { text: 'b', offset: 3 }],
    });
    expect(await linesOf('', { line: -5 })).toMatchObject({ totalLines: 0, lines: [], unfinished: false });
  });

  test('keeps to an iteration, with the numbers of the whole file', async () => {
    const content = 'one\ntwo\nthree\nfour\n';
    const bounds = { start: 4, end: 14 };
    expect(await linesOf(content, { line: -1, bounds })).toMatchObject({
      bounds,
      firstLine: 2,
      totalLines: 2,
      lines: [{ number: 3, text: 'three' }],
    });
    expect((await linesOf(content, { line: 1, bounds })).lines.map(({ number }) => number)).toEqual([2, 3]);
  });

  test('gives the beginning of a line that is longer than wanted, at the limit of a character', async () => {
    const long = `${'é'.repeat(500_000)}\nnext\n`;
    const { lines } = await readLines(await opened(long), new LineIndex(), {
      line: 1,
      lines: 2,
      maxBytes: 101,
    });
    expect(lines).toEqual([
      { number: 1, offset: 0, bytes: 1_000_000, text: 'é'.repeat(50) },
      { number: 2, offset: 1_000_001, bytes: 4, text: 'next' },
    ]);
  });

  test('is right for any content, any window, any length wanted of each line, and an index that grows with the file', async () => {
    const { root, path } = printed('');
    const output = await open(root);
    const index = new LineIndex();
    const piece = fc.constantFrom('a', '\n', 'é', '日本', '🎉', '\n\n', 'x'.repeat(300));
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece),
        fc.integer({ min: -9, max: 40 }).filter(line => line !== 0),
        fc.nat(9),
        fc.oneof(fc.nat(9), fc.nat(1000)), // lines are longer than that, and shorter
        async (pieces, line, lines, maxBytes) => {
          appendFileSync(path, pieces.join(''));
          const whole = await output.text(0, output.size);
          const all = whole.text.split('\n');
          if (all.at(-1) === '') all.pop();
          const window = await readLines(output, index, { line, lines, maxBytes });
          const start = line < 0 ? Math.max(0, all.length + line) : line - 1;
          const wanted = all.slice(start, start + lines);
          expect(window.totalLines).toBe(all.length);
          expect(window.lines.map(({ text }) => text)).toEqual(
            wanted.map(each => beginningOf(each, maxBytes)),
          );
          for (const [place, { number, offset, bytes }] of window.lines.entries()) {
            expect(number).toBe(start + place + 1);
            expect((await output.text(offset, bytes)).text).toBe(wanted[place]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is found in more lines than there are marks for: they are remembered more sparsely then', async () => {
    const newlines = 65_536 * 256 + 1000;
    const output = await opened(Buffer.concat([Buffer.alloc(newlines, '\n'), Buffer.from('end\n')]));
    const index = new LineIndex();
    const read = async (line: number) =>
      (await readLines(output, index, { line, lines: 1, maxBytes: 9 })).lines;
    expect(await read(newlines + 1)).toMatchObject([{ text: 'end' }]);
    expect(await read(70_000)).toMatchObject([{ text: '' }]);
    expect(await index.newlinesBefore(output, 70_000)).toBe(70_000);
    expect(await index.lineStart(output, newlines)).toBe(newlines);
  });

  test('counts again where the file was cut or swapped', async () => {
    const { root, path } = printed('a\nb\nc\n');
    const index = new LineIndex();
    const read = async () =>
      (await readLines(await open(root), index, { line: 1, lines: 9, maxBytes: 9 })).lines.map(
        ({ text }) => text,
      );
    expect(await read()).toEqual(['a', 'b', 'c']);
    truncateSync(path, 2);
    expect(await read()).toEqual(['a']);
    writeFileSync(`${path}.new`, 'x\ny\nz\nw\n');
    renameSync(`${path}.new`, path);
    expect(await read()).toEqual(['x', 'y', 'z', 'w']);
  });

  test('that is cut between the counting and the reading has no such line', async () => {
    const { root, path } = printed('a\nb\nc\n');
    const output = await open(root);
    const index = new LineIndex();
    await index.update(output, 6);
    expect(await index.newlinesBefore(output, 6)).toBe(3);
    truncateSync(path, 2);
    expect(await index.lineStart(output, 1)).toBe(2);
    expect(await index.lineStart(output, 2)).toBeUndefined();
  });
});

describe('a search', () => {
  test('counts lines and matches of the whole file, whatever the limit', async () => {
    const content = Array.from({ length: 5000 }, (_, index) =>
      index % 10 === 0 ? 'Error error\n' : 'fine\n',
    ).join('');
    const found = await search(content, 'error', { limit: 2 });
    expect(found).toMatchObject({ lines: 500, matches: 1000, before: 0, size: content.length });
    expect(found.hits).toEqual([
      { line: 1, offset: 0, matches: 2, excerpt: 'Error error', matchStart: 0, matchEnd: 5 },
      { line: 11, offset: 57, matches: 2, excerpt: 'Error error', matchStart: 0, matchEnd: 5 },
    ]);
    expect(await search(content, 'error', { caseSensitive: true })).toMatchObject({ matches: 500 });
    const later = await search(content, 'error', { from: 12, limit: 1 });
    expect(later).toMatchObject({ lines: 500, before: 2, hits: [{ line: 21 }] });
  });

  test('finds what lies across blocks, in a line of megabytes too, and in an unfinished last line', async () => {
    const block = 256 * 1024;
    for (const shift of [-7, -3, -1, 0, 1]) {
      const lines = `${'x'.repeat(99)}\n`.repeat(block / 100 + 1);
      const text = `${lines.slice(0, block + shift)}needle${lines}`;
      expect(await search(text, 'needle')).toMatchObject({ lines: 1, matches: 1, hits: [{ matches: 1 }] });
      const long = `a\n${'x'.repeat(block + shift)}é needle${'y'.repeat(3 * block)} needle\nb needle`;
      expect(await search(long, 'needle')).toMatchObject({
        lines: 2,
        matches: 3,
        hits: [
          { line: 2, offset: 2, matches: 2 },
          { line: 3, matches: 1, excerpt: 'b needle' },
        ],
      });
    }
  });

  test('passes over escape sequences, which do not split a match', async () => {
    const coloured = '\x1b[31mer\x1b[1mror\x1b[0m \x1b]8;;http://a/31\x07link\x1b]8;;\x1b\\ 31\n';
    expect(await search(coloured, 'error')).toMatchObject({
      matches: 1,
      hits: [{ excerpt: 'error link 31' }],
    });
    expect(await search(coloured, '31')).toMatchObject({ matches: 1 });
    expect(withoutSequences(coloured)).toBe('error link 31\n');
    const split = `${'x'.repeat(256 * 1024 - 2)}\x1b[38;5;1mneedle`;
    expect(await search(split, 'xneedle')).toMatchObject({ matches: 1 });
  });

  test('is right for any content', async () => {
    const { root, path } = printed('');
    const output = await open(root);
    const piece = fc.constantFrom('ab', 'AB', 'a', '\n', 'b', 'İ', '日');
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 60 }),
        fc.constantFrom('ab', 'a', 'aba', '日a'),
        async (pieces, text) => {
          writeFileSync(path, pieces.join(''));
          const counts = pieces
            .join('')
            .split('\n')
            .map(line => line.split(text).length - 1)
            .filter(count => count > 0);
          const options = { text, caseSensitive: true, limit: 100, from: 1 };
          const found = await searchOutput(output, new LineIndex(), options);
          expect(found.hits.map(({ matches }) => matches)).toEqual(counts);
          expect(found).toMatchObject({
            lines: counts.length,
            matches: counts.reduce((sum, count) => sum + count, 0),
          });
          for (const { excerpt, matchStart, matchEnd } of found.hits)
            expect(excerpt.slice(matchStart, matchEnd)).toBe(text);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('keeps to an iteration, and ends with the reason of its signal', async () => {
    expect(await search('a\na\na\n', 'a', { bounds: { start: 2, end: 4 } })).toMatchObject({
      lines: 1,
      hits: [{ line: 2, offset: 2 }],
    });
    expect(await rejection(search('a', 'a', { signal: AbortSignal.abort('enough') }))).toBe('enough');
  });
});

describe('an output that is not what it should be', () => {
  test('a link in its place, or in that of its folder, is not followed', async () => {
    const { root, path } = printed('x');
    const secret = join(root, 'secret');
    writeFileSync(secret, 'secret');
    renameSync(path, `${path}.old`);
    symlinkSync(secret, path);
    expect(await rejection(NodeOutput.open(root, RUN_ID, 'n'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
    renameSync(dirname(path), join(root, 'nodes'));
    symlinkSync(join(root, 'nodes'), dirname(path));
    expect(await rejection(NodeOutput.open(root, RUN_ID, 'n'))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
  });

  test.each(['../n', 'a/b', '..\\n', 'n\0', ''])('a node id that is no file name: %j', async nodeId => {
    const { root } = printed('x');
    expect(await rejection(NodeOutput.open(root, RUN_ID, nodeId))).toMatchObject({ code: 'ERR_UNSAFE_PATH' });
  });

  test('one that cannot be read, or looked at, is an error that names it', async () => {
    const { root, path } = printed('x');
    const output = await NodeOutput.open(root, RUN_ID, 'n');
    output.close(); // reading fails from now on, as from a disk that is gone
    const failure = { code: 'ERR_SYSTEM', path, message: expect.stringContaining('EBADF') };
    expect(() => output.size).toThrow(expect.objectContaining(failure));
    expect(await rejection(output.read(Buffer.alloc(1), 0))).toMatchObject(failure);
  });

  test('one that is not there', async () => {
    const { root } = printed('x');
    expect(await rejection(NodeOutput.open(root, RUN_ID, 'other'))).toMatchObject({
      code: 'ERR_CAPTURE_NOT_FOUND',
    });
  });
});
