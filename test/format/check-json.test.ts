import { expect, test } from 'vitest';
import { prepareStrictly } from '../../src/format/encode.js';
import { defineEvents, field } from '../../src/index.js';
import { RUN_ID } from '../support/logs.js';

const events = defineEvents({ noted: { value: field.json() } });
const take = (value: unknown) => prepareStrictly({ type: 'noted', value }, RUN_ID, '', events).event;

/** Arrays in arrays. */
function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test('JSON may be nested 64 levels deep, and no deeper', () => {
  expect(take(nested(64))).toMatchObject({ value: nested(64) });
  expect(() => take(nested(65))).toThrow('is nested deeper than 64 levels');
});

test('a key __proto__ is a key like any other', () => {
  const value: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  const copy: unknown = Reflect.get(take(value), 'value');
  expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":true}}');
  expect(Reflect.get(Object(copy), 'polluted')).toBeUndefined();
});

test.each([
  [() => 1, 'a value of type function'],
  [undefined, 'a value of type undefined'],
  [10n, 'a value of type bigint'],
  [new Date(0), 'an instance of a class'],
  [new Map(), 'an instance of a class'],
])('%s among other values is no JSON', (value, what) => {
  for (const given of [[value], { deep: [{ value }] }])
    expect(() => take(given)).toThrow(`must hold JSON, not ${what}`);
});
