/** The book that power cuts are held against: it must see every kind of loss, or a clean table would say nothing. */
import { expect, test } from 'vitest';
import { Book } from './book.mjs';
import type { Found } from './guest/events.mjs';
import type { Report } from './guest/report.mjs';

const RUN = 'own-01kp8g6dg0zg6axb6gqz17wf7m';
const LINES: readonly Found[] = [
  ['id1', 100, 'w', 0, true],
  ['id2', 200, 'w', 1, true],
  ['id3', 300, 'v', 0, true],
];

/** A book in which the run, three events and a position are acknowledged. */
function bookOfThree(): Book {
  const book = new Book();
  book.note(['created', 'b', RUN]);
  book.note(['acknowledged', 'b', RUN, ['id1', 'id2', 'id3']]);
  book.note(['position', 'b', RUN, 'id2', 200]);
  return book;
}

/** What a boot reports of the run with these lines. */
function found(lines: readonly Found[], ok = true): Report[] {
  return [
    ['found', 'b', RUN, [...lines]],
    ['verified', 'b', RUN, ok, ok ? null : 'line 3 is no event', 0],
  ];
}

function changed(at: number, change: (line: Found) => Found): Report[] {
  return found(LINES.map((line, index) => (index === at ? change(line) : line)));
}

test('a run as it was acknowledged is clean, and more may be there than was acknowledged', () => {
  const more: Found = ['id4', 400, 'v', 1, true];
  expect(bookOfThree().check(found([...LINES, more]))).toEqual({
    acknowledged: 3,
    mirrored: 0,
    pruned: 0,
    lost: 0,
    runs: 1,
    torn: 0,
    problems: [],
  });
});

test('a lost event is counted, once', () => {
  const book = bookOfThree();
  const shorter = found(LINES.slice(0, 2));
  expect(book.check(shorter)).toMatchObject({
    lost: 1,
    problems: [`${RUN}: 1 of 3 acknowledged events are lost`],
  });
  expect(book.check(shorter)).toMatchObject({ acknowledged: 0, lost: 0, problems: [] });
});

test('what a check has found must be there from then on', () => {
  const book = new Book();
  book.check(found(LINES));
  expect(book.check(found(LINES.slice(0, 2)))).toMatchObject({ lost: 1 });
});

test('a run that was created must be there, even without an event', () => {
  const book = new Book();
  book.note(['created', 'b', RUN]);
  expect(book.check([]).problems).toEqual([`${RUN} was created and is not there`]);
});

test('a run folder without a log is no run, and no problem unless its create had resolved', () => {
  const refused: Report[] = [['refused', 'b', RUN, 'ERR_RUN_NOT_FOUND', 'no log']];
  expect(new Book().check(refused)).toMatchObject({ runs: 0, problems: [] });
  expect(bookOfThree().check(refused)).toMatchObject({ lost: 3 });
});

test.each<[what: string, messages: Report[], problem: string]>([
  ['a line of other bytes', changed(1, ([id, end]) => [id, end, 'w', 1, false]), 'is not what was written'],
  ['an id that does not rise', changed(1, ([, end]) => ['id0', end, 'w', 1, true]), 'does not rise'],
  ["a gap in a writer's order", changed(1, ([id, end]) => [id, end, 'w', 2, true]), 'instead of 1'],
  ['a position that moved', changed(1, ([id]) => [id, 201, 'w', 1, true]), 'no longer the end of id2'],
  ['a report of damage', found(LINES, false), 'line 3 is no event'],
  ['a run that cannot be opened', [['refused', 'b', RUN, 'ERR_LOG_CORRUPT', 'damaged']], 'damaged'],
  ['a run that was not verified', [['found', 'b', RUN, [...LINES]]], 'it was not verified'],
  ['a drive that cannot be mounted', [['unmounted', 'b']], 'could not be mounted'],
])('%s is a problem', (_, messages, problem) => {
  expect(bookOfThree().check(messages).problems).toContainEqual(expect.stringContaining(problem));
});

test('a failed append and a run id given twice are problems', () => {
  const book = bookOfThree();
  book.note(['created', 'b', RUN]);
  book.note(['failed', 'b', 'ERR_LOG_FAILED']);
  expect(book.check(found(LINES)).problems).toEqual([
    `${RUN} was created twice`,
    'a process failed: ERR_LOG_FAILED',
  ]);
});

test('a run that a prune may have taken is there whole or not at all, and one that it has named is gone', () => {
  const book = bookOfThree();
  book.note(['pruning', 'b', [RUN]]);
  expect(book.copy().check([])).toMatchObject({ lost: 0, problems: [] });
  expect(book.copy().check(found(LINES)).problems).toEqual([]);
  expect(book.copy().check(found(LINES.slice(0, 2)))).toMatchObject({ lost: 1 });
  const half: Report[] = [['refused', 'b', RUN, 'ERR_RUN_NOT_FOUND', 'no log']];
  expect(book.copy().check(half).problems).toEqual([`${RUN} was pruned in part`]);
  book.note(['pruned', 'b', [RUN]]);
  expect(book.copy().check([])).toMatchObject({ pruned: 1, problems: [] });
  expect(book.check(found(LINES)).problems).toEqual([`${RUN} was pruned and is there`]);
});

test('a copy never holds what the log has lost, at any later check', () => {
  const book = new Book();
  book.note(['shipped', 'b', RUN, [['id1', 100]]]);
  book.note(['shipped', 'b', RUN, [['id2', 200]]]);
  expect(book.check(found(LINES))).toMatchObject({ mirrored: 2, problems: [] });
  const lost = [`${RUN}: its copy has 1 events that it has lost`];
  expect(book.check(found(LINES.slice(0, 1))).problems).toEqual(expect.arrayContaining(lost));
  expect(book.check(changed(1, ([id]) => [id, 201, 'w', 1, true])).problems).toEqual(lost);
});

test('a copy goes its own way', () => {
  const book = bookOfThree();
  const copy = book.copy();
  copy.note(['acknowledged', 'b', RUN, ['id4']]);
  expect(book.check(found(LINES)).lost).toBe(0);
  expect(copy.check(found(LINES)).lost).toBe(1);
});
