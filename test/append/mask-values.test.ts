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

  test('is masked with all but ASCII escaped, in either case, and with escaped slashes', () => {
    const value = 'pässwörd/🔑"end';
    const escaped = JSON.stringify(value).replace(
      /[^\x20-\x7e]/g,
      unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const upper = escaped.replace(/[\da-f]{4}/g, code => code.toUpperCase());
    for (const text of [escaped, upper, escaped.replaceAll('/', '\\/')])
      expect(mask([value], `{"x":${text},"y":"\\n"}`)).toBe('{"x":"***","y":"\\n"}');
    expect(mask(['pässwörd'], '{"x":"p\\u00e4ssw\\u00f6rd"}')).toBe('{"x":"***"}');
  });

  test('is masked in a URL that keeps some of its characters', () => {
    const value = 'a b/c?d';
    expect(mask([value], `get ${encodeURI(value)} 100%`)).toBe('get *** 100%');
    expect(mask([value], `%E2%82%AC=${new URL('x:?q=a b/c?d').search}&%41`)).toBe('%E2%82%AC=?q=***&%41');
  });

  test('that overlaps another is masked with it as one', () => {
    expect(mask(['secretA', 'tAbcdef'], 'a secretAbcdef b')).toBe('a *** b');
    expect(mask(['secretA', 'tAbcdef'], 'a secretA+tAbcdef b')).toBe('a ***+*** b');
    expect(mask(['sécretA', 'tAbcdef'], '"s\\u00e9cretAbcdef"')).toBe('"***"');
  });

  test('is not in a text however its characters were escaped, each on its own', () => {
    const hex = (code: number, digits: number, upper: boolean) => {
      const text = code.toString(16).padStart(digits, '0');
      return upper ? text.toUpperCase() : text;
    };
    const percent = (character: string, upper: boolean) =>
      Array.from(Buffer.from(character), byte => `%${hex(byte, 2, upper)}`).join('');
    const json = (character: string, upper: boolean) =>
      character
        .split('')
        .map(unit => `\\u${hex(unit.charCodeAt(0), 4, upper)}`)
        .join('');
    const choices = fc.array(fc.constantFrom('plain', 'lower', 'upper'), { minLength: 40, maxLength: 40 });
    const around = fc.string({ maxLength: 30, unit: characters });
    fc.assert(
      fc.property(secret, choices, around, around, fc.boolean(), (value, chosen, before, after, inJson) => {
        const escaped = inJson ? json : percent;
        const written = Array.from(value, (character, index) =>
          chosen[index] === 'plain' && !'%\\'.includes(character)
            ? character
            : escaped(character, chosen[index] === 'upper'),
        ).join('');
        const masked = mask([value], `${before}"${written}"${after}`);
        expect(masked).toContain('"***"');
        expect(masked).not.toContain(written);
      }),
    );
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
