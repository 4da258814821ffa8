/** One line, one event: what is written and what is read. */
import { describe, expect, test } from 'vitest';
import {
  decodeEvent,
  EventLogError,
  encodeEvent,
  MalformedLineError,
  type RunEvent,
} from '../../src/index.js';

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';
const stamp = { id: '01kp8g6dg0zg6axb6gqz17wf7n', ts: '2026-04-15T12:00:00Z', run_id: RUN_ID };
const STAMP = `"id":"${stamp.id}","ts":"${stamp.ts}","run_id":"${RUN_ID}"`;

/** The error that `work` must throw. */
function thrown<E extends Error>(kind: new (...args: never[]) => E, work: () => unknown): E {
  try {
    work();
  } catch (error) {
    if (error instanceof kind) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const reasonOf = (line: string | Uint8Array) => thrown(MalformedLineError, () => decodeEvent(line)).reason;

/** As callers without types may call. */
const encodeAnything = (value: unknown): string => Reflect.apply(encodeEvent, undefined, [value]);
const decodeAnything = (value: unknown): RunEvent => Reflect.apply(decodeEvent, undefined, [value]);

describe('encodeEvent', () => {
  test('writes the members in wire order, whatever the order in memory', () => {
    const event: RunEvent = {
      kind: 'bash',
      model: 'm',
      run_id: RUN_ID,
      name: 'n',
      node_id: 'a',
      ts: stamp.ts,
      id: stamp.id,
      type: 'node.started',
    };
    expect(encodeEvent(event)).toBe(
      `{"type":"node.started",${STAMP},"node_id":"a","kind":"bash","name":"n","model":"m"}`,
    );
  });

  test('leaves out what is absent, and what is empty by default', () => {
    const empty: RunEvent = { type: 'pipe.started', ...stamp, pipe: '', inputs: [], distro_version: '' };
    expect(encodeEvent(empty)).toBe(`{"type":"pipe.started",${STAMP},"pipe":""}`);
    const silent: RunEvent = {
      type: 'gate.passed',
      ...stamp,
      node_id: '',
      gate: '',
      method: 'hook',
      stdout: '',
    };
    expect(encodeEvent(silent)).toContain(',"stdout":""}');
  });

  test('does not need the fields that have a default, and does not add them to the object', () => {
    const event = { type: 'pipe.started', ...stamp, pipe: 'feature' };
    expect(encodeAnything(event)).toBe(`{"type":"pipe.started",${STAMP},"pipe":"feature"}`);
    expect(Object.keys(event)).toEqual(['type', 'id', 'ts', 'run_id', 'pipe']);
  });

  test('takes any output_path, as decoding does', () => {
    const event: RunEvent = { type: 'node.completed', ...stamp, node_id: 'a', output_path: 'C:\\..\\x' };
    expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
  });

  test.each<[string, unknown, string]>([
    ['no id', { type: 'pipe.completed', ts: '', run_id: '' }, 'id'],
    ['no ts', { type: 'pipe.completed', id: '', run_id: '' }, 'ts'],
    ['no run_id', { type: 'pipe.completed', id: '', ts: '' }, 'run_id'],
    ['an id that is a number', { type: 'pipe.completed', ...stamp, id: 1 }, 'id'],
    ['a ts that is a Date', { type: 'pipe.completed', ...stamp, ts: new Date(0) }, 'ts'],
    ['an unknown field', { type: 'pipe.completed', ...stamp, extra: 1 }, 'extra'],
    ['name null', { type: 'node.started', ...stamp, node_id: 'a', kind: 'bash', name: null }, 'name'],
    ['half a surrogate pair', { type: 'pipe.aborted', ...stamp, reason: '\ud800' }, 'reason'],
    [
      'a nested wrong type',
      { type: 'node.failed', ...stamp, node_id: 'a', error: { kind: 1 } },
      'error.kind',
    ],
    [
      'byte_offset 2^53',
      { type: 'iteration.started', ...stamp, node_id: 'a', iteration: 0, byte_offset: 2 ** 53 },
      'byte_offset',
    ],
    ['null', null, ''],
    ['a line instead of an event', `{"type":"pipe.completed",${STAMP}}`, ''],
  ])('refuses %s', (_, event, field) => {
    const error = thrown(EventLogError, () => encodeAnything(event));
    expect({ code: error.code, field: error.field }).toEqual({ code: 'ERR_INVALID_EVENT', field });
  });
});

describe('decodeEvent', () => {
  test('gives a plain object with exactly the names of the wire', () => {
    const event = decodeEvent(`{"pipe":"feature",${STAMP},"type":"pipe.started","x":1,"reason":"y"}`);
    expect(event).toStrictEqual({
      type: 'pipe.started',
      ...stamp,
      pipe: 'feature',
      inputs: [],
      distro_version: '',
    });
    expect(Object.getPrototypeOf(event)).toBe(Object.prototype);
    expect(Object.keys(event)).toEqual(['type', 'id', 'ts', 'run_id', 'pipe', 'inputs', 'distro_version']);
  });

  test('reads null in an optional field as absent', () => {
    const event = decodeEvent(
      `{"type":"node.started",${STAMP},"node_id":"a","kind":"loop","name":null,"model":null}`,
    );
    expect(Object.keys(event)).toEqual(['type', 'id', 'ts', 'run_id', 'node_id', 'kind']);
  });

  test('drops unknown fields at every depth, __proto__ among them', () => {
    const line = `{"type":"node.failed",${STAMP},"node_id":"a","__proto__":{"message":"x"},"error":{"kind":"crash","__proto__":{"y":1},"code":7}}`;
    const event = decodeEvent(line);
    expect(event).toStrictEqual({ type: 'node.failed', ...stamp, node_id: 'a', error: { kind: 'crash' } });
    expect('message' in event).toBe(false);
    expect(Object.hasOwn(Object.prototype, 'message')).toBe(false);
  });

  test('takes text or bytes, with or without the newline', () => {
    const text = `{"type":"pipe.aborted",${STAMP},"reason":"é 🚨"}`;
    const event = decodeEvent(text);
    const framed = Buffer.from(`xx${text}\nyy`);
    const view = new Uint8Array(framed.buffer, framed.byteOffset + 2, framed.length - 4);
    for (const line of [`${text}\n`, Buffer.from(text), new TextEncoder().encode(text), view]) {
      expect(decodeEvent(line)).toStrictEqual(event);
    }
  });

  test.each([undefined, null, 7, {}, [], new Uint16Array(2), new ArrayBuffer(8)])(
    'throws a TypeError for %o',
    line => {
      expect(() => decodeAnything(line)).toThrow(TypeError);
    },
  );

  test.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /blank/],
    ['white space', ' \t\r\n', /blank/],
    ['a byte order mark', `\ufeff{"type":"pipe.completed",${STAMP}}`, /byte order mark/],
    ['two objects', `{"type":"pipe.completed",${STAMP}}{}`, /JSON/],
    ['NUL bytes', new Uint8Array(64), /JSON/],
    ['half a character', Buffer.from('{"type":"é"}').subarray(0, 10), /UTF-8/],
    ['an encoded surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/],
    ['an array', '[]', /object.*array/],
    ['an unknown type', '{"type":"node.paused"}', /"node\.paused"/],
    ['no type', '{}', /"type"/],
    ['a member twice', `{"type":"pipe.completed",${STAMP},"id":"x"}`, /duplicate.*"id"/],
    [
      'the type twice, once escaped',
      `{"\\u0074ype":"pipe.completed",${STAMP},"type":"pipe.completed"}`,
      /duplicate.*"type"/,
    ],
    [
      'a nested member twice',
      `{"type":"node.failed",${STAMP},"node_id":"a","error":{"kind":"crash","kind":"crash"}}`,
      /duplicate.*"error\.kind"/,
    ],
    [
      'an input key twice',
      `{"type":"pipe.started",${STAMP},"pipe":"a","inputs":[{"key":"a","value":"b","key":"a"}]}`,
      /duplicate.*"inputs.*key"/,
    ],
    [
      'iteration 1.5',
      `{"type":"iteration.started",${STAMP},"node_id":"a","iteration":1.5,"byte_offset":0}`,
      /"iteration"/,
    ],
    [
      'iteration -1',
      `{"type":"iteration.started",${STAMP},"node_id":"a","iteration":-1,"byte_offset":0}`,
      /"iteration"/,
    ],
    [
      'a reason with half a pair',
      `{"type":"pipe.aborted",${STAMP},"reason":"\\ud83d"}`,
      /"reason".*surrogate/,
    ],
  ])('rejects %s and says why', (_, line, reason) => {
    expect(reasonOf(line)).toMatch(reason);
  });

  test.for([
    ['9007199254740993', '9007199254740993'],
    [' \t9007199254740993 ', '9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['1e400', '1e400'],
    ['-0', '-0'],
    ['-9007199254740993.50', '-9007199254740993.50'],
    ['0.10', '0.10'],
    ['1'.repeat(200), `${'1'.repeat(80)}…`],
    ['7,"byte_offset":9007199254740993', '9007199254740993'],
  ])('names the number %s as it is written', ([written = '', told]) => {
    const reason = `field "byte_offset" must be an integer from 0 to 9007199254740991, not ${told}`;
    for (const [before, after] of [
      ['', ''],
      ['', ',"inputs":[{"byte_offset":1}],"x":{"byte_offset":2}'],
      ['"inputs":[{"byte_offset":1}],"x":{"byte_offset":2},"reason":"\\"byte_offset\\":3",', ''],
    ]) {
      const fields = `"node_id":"a","iteration":4,${before}"byte_offset":${written}${after}`;
      expect(reasonOf(`{"type":"iteration.started",${STAMP},${fields}}`)).toBe(reason);
    }
  });

  test('takes braces, quotes and backslashes in text for what they are', () => {
    const reason = '","id":"x"}{"[\\"],\\\\';
    const event: RunEvent = { type: 'pipe.aborted', ...stamp, reason };
    expect(decodeEvent(encodeEvent(event))).toStrictEqual(event);
  });

  test('is not thrown off by deep nesting in an unknown field', () => {
    const deep = 100_000;
    const line = `{"type":"pipe.completed",${STAMP},"x":${'[{"id":'.repeat(deep)}1${'}]'.repeat(deep)}}`;
    expect(decodeEvent(line)).toStrictEqual({ type: 'pipe.completed', ...stamp });
    expect(reasonOf(`${line.slice(0, -1)},"id":"twice"}`)).toMatch(/duplicate/);
    expect(reasonOf('['.repeat(deep))).toMatch(/JSON/);
  });

  test('keeps the syntax error as the cause', () => {
    expect(thrown(MalformedLineError, () => decodeEvent('{')).cause).toBeInstanceOf(SyntaxError);
  });
});
