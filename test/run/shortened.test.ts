import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { decodeEvent, encodeEvent } from '../../src/index.js';
import { MOST_CHARACTERS, shortened, shortText } from '../../src/run/shortened.js';
import { eventOf, FAILED, STARTED } from '../support/folding.js';

describe('a long text', () => {
  test('keeps its beginning and its end, and says what is left out', () => {
    const text = `${'a'.repeat(1000)}${'b'.repeat(7654)}${'c'.repeat(3000)}`;
    expect(shortText(text)).toBe(`${'a'.repeat(1000)}… (7654 characters left out) …${'c'.repeat(3000)}`);
    expect(shortText('x'.repeat(MOST_CHARACTERS))).toBe('x'.repeat(MOST_CHARACTERS));
  });

  test('is not cut within a character', () => {
    for (const before of ['', 'x']) {
      const short = shortText(`${before}${'🔑'.repeat(5000)}`);
      expect(short.isWellFormed()).toBe(true);
      expect(short).toMatch(/^x?🔑+… \(\d+ characters left out\) …🔑+$/u);
    }
  });
});

describe('an event', () => {
  test('without long texts is the same object', () => {
    const event = eventOf({ type: 'pipe.started', pipe: 'p', inputs: [{ key: 'a', value: 'b' }] }, 0);
    expect(shortened(event)).toBe(event);
  });

  test('has its long texts cut at any depth, but for what identifies it and its node', () => {
    const long = 'x'.repeat(10_000);
    const failed = shortened(eventOf({ ...FAILED, node_id: long, message: long }, 0));
    expect(failed).toEqual({ ...eventOf({ ...FAILED, node_id: long }, 0), message: shortText(long) });
    const inputs = [
      { key: 'a', value: long },
      { key: 'b', value: 'short' },
    ];
    const started = eventOf({ type: 'pipe.started', pipe: 'p', inputs }, 0);
    expect(shortened(started)).toEqual({
      ...started,
      inputs: [{ key: 'a', value: shortText(long) }, inputs[1]],
    });
    expect(inputs[0]?.value).toBe(long);
  });

  test('keeps nothing of a long line in memory', () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('no gc');
    const used = () => {
      collect();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    const kept = Array.from({ length: 40 }, () => {
      const line = encodeEvent(eventOf({ ...FAILED, message: 'x'.repeat(2_000_000) }, 0));
      return shortened(decodeEvent(Buffer.from(line).toString('latin1')));
    });
    expect(used() - before).toBeLessThan(20_000_000);
    expect(kept).toHaveLength(40);
  });

  test('has lists that end where it is long enough', () => {
    const inputs = Array.from({ length: 100_000 }, (_, index) => ({ key: `key-${index}`, value: 'v' }));
    const short = shortened(eventOf({ type: 'pipe.started', pipe: 'p', inputs }, 0));
    if (short.type !== 'pipe.started') throw new Error(short.type);
    expect(short.inputs.length).toBeGreaterThan(100);
    expect(short.inputs).toEqual(inputs.slice(0, short.inputs.length));
    expect(JSON.stringify(short).length).toBeLessThan(100_000);
    expect(shortened(eventOf(STARTED, 0))).toEqual(eventOf(STARTED, 0));
  });
});
