import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { decodeEvent, encodeEvent } from '../../src/index.js';
import {
  MOST_CHARACTERS,
  shortened,
  shortenedNodeEvent,
  shortId,
  shortText,
} from '../../src/run/shortened.js';
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

describe('a long id', () => {
  test('keeps its ends, is the same for the same id, and differs where ids differ', () => {
    expect(shortId('n'.repeat(500))).toBe('n'.repeat(500));
    const ids = ['a', 'b'].map(middle => `${'n'.repeat(5000)}${middle}${'m'.repeat(5000)}`);
    const [short = '', other] = ids.map(shortId);
    expect(short).toMatch(/^n{150}… \(9701 characters left out, sha256 [0-9a-f]{16}\) …m{150}$/);
    expect(other).not.toBe(short);
    expect(shortId(ids[0] ?? '')).toBe(short);
    expect(shortId('🔑'.repeat(500)).isWellFormed()).toBe(true);
  });
});

describe('an event', () => {
  test('without long texts is the same object', () => {
    const event = eventOf({ type: 'pipe.started', pipe: 'p', inputs: [{ key: 'a', value: 'b' }] }, 0);
    expect(shortened(event)).toBe(event);
  });

  test('has its long texts cut at any depth, and long ids so that they still differ', () => {
    const long = 'x'.repeat(10_000);
    const event = { ...eventOf({ ...FAILED, node_id: long, message: long }, 0), id: long, run_id: long };
    const short = { node_id: shortId(long), id: shortId(long), run_id: shortId(long) };
    expect(shortened(event)).toEqual({ ...event, ...short, message: shortText(long) });
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
    const whole = shortenedNodeEvent({ ...started, id: long });
    expect(whole).toEqual({ ...started, id: shortId(long) });
    expect(shortenedNodeEvent(event)).toEqual(shortened(event));
  });

  test('has objects that end where it is long enough, and long names in them cut', () => {
    const named = (size: number, name: (index: number) => string) =>
      Object.fromEntries(Array.from({ length: size }, (_, index) => [name(index), index]));
    const base = { type: 'tool.called', id: 'i', ts: 't', run_id: 'r' };
    const many = shortened({ ...base, input: { many: named(20_000, index => `key-${index}`), after: 'x' } });
    expect(Object.entries(Object(many.input).many).slice(0, 2)).toEqual([
      ['key-0', 0],
      ['key-1', 1],
    ]);
    expect(Object.keys(Object(many.input).many).length).toBeGreaterThan(100);
    expect(JSON.stringify(many).length).toBeLessThan(100_000);
    const long = shortened({ ...base, input: named(10, index => `${'x'.repeat(9000)}${index}`) });
    expect(Object.keys(long.input)).toHaveLength(10);
    expect(JSON.stringify(long).length).toBeLessThan(6000);
    const small = { ...base, input: named(10, String) };
    expect(shortened(small)).toBe(small);
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
    const kept = Array.from({ length: 16 }, () => {
      const line = encodeEvent(eventOf({ ...FAILED, message: 'x'.repeat(2_000_000) }, 0));
      return shortened(decodeEvent(Buffer.from(line).toString('latin1')));
    });
    expect(used() - before).toBeLessThan(20_000_000);
    expect(kept).toHaveLength(16);
  });

  test('has lists that end where it is long enough', () => {
    const inputs = Array.from({ length: 20_000 }, (_, index) => ({ key: `key-${index}`, value: 'v' }));
    const short = shortened(eventOf({ type: 'pipe.started', pipe: 'p', inputs }, 0));
    if (short.type !== 'pipe.started') throw new Error(short.type);
    expect(short.inputs.length).toBeGreaterThan(100);
    expect(short.inputs).toEqual(inputs.slice(0, short.inputs.length));
    expect(JSON.stringify(short).length).toBeLessThan(100_000);
    expect(shortened(eventOf(STARTED, 0))).toEqual(eventOf(STARTED, 0));
  });
});
