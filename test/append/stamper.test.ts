import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type EventGroup, Stamper } from '../../src/append/stamper.js';
import { decodeEvent } from '../../src/format/decode.js';
import { prepareDraft } from '../../src/format/encode.js';
import { RUN_ID } from '../support/logs.js';

// These tests set the clock themselves.
vi.mock('../../src/real-time.js', async original => ({
  ...(await original<object>()),
  nowMs: () => Date.now(),
}));

/** Groups of so many events each. */
function groupsOf(...sizes: readonly number[]): EventGroup[] {
  return sizes.map(size => {
    const events = Array.from({ length: size }, () =>
      prepareDraft({ type: 'pipe.aborted', reason: 'é' }, RUN_ID),
    );
    return { events, bytes: events.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
}

const eventsIn = (bytes: Buffer) =>
  bytes
    .toString()
    .split('\n')
    .slice(0, -1)
    .map(line => decodeEvent(line));

/** Sets the clock while a test runs. */
function clockAt(now: number): void {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
  onTestFinished(() => clock.mockRestore());
}

test('each group ends where its last line ends, and its events get their id and time', () => {
  const groups = groupsOf(1, 3, 0, 2);
  const { bytes, ends } = new Stamper('/p').stamp(groups);
  expect(eventsIn(bytes)).toEqual(groups.flatMap(({ events }) => events.map(({ event }) => event)));
  const starts = [0, ...ends];
  expect(ends.map((end, index) => eventsIn(bytes.subarray(starts[index], end)).length)).toEqual([1, 3, 0, 2]);
  expect(ends.at(-1)).toBe(bytes.length);
});

test('all events of a batch have one time, and rising ids above every id shown', () => {
  const stamper = new Stamper('/p');
  stamper.raiseTo('7000000000zzzzzzzzzzzzzzzz');
  const ids = ['7000000000zzzzzzzzzzzzzzzz'];
  for (const size of [3, 2]) {
    const events = eventsIn(stamper.stamp(groupsOf(size)).bytes);
    expect(new Set(events.map(({ ts }) => ts)).size).toBe(1);
    ids.push(...events.map(({ id }) => id));
  }
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('a batch of more text than one part holds is put together without a gap', () => {
  const groups = groupsOf(6_000, 6_000);
  const { bytes, ends } = new Stamper('/p').stamp(groups);
  expect(bytes.length).toBeGreaterThan(1024 * 1024);
  expect(ends.at(-1)).toBe(bytes.length);
  expect(eventsIn(bytes)).toHaveLength(12_000);
});

describe('a clock that is far off', () => {
  test.each([
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [-1, '1970-01-01T00:00:00.000Z'],
    [8.64e15, '9999-12-31T23:59:59.999Z'],
  ])('that says %d is taken for %s, and lines keep their length', (now, ts) => {
    clockAt(now);
    const [group] = groupsOf(2);
    const { bytes } = new Stamper('/p').stamp(groupsOf(2));
    expect(eventsIn(bytes).map(event => event.ts)).toEqual([ts, ts]);
    expect(bytes.length).toBe(group?.bytes);
  });
});

test('when no id is left the log has failed, and the error names it', () => {
  const stamper = new Stamper('/p');
  stamper.raiseTo('7zzzzzzzzzzzzzzzzzzzzzzzzz');
  expect(() => stamper.stamp(groupsOf(1))).toThrow(
    expect.objectContaining({ code: 'ERR_LOG_FAILED', path: '/p', cause: expect.any(RangeError) }),
  );
});

test('small batches share their room, and texts that are not ASCII keep every byte', () => {
  const stamper = new Stamper('/p');
  const [first, second] = [stamper.stamp(groupsOf(1)), stamper.stamp(groupsOf(1))];
  expect(second.bytes.buffer).toBe(first.bytes.buffer);
  expect(second.bytes.byteOffset).toBe(first.bytes.byteOffset);
  const drafts = ['plain', 'é', '\u2028💥', 'plain'].map(gate =>
    prepareDraft({ type: 'gate.passed', node_id: 'n', gate, method: 'hook' }, RUN_ID),
  );
  const bytes = drafts.reduce((sum, draft) => sum + draft.bytes, 0);
  const stamped = stamper.stamp([{ events: drafts, bytes }]);
  expect(eventsIn(stamped.bytes)).toEqual(drafts.map(({ event }) => event));
  expect(stamped.bytes.length).toBe(bytes);
});
