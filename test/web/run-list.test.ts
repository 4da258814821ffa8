/** The list of runs in memory: what has changed since a cursor, and which cursors fit no more. */
import { expect, test } from 'vitest';
import { RunList } from '../../src/web/run-list.js';
import type { RunRow } from '../../src/web.js';

const MOST_REMOVED = 10_000;

function row(number: number): RunRow {
  const runId = `p-01kp8g6dg0${String(number).padStart(16, '0')}`;
  return { runId, pipe: 'p', status: 'running', bytes: 0 };
}

function listOf(count: number): { list: RunList; runIds: string[] } {
  const list = new RunList({ kind: 'volume', name: '/', outputs: true }, () => undefined);
  const rows = Array.from({ length: count }, (_, index) => row(index));
  for (const each of rows) list.changed(each);
  list.listed();
  return { list, runIds: rows.map(({ runId }) => runId) };
}

test('more runs go than are remembered: a cursor from before those forgotten fits no more, a later one does', () => {
  const { list, runIds } = listOf(MOST_REMOVED + 2);
  const before = list.cursor;
  const [first = '', second = '', ...rest] = runIds;
  list.removed(first);
  const afterFirst = list.cursor;
  list.removed(second);
  const afterSecond = list.cursor;
  expect(list.since(before)?.removed).toEqual([first, second]);
  for (const runId of rest) list.removed(runId);
  expect([before, afterFirst].map(cursor => list.since(cursor))).toEqual([undefined, undefined]);
  const removed: string[] = [];
  for (let cursor = afterSecond; cursor !== list.cursor; ) {
    const changes = list.since(cursor);
    removed.push(...(changes?.removed ?? []));
    cursor = changes?.cursor ?? list.cursor;
  }
  expect(removed).toEqual(rest);
  list.removed(first); // which is known no more
  expect(list.since(list.cursor)).toMatchObject({ runs: [], removed: [] });
});
