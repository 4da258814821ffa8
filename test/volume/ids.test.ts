/** ULIDs that only rise, and run ids that never lead anywhere else. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventLogError, isRunId, parseRunId } from '../../src/index.js';
import { checkPipe, compareRunIds, runIdOf } from '../../src/volume/run-id.js';
import { isUlid, UlidSequence } from '../../src/volume/ulid.js';
import { runIds, ulids } from '../support/arbitraries.js';
import { rounds } from '../support/rounds.js';

const ULID = '01kp8g6dg0zg6axb6gqz17wf7m';
const NOW = Date.UTC(2026, 3, 15, 12);

/** A sequence that has been shown an id. */
function above(id: string): UlidSequence {
  const sequence = new UlidSequence();
  sequence.raiseTo(id);
  return sequence;
}

/** The time an id holds, in milliseconds. */
const timeOf = (ulid: string) => parseRunId(`pipe-${ulid}`).createdAt.getTime();

test('run ids are ordered by their ULIDs, and by their pipes where two volumes have the same ULID', () => {
  const later = ULID.replace(/.$/, 'n');
  const inOrder = [`z-${ULID}`, `a-${later}`, `b-${later}`];
  expect(inOrder.toReversed().sort(compareRunIds)).toEqual(inOrder);
  expect(compareRunIds(`a-${ULID}`, `a-${ULID}`)).toBe(0);
});

describe('a UlidSequence', () => {
  test('gives 26 lower-case characters that hold the time', () => {
    const id = new UlidSequence().next(NOW);
    expect(isUlid(id)).toBe(true);
    expect(timeOf(id)).toBe(NOW);
    expect(new UlidSequence().next(NOW)).not.toBe(id);
  });

  test('rises within one millisecond, one by one', () => {
    const sequence = new UlidSequence();
    const ids = Array.from({ length: 5000 }, () => sequence.next(NOW));
    expect(new Set(ids).size).toBe(5000);
    expect(ids.toSorted()).toEqual(ids);
    expect(ids.every(id => timeOf(id) === NOW)).toBe(true);
  });

  test('rises while the clock goes back, and follows it again once it has caught up', () => {
    const sequence = new UlidSequence();
    const first = sequence.next(NOW);
    const second = sequence.next(NOW - 86_400_000);
    expect(second > first).toBe(true);
    expect(timeOf(second)).toBe(NOW);
    const third = sequence.next(0);
    expect(third > second).toBe(true);
    expect(timeOf(sequence.next(NOW + 1))).toBe(NOW + 1);
  });

  test('works with a clock at the epoch', () => {
    const sequence = new UlidSequence();
    const ids = [sequence.next(0), sequence.next(0), sequence.next(-5)];
    expect(ids.every(isUlid)).toBe(true);
    expect(new Set(ids).size).toBe(3);
    expect(ids.toSorted()).toEqual(ids);
    expect(timeOf(ids[0] ?? '')).toBeLessThanOrEqual(1);
  });

  test('carries over sixteen z into the time part', () => {
    const sequence = above('01kp8g6dg0zzzzzzzzzzzzzzzz');
    const carried = sequence.next(0);
    expect(carried).toBe('01kp8g6dg10000000000000000');
    expect(sequence.next(timeOf(carried))).toBe('01kp8g6dg10000000000000001');
    expect(timeOf(sequence.next(timeOf(carried) + 1))).toBe(timeOf(carried) + 1);
  });

  test('carries through a time part that ends in z', () => {
    expect(above('01zzzzzzzzzzzzzzzzzzzzzzzz').next(0)).toBe('02000000000000000000000000');
  });

  test('rises above an id it was shown, in either case', () => {
    const future = '7abcdefghjkmnpqrstvwxyz000';
    expect(above(future).next(NOW)).toBe('7abcdefghjkmnpqrstvwxyz001');
    expect(above(future.toUpperCase()).next(NOW)).toBe('7abcdefghjkmnpqrstvwxyz001');
  });

  test('is not lowered by an id below its last', () => {
    const sequence = above('01kp8g6dg0zg6axb6gqz17wf7m');
    sequence.raiseTo('00000000000000000000000000');
    sequence.raiseTo('01kp8g6dg0zg6axb6gqz17wf7k');
    expect(sequence.next(0)).toBe('01kp8g6dg0zg6axb6gqz17wf7n');
  });

  // The last but one holds a Kelvin sign, whose lower case is an ASCII k; the last has one in its time part.
  test.each([
    '',
    'x',
    ULID.slice(1),
    `${ULID}0`,
    `${ULID}\n`,
    '8zzzzzzzzzzzzzzzzzzzzzzzzz',
    '01kp8g6dg0zg6axb6gqz17wf7u',
    '7zzzzzzzzzzzzzzzzzzzzzzzz\u212a',
    '01\u212ap8g6dg0zg6axb6gqz17wf7m',
  ])('passes over %j, which is no ULID', text => {
    const sequence = above(text);
    expect(timeOf(sequence.next(NOW))).toBe(NOW);
  });

  test('says so with a RangeError when no ULID is left, and stays so', () => {
    const sequence = above('7zzzzzzzzzzzzzzzzzzzzzzzzy');
    expect(sequence.next(NOW)).toBe('7zzzzzzzzzzzzzzzzzzzzzzzzz');
    expect(() => sequence.next(NOW)).toThrow(RangeError);
    expect(() => sequence.next(NOW)).toThrow(RangeError);
  });

  test('rises strictly whatever the clock says and whatever it is shown', () => {
    const shown = fc.oneof(
      ulids.filter(id => id < '7z'),
      ulids.filter(id => id < '7z').map(id => id.toUpperCase()),
      fc.stringMatching(/^0[0-9a-f]{9}z{16}$/),
      fc.string(),
    );
    const clock = fc.oneof(fc.nat(5), fc.integer({ min: -5, max: 2 ** 47 }));
    fc.assert(
      fc.property(fc.array(fc.oneof(shown, clock), { maxLength: 30 }), steps => {
        const sequence = new UlidSequence();
        let highest = '';
        for (const step of steps) {
          if (typeof step === 'string') {
            sequence.raiseTo(step);
            if (isUlid(step.toLowerCase()) && step.toLowerCase() > highest) highest = step.toLowerCase();
          } else {
            const next = sequence.next(step);
            expect(isUlid(next)).toBe(true);
            expect(next > highest).toBe(true);
            highest = next;
          }
        }
      }),
      { numRuns: rounds(500) },
    );
  });
});

const NOT_RUN_IDS = [
  '',
  '-',
  '.',
  '..',
  ULID,
  `-${ULID}`,
  `feature${ULID}`,
  `feature_${ULID}`,
  'feature-',
  `feature-${ULID.toUpperCase()}`,
  `feature-8${ULID.slice(1)}`,
  `feature-8${'z'.repeat(25)}`,
  `feature-${ULID.slice(1)}`,
  `feature-${ULID}0`,
  `feature-${ULID.slice(0, -1)}u`,
  `feature-${ULID.slice(0, -1)}\u212a`,
  `feature-${ULID}\n`,
  `feature-${ULID} `,
  ` feature-${ULID}`,
  `\nfeature-${ULID}`,
  `../x-${ULID}`,
  `a/b-${ULID}`,
  `a\\b-${ULID}`,
  `/a-${ULID}`,
  `.hidden-${ULID}`,
  `_a-${ULID}`,
  `a\0b-${ULID}`,
  `é-${ULID}`,
  `C:a-${ULID}`,
  `a-${ULID}/../../x-${ULID}`,
  `${'a'.repeat(129)}-${ULID}`,
  `${'a'.repeat(200)}-${ULID}`,
];

describe('a run id', () => {
  test('comes apart into pipe, ULID and time', () => {
    expect(parseRunId(`feature-${ULID}`)).toEqual({
      pipe: 'feature',
      ulid: ULID,
      createdAt: new Date(NOW),
    });
    expect(parseRunId('a-00000000000000000000000000').createdAt).toEqual(new Date(0));
    expect(parseRunId(`a-7${'z'.repeat(25)}`).createdAt).toEqual(new Date(2 ** 48 - 1));
  });

  test.each(['fix-all-bugs', 'a-', `a-${ULID}`, 'A', '0', 'a.b_c-d', 'a'.repeat(128)])(
    'splits at its last dash: pipe %s',
    pipe => {
      expect(parseRunId(runIdOf(pipe, ULID))).toMatchObject({ pipe, ulid: ULID });
    },
  );

  test.each(NOT_RUN_IDS)('is not %j', text => {
    expect(isRunId(text)).toBe(false);
    expect(() => parseRunId(text)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_RUN_ID' }));
    expect(() => parseRunId(text)).toThrow(EventLogError);
  });

  test('is quoted in the error, on one line and cut short', () => {
    for (const hostile of ['\n\u001b[31m'.repeat(1000), '\u2028'.repeat(50)]) {
      const error: Error = captured(() => parseRunId(hostile));
      expect(error.message.length).toBeLessThan(600);
      expect(error.message).not.toMatch(/[\n\u001b]/);
    }
  });

  test.each([undefined, null, 7, {}, [`feature-${ULID}`], Object(`feature-${ULID}`)])(
    '%o is none: false, or a TypeError',
    value => {
      expect(isRunId(value)).toBe(false);
      expect(() => Reflect.apply(parseRunId, undefined, [value])).toThrow(TypeError);
    },
  );

  test('is what pipe and ULID give, for every pipe and every ULID', () => {
    fc.assert(
      fc.property(runIds, runId => {
        const { pipe, ulid } = parseRunId(runId);
        expect(isRunId(runId)).toBe(true);
        expect(runIdOf(pipe, ulid)).toBe(runId);
        expect(() => checkPipe(pipe)).not.toThrow();
      }),
    );
  });
});

describe('a pipe name', () => {
  test.each([
    '../x',
    'a/b',
    'a\\b',
    '',
    '.',
    '..',
    '.hidden',
    '-a',
    '_a',
    'a\0b',
    'a b',
    'a\n',
    'é',
    'a'.repeat(129),
    'a'.repeat(200),
  ])('%j is refused with ERR_INVALID_PIPE', pipe => {
    expect(() => checkPipe(pipe)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PIPE' }));
  });

  test.each(['a', '0', 'Z', 'fix-loop', 'v1.2_x', 'a..b', 'a'.repeat(128)])('%s is taken', pipe => {
    expect(() => checkPipe(pipe)).not.toThrow();
  });

  test('that is no text is a TypeError', () => {
    for (const value of [undefined, null, 7, ['a']]) {
      expect(() => Reflect.apply(checkPipe, undefined, [value])).toThrow(TypeError);
    }
  });
});

function captured(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
