/** A small log in which any one byte is changed: what the readers, `verifyRun` and `open` make of it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  decodeEvent,
  EventLog,
  EventLogError,
  encodeEvent,
  MalformedLineError,
  type RunEvent,
  verifyRun,
} from '../../src/index.js';
import { writeLog } from '../support/logs.js';
import { quickVolume } from '../support/quick-volume.js';
import { fullStrength, spread } from '../support/rounds.js';
import { ABORTED_RUN, completedRun, logOf, SMALL_RUN } from '../support/small-run.js';

/** What a byte becomes. */
const CHANGES: readonly ((byte: number) => number)[] = [
  byte => byte ^ 0x01,
  byte => byte ^ 0x20,
  byte => byte ^ 0x80,
  () => 0x00,
  () => 0x0a,
  () => 0x22,
  () => 0xff,
];

/** A log with one byte changed. */
interface Flip {
  readonly bytes: Buffer;
  /** What it held before. */
  readonly events: readonly RunEvent[];
  /** Whether it is also read to the first error only; one change in seven is enough for that. */
  readonly bothModes: boolean;
}

function* flipsOf(events: readonly RunEvent[]): Generator<Flip> {
  const log = logOf(events);
  for (const [at, byte] of log.entries()) {
    for (const change of CHANGES) {
      const bytes = Buffer.from(log).fill(change(byte), at, at + 1);
      if (!bytes.equals(log)) yield { bytes, events, bothModes: change === CHANGES[0] };
    }
  }
}

/** Reads the log in one mode, or in both; tells whether a reader learns that something is wrong. */
async function readerReports(root: string, { bytes, events, bothModes }: Flip): Promise<boolean> {
  const errors: MalformedLineError[] = [];
  const reader = EventLog.read(root, SMALL_RUN, { onMalformed: error => errors.push(error) });
  const read = await reader.toArray();
  for (const event of read) assert.equal(encodeEvent(decodeEvent(encodeEvent(event))), encodeEvent(event));
  for (const { offset = -1, line } of errors) {
    assert.ok(offset === 0 || bytes[offset - 1] === 0x0a);
    assert.equal(line, bytes.subarray(0, offset).toString('latin1').split('\n').length);
  }
  if (bothModes) {
    const [first] = errors;
    const thrown = EventLog.read(root, SMALL_RUN).toArray();
    const outcome: unknown = await thrown.catch((error: unknown) => error);
    if (first === undefined) assert.equal(textOf(outcome), textOf(read));
    else assert.ok(outcome instanceof MalformedLineError && outcome.message === first.message);
  }
  const reported = errors.length > 0 || reader.tornBytes > 0;
  assert.ok(reported || textOf(read) !== textOf(events), 'a change that changes nothing');
  return reported;
}

function textOf(value: unknown): string {
  return JSON.stringify(value);
}

/** Opens the log for appending; tells whether that fails, or says that something was cut. */
async function openReports(root: string): Promise<boolean> {
  try {
    await using log = await EventLog.open(root, SMALL_RUN, { lock: false });
    return log.recovered !== undefined;
  } catch (error) {
    assert.ok(error instanceof EventLogError, `not an EventLogError: ${error}`);
    return true;
  }
}

test('each changed byte is reported, or makes another legal event: so many of each, for the format has no checksum', {
  timeout: 120_000,
}, async () => {
  const root = quickVolume();
  const flips = [...spread([...flipsOf(completedRun()), ...flipsOf(ABORTED_RUN)], 30)];
  const count = { flips: flips.length, reader: 0, verifyRun: 0, open: 0 };
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    const own = join(root, `${lane}`);
    const path = writeLog(own, '', SMALL_RUN);
    for (let flip = flips.pop(); flip !== undefined; flip = flips.pop()) {
      writeFileSync(path, flip.bytes);
      const byReader = await readerReports(own, flip);
      const byVerify = !(await verifyRun(own, SMALL_RUN)).ok;
      assert.ok(readFileSync(path).equals(flip.bytes), 'reading changed the log');
      assert.ok(byVerify || !byReader, 'verifyRun sees all that a reader sees');
      if (byReader) count.reader++;
      if (byVerify) count.verifyRun++;
      if (await openReports(own)) count.open++;
    }
  });
  await Promise.all(lanes);
  expect(count).toEqual(
    fullStrength
      ? { flips: 9480, reader: 8517, verifyRun: 9063, open: 1687 }
      : { flips: 316, reader: 283, verifyRun: 303, open: 54 },
  );
});
