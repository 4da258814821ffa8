/** Drafts against the schema: what is refused, and which field the refusal names. */
import { describe, expect, test } from 'vitest';
import { prepareDraft } from '../../src/format/encode.js';
import { EventLogError } from '../../src/index.js';

const RUN_ID = 'feature-01kp8g6dg0zg6axb6gqz17wf7m';

/** The error a draft is refused with. */
function refusal(draft: unknown, at?: string): EventLogError {
  try {
    prepareDraft(draft, RUN_ID, at);
  } catch (error) {
    if (error instanceof EventLogError) return error;
    throw error;
  }
  throw new Error(`taken: ${JSON.stringify(draft)}`);
}

const taken = (draft: unknown) => prepareDraft(draft, RUN_ID).event;

const nodeStarted = { type: 'node.started', node_id: 'plan', kind: 'bash' };
const nodeFailed = { type: 'node.failed', node_id: 'plan', error: { kind: 'crash' } };
const nodeCompleted = { type: 'node.completed', node_id: 'plan' };
const gatePassed = { type: 'gate.passed', node_id: 'plan', gate: 'tests', method: 'hook' };
const iteration = { type: 'iteration.started', node_id: 'fix', iteration: 1, byte_offset: 0 };
const pipeStarted = { type: 'pipe.started', pipe: 'feature' };
const input = { key: 'task', value: 'add auth' };

describe('ERR_INVALID_EVENT names the field of a draft', () => {
  test.each<[string, unknown, string]>([
    // not a draft at all
    ['null', null, ''],
    ['undefined', undefined, ''],
    ['a string', 'pipe.completed', ''],
    ['a number', 7, ''],
    ['a function', () => nodeStarted, ''],
    ['an array', [nodeStarted], ''],
    ['an empty object', {}, 'type'],
    ['a Map of the right entries', new Map(Object.entries(nodeStarted)), 'type'],
    ['an unknown type', { type: 'node.paused' }, 'type'],
    ['a type that is a name of Object.prototype', { type: 'constructor' }, 'type'],
    ['a type that is no text', { type: ['pipe.completed'] }, 'type'],
    ['a type of null', { type: null }, 'type'],
    ['a String object as type', { type: Object('pipe.completed') }, 'type'],
    // missing
    ['no pipe', { type: 'pipe.started' }, 'pipe'],
    ['no reason', { type: 'pipe.aborted' }, 'reason'],
    ['no node_id', { type: 'node.started', kind: 'bash' }, 'node_id'],
    ['no kind', { type: 'node.started', node_id: 'plan' }, 'kind'],
    ['kind undefined', { ...nodeStarted, kind: undefined }, 'kind'],
    ['no output_path', nodeCompleted, 'output_path'],
    ['no error', { type: 'node.failed', node_id: 'plan' }, 'error'],
    ['no error.kind', { ...nodeFailed, error: {} }, 'error.kind'],
    ['no method', { ...gatePassed, method: undefined }, 'method'],
    ['no byte_offset', { ...iteration, byte_offset: undefined }, 'byte_offset'],
    ['an input without a key', { ...pipeStarted, inputs: [input, { value: 'x' }] }, 'inputs[1].key'],
    ['an input without a value', { ...pipeStarted, inputs: [{ key: 'x' }] }, 'inputs[0].value'],
    // unknown
    ['an unknown field', { ...nodeStarted, comment: 'x' }, 'comment'],
    ['an unknown field holding null', { ...nodeStarted, comment: null }, 'comment'],
    ['a field of another type', { type: 'pipe.completed', reason: 'x' }, 'reason'],
    ['an id', { ...nodeStarted, id: '01kp8g6dg0zg6axb6gqz17wf7m' }, 'id'],
    ['a ts', { ...nodeStarted, ts: '2026-04-15T12:00:00.000Z' }, 'ts'],
    ['a run_id', { ...nodeStarted, run_id: RUN_ID }, 'run_id'],
    ['an own __proto__', JSON.parse('{"type":"pipe.completed","__proto__":{}}'), '__proto__'],
    ['an unknown field of error', { ...nodeFailed, error: { kind: 'crash', exit: 1 } }, 'error.exit'],
    [
      'an unknown field of an input',
      { ...pipeStarted, inputs: [input, input, { ...input, x: 1 }] },
      'inputs[2].x',
    ],
    // null, where absent is meant
    ['name null', { ...nodeStarted, name: null }, 'name'],
    ['stdout null', { ...gatePassed, stdout: null }, 'stdout'],
    ['inputs null', { ...pipeStarted, inputs: null }, 'inputs'],
    ['distro_version null', { ...pipeStarted, distro_version: null }, 'distro_version'],
    ['error null', { ...nodeFailed, error: null }, 'error'],
    ['an input null', { ...pipeStarted, inputs: [null] }, 'inputs[0]'],
    // wrong types
    ['node_id a number', { ...nodeStarted, node_id: 1 }, 'node_id'],
    ['node_id a String object', { ...nodeStarted, node_id: Object('plan') }, 'node_id'],
    ['message a Buffer', { ...nodeFailed, message: Buffer.from('x') }, 'message'],
    ['error a text', { ...nodeFailed, error: 'crash' }, 'error'],
    ['error an array', { ...nodeFailed, error: ['crash'] }, 'error'],
    ['error.kind unknown', { ...nodeFailed, error: { kind: 'oom' } }, 'error.kind'],
    ['kind in upper case', { ...nodeStarted, kind: 'Bash' }, 'kind'],
    ['kind in an array', { ...nodeStarted, kind: ['bash'] }, 'kind'],
    ['method unknown', { ...gatePassed, method: 'human' }, 'method'],
    ['inputs a record', { ...pipeStarted, inputs: { task: 'x' } }, 'inputs'],
    ['inputs a Set', { ...pipeStarted, inputs: new Set([input]) }, 'inputs'],
    ['inputs of pairs', { ...pipeStarted, inputs: [['task', 'x']] }, 'inputs[0]'],
    [
      'inputs with a hole',
      { ...pipeStarted, inputs: Object.assign([input, input], { length: 3 }) },
      'inputs[2]',
    ],
    ['an input value of a number', { ...pipeStarted, inputs: [{ key: 'n', value: 1 }] }, 'inputs[0].value'],
    // integers
    ['iteration above u32', { ...iteration, iteration: 4294967296 }, 'iteration'],
    ['iteration below 0', { ...iteration, iteration: -1 }, 'iteration'],
    ['iteration -0', { ...iteration, iteration: -0 }, 'iteration'],
    ['iteration 1.5', { ...iteration, iteration: 1.5 }, 'iteration'],
    ['iteration NaN', { ...iteration, iteration: Number.NaN }, 'iteration'],
    ['iteration Infinity', { ...iteration, iteration: Number.POSITIVE_INFINITY }, 'iteration'],
    ['iteration a text', { ...iteration, iteration: '1' }, 'iteration'],
    ['iteration a bigint', { ...iteration, iteration: 1n }, 'iteration'],
    ['byte_offset 2^53', { ...iteration, byte_offset: 2 ** 53 }, 'byte_offset'],
    ['byte_offset -1', { ...iteration, byte_offset: -1 }, 'byte_offset'],
    // lone surrogates
    ['node_id with half a pair', { ...nodeStarted, node_id: 'a\ud83d' }, 'node_id'],
    ['message of a low half', { ...nodeFailed, message: '\udea8' }, 'message'],
    [
      'an input value with halves swapped',
      { ...pipeStarted, inputs: [{ key: 'a', value: '\udea8\ud83d' }] },
      'inputs[0].value',
    ],
    ['output_path with half a pair', { ...nodeCompleted, output_path: 'a/\ud83d' }, 'output_path'],
  ])('%s', (_, draft, field) => {
    const error = refusal(draft);
    expect({ code: error.code, field: error.field }).toEqual({ code: 'ERR_INVALID_EVENT', field });
    expect(error.message).toMatch(/^invalid event: ./);
    if (field !== '' && field !== 'type')
      expect(error.message).toContain(JSON.stringify(field.split('.').at(-1)).slice(1, -1));
  });

  test.each([
    'C:\\x',
    'a\\b',
    'C:/x',
    'c:x',
    '/abs',
    '//host/share',
    '',
    '..',
    '../a',
    'a/../b',
    'a/..',
    'a\0b',
  ])('output_path %j', output_path => {
    const error = refusal({ ...nodeCompleted, output_path });
    expect({ code: error.code, field: error.field }).toEqual({
      code: 'ERR_INVALID_EVENT',
      field: 'output_path',
    });
  });

  test('after the index of the draft in a batch', () => {
    expect(refusal({ ...nodeStarted, kind: 'x' }, '[2]').field).toBe('[2].kind');
    expect(refusal({ ...pipeStarted, inputs: [{}] }, '[0]').field).toBe('[0].inputs[0].key');
    expect(refusal(null, '[7]').field).toBe('[7]');
  });

  test('in a message that stays short and on one line, whatever the draft holds', () => {
    const hostile = '\n\u001b[31m'.repeat(100_000);
    for (const draft of [
      { type: hostile },
      { ...nodeStarted, kind: hostile },
      { ...nodeStarted, [hostile]: 1 },
    ]) {
      const { message } = refusal(draft);
      expect(message.length).toBeLessThan(1000);
      expect(message).not.toMatch(/[\n\u001b]/);
    }
  });
});

describe('a draft is taken', () => {
  test.each(['a', '.omne/var/runs/x/nodes/plan.out', './a', 'a..b/..c', '...', 'a b/é/🚨', 'ab:c'])(
    'with output_path %j',
    output_path => {
      expect(taken({ ...nodeCompleted, output_path })).toMatchObject({ output_path });
    },
  );

  test('with its numbers at their limits', () => {
    const limits = { iteration: 4294967295, byte_offset: Number.MAX_SAFE_INTEGER };
    expect(taken({ ...iteration, ...limits })).toMatchObject(limits);
    expect(taken({ ...iteration, iteration: 0, byte_offset: 0 })).toMatchObject({
      iteration: 0,
      byte_offset: 0,
    });
  });

  test('with undefined for what may be absent, which is then absent', () => {
    const event = taken({ ...nodeStarted, name: undefined, model: undefined, id: undefined });
    expect(Object.keys(event)).toEqual(['type', 'id', 'ts', 'run_id', 'node_id', 'kind']);
    expect(taken({ ...pipeStarted, inputs: undefined })).toMatchObject({ inputs: [], distro_version: '' });
  });

  test('from an object without a prototype, a frozen one and an instance with own fields', () => {
    class Started {
      readonly type = 'node.started';
      readonly node_id = 'plan';
      readonly kind = 'bash';
    }
    for (const draft of [
      Object.assign(Object.create(null), nodeStarted),
      Object.freeze({ ...nodeStarted }),
      new Started(),
    ]) {
      expect(taken(draft)).toMatchObject(nodeStarted);
    }
  });

  test('reading each of its properties once', () => {
    const reads: PropertyKey[] = [];
    const watched = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(object, key, receiver) {
          if (typeof key === 'string') reads.push(key);
          return Reflect.get(object, key, receiver);
        },
      });
    taken(watched({ ...nodeFailed, error: watched({ kind: 'crash' }), message: 'x' }));
    expect(reads.toSorted()).toEqual(['error', 'kind', 'message', 'node_id', 'type']);
  });

  test('with the type it had when it was checked', () => {
    let reads = 0;
    const draft = {
      get type() {
        return reads++ === 0 ? 'pipe.completed' : 'x","id":"y';
      },
    };
    const prepared = prepareDraft(draft, RUN_ID);
    expect(prepared.head).toBe('{"type":"pipe.completed","id":"');
    expect(prepared.event.type).toBe('pipe.completed');
  });
});

describe('only own properties count', () => {
  test('inherited ones are not taken', () => {
    expect(refusal(Object.create(nodeStarted)).field).toBe('type');
    const withoutKind = { type: 'node.started', node_id: 'plan' };
    expect(refusal(Object.assign(Object.create({ kind: 'bash' }), withoutKind)).field).toBe('kind');
    expect(refusal({ ...nodeFailed, error: Object.create({ kind: 'crash' }) }).field).toBe('error.kind');
    const named = taken(Object.assign(Object.create({ name: 'inherited' }), nodeStarted));
    expect(Object.hasOwn(named, 'name')).toBe(false);
  });

  test('a polluted Object.prototype adds nothing to a draft', () => {
    const polluted = 'type id node_id kind name model inputs distro_version comment'.split(' ');
    const property = { value: 'bash', configurable: true, enumerable: true, writable: true };
    let lines: string[];
    let missing: unknown;
    try {
      for (const key of polluted) Object.defineProperty(Object.prototype, key, property);
      lines = [nodeStarted, pipeStarted].map(draft => prepareDraft(draft, RUN_ID).tail);
      missing = refusal({ type: 'node.started', node_id: 'plan' }).field;
    } finally {
      for (const key of polluted) Reflect.deleteProperty(Object.prototype, key);
    }
    expect(lines).toEqual([
      `","run_id":"${RUN_ID}","node_id":"plan","kind":"bash"}\n`,
      `","run_id":"${RUN_ID}","pipe":"feature"}\n`,
    ]);
    expect(missing).toBe('kind');
  });
});

test('a draft with a lone surrogate is refused with what to do about it', () => {
  const draft = { type: 'pipe.aborted', reason: 'cut \ud83d' };
  expect(() => prepareDraft(draft, 'r')).toThrow(/holds a lone surrogate: cut a text with tailText, or pass/);
});
