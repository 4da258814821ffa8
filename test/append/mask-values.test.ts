import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskValues } from '../../src/append/mask-values.js';
import { characters } from '../support/arbitraries.js';

const PLACE = { type: 'node.failed', field: 'message' };
const mask = (secrets: string[], text: string) => maskValues(secrets)(text, PLACE);

const secret = fc.string({ minLength: 4, maxLength: 40, unit: characters });

describe('a known value', () => {
  test('is masked anywhere in a text', () => {
    expect(mask(['s3cret-token'], 's3cret-token and as3cret-tokenb s3cret-token')).toBe('*** and a***b ***');
  });

  test('leaves a text that does not hold it as it is', () => {
    const text = 's3cret-toke n s3cret tok';
    expect(mask(['s3cret-token'], text)).toBe(text);
    expect(mask([], text)).toBe(text);
  });

  test('is masked as the longest one where two begin alike', () => {
    expect(mask(['token', 'token-long'], 'a token-long, a token')).toBe('a ***, a ***');
  });

  test('is masked in the header of basic authentication, at any place of the encoded text', () => {
    for (const user of ['', 'a', 'ab', 'abc']) {
      const header = Buffer.from(`${user}:hunter2-hunter2:x`).toString('base64');
      const masked = mask(['hunter2-hunter2'], `Authorization: Basic ${header}`);
      expect(masked).toContain('***');
      expect(Buffer.from(masked.slice(21).replace('***', ''), 'base64').toString()).not.toContain('unter2');
    }
  });

  test('is masked in a URL, percent-encoded in any way', () => {
    const value = 'pass word/ü!';
    const written = [
      encodeURIComponent(value),
      encodeURIComponent(value).toLowerCase(),
      new URLSearchParams([['p', value]]).toString().slice(2),
      'pass%20word%2F%C3%BC%21',
    ];
    for (const text of written)
      expect(mask([value], `postgres://app:${text}@db`)).toBe('postgres://app:***@db');
  });

  test('is masked inside JSON that a text holds', () => {
    const value = 'line one\n"two"';
    expect(mask([value], JSON.stringify({ value }))).toBe('{"value":"***"}');
  });

  test('is not in the masked text in any of its forms, whatever it is and whatever surrounds it', () => {
    const around = fc.string({ maxLength: 30, unit: characters });
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 8 }),
        fc.array(around),
        fc.nat(),
        (secrets, texts, pick) => {
          const one = secrets[pick % secrets.length] ?? '';
          const forms = [one, JSON.stringify(one).slice(1, -1), encodeURIComponent(one.toWellFormed())];
          const encoded = Buffer.from(one).toString('base64url').slice(0, -1);
          const masked = mask(secrets, [...texts, ...forms, encoded].join(texts[0] ?? ''));
          for (const form of secrets.concat(forms))
            expect(masked.includes(form) && !'***'.includes(form)).toBe(false);
        },
      ),
    );
  });

  test('is found among a thousand others about as fast as alone', () => {
    const values = Array.from({ length: 1000 }, (_, index) => `value-${index}-`.padEnd(32, `${index}`));
    const line = 'a perfectly ordinary text of a log, without anything to hide: '.repeat(4).slice(0, 215);
    const redact = maskValues(values);
    const took = () => {
      const start = performance.now();
      for (let count = 0; count < 1000; count++) redact(line, PLACE);
      return performance.now() - start; // of a thousand: µs each
    };
    const rounds = Array.from({ length: 20 }, took);
    expect(Math.min(...rounds)).toBeLessThan(2);
    expect(redact(`${line}${values[999]}`, PLACE)).toBe(`${line}***`);
  });
});

describe('a value that cannot be masked', () => {
  test('is a TypeError that names its position and not the value', () => {
    expect(() => maskValues(['long enough', 'abc'])).toThrow(
      new TypeError('secret 1 must have at least 4 characters'),
    );
    expect(() => maskValues(['long enough', ''])).toThrow(TypeError);
    expect(() => maskValues('one string')).toThrow(TypeError);
    expect(() => Reflect.apply(maskValues, undefined, [[5]])).toThrow(
      new TypeError('secret 0 must be a string'),
    );
  });

  test('is passed over where it is undefined, as a variable of the environment may be', () => {
    expect(maskValues([undefined, 'long enough'])('long enough', PLACE)).toBe('***');
  });
});
