/** How a vocabulary may change: each row of the table on the page, for readers and writers, old and new. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { vocabularyText } from '../../src/format/vocabulary-text.js';
import {
  type DraftsOf,
  defineEvents,
  EventLog,
  type FieldsDefinition,
  field,
  type MalformedLineError,
  type Vocabulary,
} from '../../src/index.js';
import { rejection } from '../support/logs.js';
import { project, sectionOf } from '../support/pages.js';
import { temporaryVolume } from '../support/volume.js';

/** A draft of the vocabulary in a row, whose types the compiler cannot know. */
type Draft = DraftsOf<Vocabulary>;

interface Row {
  readonly change: string;
  readonly before: Vocabulary;
  readonly next: Vocabulary;
  /** What the old program writes, and what the new one makes of it: the fields, or the kind of what is wrong. */
  readonly old: readonly [draft: Draft, read: object | string];
  /** What the new program writes, and what the old one makes of it. */
  readonly new: readonly [draft: Draft, read: object | string];
  readonly adds?: true;
}

const of = (fields: FieldsDefinition): Vocabulary =>
  defineEvents({ step: { name: field.string(), ...fields } });
const step = (more: object = {}): Draft => Object({ type: 'step', name: 'a', ...more });
const SAME = { type: 'step', name: 'a' };
const count = field.integer({ min: 0, max: 9 });

const ROWS: readonly Row[] = [
  {
    change: 'a new type',
    before: of({}),
    next: of({}).extend({ skipped: {} }),
    old: [step(), SAME],
    new: [Object({ type: 'skipped' }), 'type'],
    adds: true,
  },
  {
    change: 'a new optional field',
    before: of({}),
    next: of({ count: count.optional() }),
    old: [step(), SAME],
    new: [step({ count: 1 }), SAME],
    adds: true,
  },
  {
    change: 'a new defaulted field',
    before: of({}),
    next: of({ count: count.default(7) }),
    old: [step(), { ...SAME, count: 7 }],
    new: [step({ count: 1 }), SAME],
    adds: true,
  },
  {
    change: 'a new required field',
    before: of({}),
    next: of({ count }),
    old: [step(), 'field'],
    new: [step({ count: 1 }), SAME],
  },
  {
    change: 'a type removed',
    before: of({}).extend({ skipped: {} }),
    next: of({}),
    old: [Object({ type: 'skipped' }), 'type'],
    new: [step(), SAME],
  },
  {
    change: 'an optional field removed',
    before: of({ count: count.optional() }),
    next: of({}),
    old: [step({ count: 1 }), SAME],
    new: [step(), SAME],
  },
  {
    change: 'a required field removed',
    before: of({ count }),
    next: of({}),
    old: [step({ count: 1 }), SAME],
    new: [step(), 'field'],
  },
  {
    change: 'a required field made optional',
    before: of({ count }),
    next: of({ count: count.optional() }),
    old: [step({ count: 1 }), { ...SAME, count: 1 }],
    new: [step(), 'field'],
  },
  {
    change: 'another default',
    before: of({ count: count.default(7) }),
    next: of({ count: count.default(8) }),
    old: [step({ count: 7 }), { ...SAME, count: 8 }],
    new: [step({ count: 8 }), { ...SAME, count: 7 }],
  },
  {
    change: 'another kind',
    before: of({ count }),
    next: of({ count: field.string() }),
    old: [step({ count: 1 }), 'field'],
    new: [step({ count: 'one' }), 'field'],
  },
  {
    change: 'more words, wider bounds',
    before: of({ count, word: field.enum('a') }),
    next: of({ count: field.integer({ min: 0, max: 99 }), word: field.enum('a', 'b') }),
    old: [step({ count: 1, word: 'a' }), { ...SAME, count: 1, word: 'a' }],
    new: [step({ count: 10, word: 'a' }), 'field'],
  },
  {
    change: 'another terminal type',
    before: of({}),
    next: defineEvents({ step: { name: field.string() } }, { terminal: ['step'] }),
    old: [step(), SAME],
    new: [step(), SAME],
  },
];

/** What a program of one vocabulary makes of a line that a program of another wrote. */
async function readBy(
  reader: Vocabulary,
  writer: Vocabulary,
  draft: Draft,
): Promise<object | string | undefined> {
  const log = await EventLog.create(temporaryVolume(), 'build', { events: writer });
  await log.append(draft);
  await log.close();
  const skipped: MalformedLineError[] = [];
  const options = { events: reader, onMalformed: (error: MalformedLineError) => skipped.push(error) };
  const [event] = await EventLog.read(log.root, log.runId, options).toArray();
  if (event === undefined) return skipped[0]?.kind;
  const { id: _, ts: __, run_id: ___, ...fields } = event;
  return fields;
}

test.each(ROWS)('$change: what an old and a new reader make of it', async ({ before, next, ...row }) => {
  expect(await readBy(next, before, row.old[0])).toStrictEqual(row.old[1]);
  expect(await readBy(before, next, row.new[0])).toStrictEqual(row.new[1]);
});

test.each(ROWS)('$change: opening an old run to append', async ({ before, next, adds, ...row }) => {
  const log = await EventLog.create(temporaryVolume(), 'build', { events: before });
  await log.append(row.old[0]);
  await log.close();
  const opening = EventLog.open(log.root, log.runId, { events: next });
  const carried = () => readFileSync(join(dirname(log.path), 'vocabulary.json'), 'utf8');
  if (adds !== true) {
    expect(await rejection(opening)).toMatchObject({ code: 'ERR_VOCABULARY_CONFLICT' });
    expect(carried()).toBe(vocabularyText(before));
    return;
  }
  await using opened = await opening;
  await opened.append(row.new[0]);
  expect(carried()).toBe(vocabularyText(next));
  expect(await opened.read().toArray()).toMatchObject([row.old[1], row.new[0]]);
});

test('these are the rows of the table on the page', () => {
  const page = readFileSync(join(project, 'src/format/README.md'), 'utf8');
  const rows = sectionOf(page, 'How a vocabulary may change')
    .split('\n')
    .filter(line => /^\| (a|more)/.test(line));
  expect(rows.map(row => row.split(' | ')[0]?.slice(2))).toEqual(ROWS.map(({ change }) => change));
  const adding = rows.filter(row => row.endsWith('| adds it |')).map(row => row.split(' | ')[0]?.slice(2));
  expect(adding).toEqual(ROWS.flatMap(({ adds, change }) => (adds === true ? [change] : [])));
});
