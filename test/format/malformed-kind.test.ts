/** What kind of damage a malformed line is. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeEvent, defineEvents, EventLog, field, MalformedLineError } from '../../src/index.js';
import { decode } from '../support/decoding.js';
import { temporaryVolume } from '../support/volume.js';

const LINE = '"id":"i","ts":"t","run_id":"r"';
const cases: [string | Buffer, string][] = [
  [Buffer.from([0x22, 0xff, 0x22]), 'utf8'],
  ['{', 'json'],
  ['', 'json'],
  ['[]', 'json'],
  [`{"type":"node.paused",${LINE}}`, 'type'],
  [`{"type":1,${LINE}}`, 'field'],
  [`{${LINE}}`, 'field'],
  [`{"type":"pipe.aborted",${LINE}}`, 'field'],
  [`{"type":"pipe.aborted",${LINE},"reason":"a","reason":"b"}`, 'field'],
];

function kindOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    if (error instanceof MalformedLineError) return error.kind;
    throw error;
  }
  return undefined;
}

test.each(cases)('%j', (line, kind) => {
  expect(kindOf(() => decodeEvent(line))).toBe(kind);
});

test('readers and decoders name it too', async () => {
  const kinds: string[] = [];
  const bytes = Buffer.concat(cases.flatMap(([line]) => [Buffer.from(line), Buffer.from('\n')]));
  await decode(bytes, [1000], { onMalformed: error => kinds.push(error.kind) });
  expect(kinds).toEqual(cases.map(([, kind]) => kind));
});

test('a reader can skip what is of a newer vocabulary, and nothing else', async () => {
  const root = temporaryVolume();
  const events = defineEvents({ 'step.finished': { step: field.string() } });
  await using log = await EventLog.create(root, 'nightly', { events: events.extend({ 'step.skipped': {} }) });
  await log.append({ type: 'step.skipped' });
  await log.append({ type: 'step.finished', step: 'lint' });
  const onMalformed = (error: MalformedLineError) => {
    if (error.kind !== 'type') throw error;
  };
  const read = () => EventLog.read(root, log.runId, { events, onMalformed }).toArray();
  expect(await read()).toMatchObject([{ step: 'lint' }]);
  writeFileSync(log.path, '{}\n', { flag: 'a' });
  await expect(read()).rejects.toMatchObject({ kind: 'field', line: 3 });
});
