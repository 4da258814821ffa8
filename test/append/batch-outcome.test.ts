import { expect, test } from 'vitest';
import type { Append } from '../../src/append/admission.js';
import { BatchOutcome } from '../../src/append/batch-outcome.js';
import { EventLogError } from '../../src/errors.js';
import { prepareDraft } from '../../src/format/encode.js';
import { gate } from '../support/committing.js';
import { RUN_ID } from '../support/logs.js';

const EVENT = prepareDraft(gate('a'), RUN_ID);
const NO_SPACE = new EventLogError('ERR_NO_SPACE', 'no space for the event', {
  path: 'log',
  offset: 7,
  kept: 0,
});

/** Appends of so many events each, and how each was settled. */
function appendsOf(...sizes: readonly number[]) {
  const settled: unknown[] = [];
  const batch = sizes.map(
    (size, index): Append => ({
      events: Array(size).fill(EVENT),
      bytes: size * EVENT.bytes,
      last: false,
      resolve: () => {
        settled[index] = 'kept';
      },
      reject: error => {
        settled[index] = error;
      },
    }),
  );
  const ends = batch.map((_, index) => batch.slice(0, index + 1).reduce((sum, { bytes }) => sum + bytes, 0));
  return { batch, ends, settled };
}

/** The outcome of three appends of 1, 3 and 1 events of which so many events are durable. */
function outcomeAfter(events: number, error: unknown): unknown[] {
  const { batch, ends, settled } = appendsOf(1, 3, 1);
  const outcome = new BatchOutcome(batch);
  outcome.stamped(ends);
  for (let durable = 1; durable <= events; durable++) outcome.durable(durable * EVENT.bytes);
  outcome.settle(1000, error);
  return settled;
}

test('an append resolves when all its events are durable; the others get the error', () => {
  const failed = new EventLogError('ERR_LOG_FAILED', 'a sync failed');
  expect(outcomeAfter(5, undefined)).toEqual(['kept', 'kept', 'kept']);
  expect(outcomeAfter(4, failed)).toEqual(['kept', 'kept', failed]);
  expect(outcomeAfter(3, failed)).toEqual(['kept', failed, failed]);
  expect(outcomeAfter(0, failed)).toEqual([failed, failed, failed]);
});

test('an append of which only the first events found room says how many, where the log ended and why', () => {
  const [first, second, third] = outcomeAfter(3, NO_SPACE);
  expect([first, third]).toEqual(['kept', NO_SPACE]);
  expect(second).toMatchObject({ code: 'ERR_NO_SPACE', kept: 2, path: 'log', offset: 7 });
  expect(String(second)).toContain('the first 2 of 3 are on disk and stay');
});

test('a conflict is reported as one where the log has come to its position, otherwise as the failure before it', () => {
  const { batch, settled } = appendsOf(1, 1);
  const conflicts = new Map(
    batch.map((append, index) => {
      const facts = { path: 'log', position: index === 0 ? 100 : 200 };
      return [append, new EventLogError('ERR_POSITION_CONFLICT', 'the log ends elsewhere', facts)];
    }),
  );
  const outcome = new BatchOutcome(batch);
  outcome.admitted({ admitted: [], conflicts });
  outcome.settle(100, NO_SPACE);
  expect(settled).toEqual([expect.objectContaining({ code: 'ERR_POSITION_CONFLICT' }), NO_SPACE]);
});
