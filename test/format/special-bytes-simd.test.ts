import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import wabt from 'wabt';
import { makeSimdFinder, OVERRUN } from '../../src/format/lanes/special-bytes-simd.js';

test('entries go where they should, counted from the position given', () => {
  const finder = makeSimdFinder(65_536);
  const memory = finder?.memory.buffer ?? new ArrayBuffer(0);
  Buffer.from(memory).fill('a').write('é"\\ \n');
  const behind = finder?.find(6, 1024, 100, 7);
  expect(behind).toBe(1024 + 3 * 8);
  const numbers = [...new Int32Array(memory, 1024, 8)];
  const surplus = 7 + 1; // that of é
  expect(numbers.slice(0, 6)).toEqual([102, 102 - surplus, 103, 103 - surplus, 105, 105 - surplus]);
  const steps = 100 + OVERRUN + 1;
  expect(numbers.slice(6)).toEqual([steps, steps - surplus]); // where it stopped
});

test('nothing is looked at when there is nothing', () => {
  const finder = makeSimdFinder(65_536);
  expect(finder?.find(0, 512, 3, 1)).toBe(512);
  expect([...new Int32Array(finder?.memory.buffer ?? new ArrayBuffer(0), 512, 2)]).toEqual([3, 2]);
});

test('where there is no memory for it there is no finder', () => {
  expect(makeSimdFinder(2 ** 40)).toBeUndefined();
});

test('the module is its text form, assembled (after a change of that, `vitest -u` writes it)', async () => {
  const text = readFileSync(new URL('../../src/format/lanes/special-bytes.wat', import.meta.url), 'utf8');
  const parsed = (await wabt()).parseWat('special-bytes.wat', text, { simd: true });
  const binary = Buffer.from(parsed.toBinary({}).buffer);
  parsed.destroy();
  const head = '/** special-bytes.wat, assembled by special-bytes-simd.test.ts; in base64. */';
  const file = `${head}\nexport const SPECIAL_BYTES_WASM: string =\n  '${binary.toString('base64')}';\n`;
  await expect(file).toMatchFileSnapshot('../../src/format/lanes/special-bytes.wasm.ts');
});
