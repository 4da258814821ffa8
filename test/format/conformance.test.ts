/**
 * The verdicts of the reference deserializer, and a log written by the reference serializer.
 *
 * `fixtures/conformance.jsonl` holds one case a line: the bytes of a line, what the reference type makes of them
 * (`accept` with its canonical text, `reject`, or `either` where this library may differ), and a name `group/case`.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeEvent, encodeEvent, MalformedLineError, type RunEvent } from '../../src/index.js';

interface Case {
  readonly name: string;
  readonly expect: 'accept' | 'reject' | 'either';
  readonly canonical?: string;
  readonly line_b64: string;
  readonly deviation?: string;
}

function linesOf(fixture: string): string[] {
  const text = readFileSync(new URL(`../../fixtures/${fixture}`, import.meta.url), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

const cases = linesOf('conformance.jsonl').map((line): Case => JSON.parse(line));

/** The event, or the error that says why there is none; any other error escapes and fails the test. */
function verdict(line: string | Uint8Array): RunEvent | MalformedLineError {
  try {
    return decodeEvent(line);
  } catch (error) {
    if (error instanceof MalformedLineError) return error;
    throw error;
  }
}

/** What differs between the case and what the codec does; empty when nothing does. */
function deviations(one: Case): string[] {
  const bytes = Buffer.from(one.line_b64, 'base64');
  const result = verdict(bytes);
  const found: string[] = [];
  if (isUtf8(bytes)) {
    const ofText = verdict(bytes.toString('utf8'));
    expect.soft(ofText, `${one.name}: text and bytes`).toEqual(result);
  }
  if (result instanceof MalformedLineError) {
    if (one.expect === 'accept') found.push(`rejected: ${result.reason}`);
    if (result.code !== 'ERR_MALFORMED_LINE') found.push(`code ${result.code}`);
    if (result.reason === '' || !result.message.includes(result.reason)) found.push('no reason');
    return found;
  }
  if (one.expect === 'reject') found.push(`accepted as ${JSON.stringify(result)}`);
  const canonical = encodeEvent(result);
  if (one.expect === 'accept' && canonical !== one.canonical) found.push(`re-encoded as ${canonical}`);
  expect.soft(verdict(canonical), `${one.name}: read again`).toEqual(result);
  return found;
}

test('the fixture holds all 846 cases, each with a name of its own', () => {
  expect(cases).toHaveLength(846);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(846);
  expect(cases.filter(one => one.expect === 'accept').every(one => one.canonical !== undefined)).toBe(true);
});

describe('each line meets the verdict of the reference deserializer', () => {
  const groupOf = ({ name }: Case) => name.slice(0, name.indexOf('/'));
  test.each([...new Set(cases.map(groupOf))])('%s', group => {
    const failures = cases
      .filter(one => groupOf(one) === group)
      .map(one => ({ name: one.name, deviations: deviations(one) }));
    expect(failures.filter(failure => failure.deviations.length > 0)).toEqual([]);
  });
});

describe('of the deliberate differences', () => {
  const of = (deviation: string) => cases.filter(one => one.deviation?.startsWith(deviation));

  test('D1: positional arrays and one-key maps are rejected', () => {
    expect(of('D1').length).toBeGreaterThan(0);
    for (const one of of('D1')) {
      expect(verdict(Buffer.from(one.line_b64, 'base64')), one.name).toBeInstanceOf(MalformedLineError);
    }
  });

  test('D2: a byte_offset above 2^53-1 is rejected with an error that says so', () => {
    expect(of('D2').length).toBeGreaterThan(0);
    for (const one of of('D2')) {
      expect(verdict(Buffer.from(one.line_b64, 'base64')), one.name).toMatchObject({
        reason: expect.stringMatching(/byte_offset.*9007199254740991/),
      });
    }
  });

  test('D3: inside an unknown field whatever JSON.parse tolerates is accepted', () => {
    const objects = of('D3').filter(one => Buffer.from(one.line_b64, 'base64')[0] === 0x7b);
    expect(objects.length).toBeGreaterThan(0);
    for (const one of objects) {
      expect(verdict(Buffer.from(one.line_b64, 'base64')), one.name).not.toBeInstanceOf(Error);
    }
  });
});

test('a log of the reference serializer is read, and re-encoded byte for byte', () => {
  const lines = linesOf('reference-1000.jsonl');
  expect(lines).toHaveLength(1000);
  expect(lines.map(line => encodeEvent(decodeEvent(line)))).toEqual(lines);
  const types = new Set(lines.map(line => decodeEvent(Buffer.from(line)).type));
  expect(types.size).toBe(7); // all of that program but pipe.aborted
});
