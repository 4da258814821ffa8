/** What every version wrote is read by this one, for ever: the logs of fixtures/logs and what was expected of them then. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { EventLog, encodeEvent, eventDecoder, isTerminal, type RunEvent, verifyRun } from '../src/index.js';
import { collect, rejection, writeLog } from './support/logs.js';
import { temporaryVolume } from './support/volume.js';

/** As fixtures/release-logs.mjs describes it. */
interface Expectation {
  readonly runId: string;
  readonly events: readonly RunEvent[];
  readonly malformedAt: readonly number[];
  readonly tornBytes: number;
  readonly cut: { readonly offset: number; readonly bytes: number } | null;
  readonly problems: readonly string[];
  readonly canonical: boolean;
}

const project = fileURLToPath(new URL('..', import.meta.url));
const folder = join(project, 'fixtures/logs');
const versions = readdirSync(folder);
const files = versions.flatMap(version =>
  readdirSync(join(folder, version)).map(name => join(version, name)),
);
const namesOf = (ending: string) =>
  files.filter(file => file.endsWith(ending)).map(file => file.slice(0, -ending.length));

test('the minor version of package.json has its logs', () => {
  const { version }: { version: string } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const minorOf = (text: string) => text.split('.', 2).join('.');
  // When this fails: npm run build && node fixtures/release-logs.mjs
  expect(versions.map(minorOf)).toContain(minorOf(version));
});

test('every log has an expectation, every expectation a log, and nothing else lies there', () => {
  expect(namesOf('.jsonl')).toEqual(namesOf('.json'));
  expect(files).toHaveLength(2 * namesOf('.json').length);
  for (const version of versions) {
    expect(files.filter(file => file.startsWith(join(version, '/'))).length).toBeGreaterThan(30);
  }
});

test('all of them together are small', () => {
  const bytes = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  expect(bytes / versions.length).toBeLessThan(200 * 1024);
});

describe.each(namesOf('.jsonl'))('the log %s', name => {
  const content = readFileSync(join(folder, `${name}.jsonl`));
  const expected: Expectation = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const { runId } = expected;

  function volume(): string {
    const root = temporaryVolume();
    writeLog(root, content, runId);
    return root;
  }

  test('is replayed event for event', async () => {
    const malformedAt: (number | undefined)[] = [];
    const reader = EventLog.read(volume(), runId, { onMalformed: ({ offset }) => malformedAt.push(offset) });
    expect(await reader.toArray()).toEqual(expected.events);
    expect(malformedAt).toEqual(expected.malformedAt);
    expect(reader.tornBytes).toBe(expected.tornBytes);
  });

  test('is decoded from a stream, and followed, to the same events', async () => {
    const decoder = eventDecoder({ onMalformed: () => undefined });
    expect(await collect(Readable.from([content]).pipe(decoder))).toEqual(expected.events);
    const caughtUp = new AbortController();
    const tail = EventLog.tail(volume(), runId, {
      onMalformed: () => undefined,
      signal: caughtUp.signal,
    });
    tail.caughtUp.then(() => caughtUp.abort());
    const followed: RunEvent[] = [];
    const error = await (async () => {
      for await (const event of tail) followed.push(event);
    })().catch((reason: unknown) => reason);
    expect(error).toBe(expected.events.some(isTerminal) ? undefined : caughtUp.signal.reason);
    expect(followed).toEqual(expected.events);
  });

  test('is judged by verifyRun as it was then', async () => {
    const report = await verifyRun(volume(), runId);
    expect(report.problems.map(({ kind }) => kind)).toEqual(expected.problems);
    expect(report.events).toBe(expected.events.length);
  });

  test('is repaired and continued by a writer, or refuses it when the run has ended', async () => {
    await using log = await EventLog.open(volume(), runId);
    const { offset, bytes, savedTo } = log.recovered ?? {};
    expect(log.recovered === undefined ? null : { offset, bytes }).toEqual(expected.cut);
    if (savedTo !== undefined) expect(readFileSync(savedTo)).toEqual(content.subarray(offset));
    const appending = log.append({ type: 'node.started', node_id: 'more', kind: 'bash' });
    if (expected.events.some(isTerminal)) {
      expect(await rejection(appending)).toMatchObject({ code: 'ERR_RUN_ENDED' });
      return;
    }
    const before = content.subarray(0, offset);
    const event = await appending;
    expect(readFileSync(log.path)).toEqual(Buffer.concat([before, Buffer.from(`${encodeEvent(event)}\n`)]));
    if (!expected.problems.includes('id-not-rising')) {
      for (const { id } of expected.malformedAt.length > 0 ? [] : expected.events)
        expect(event.id > id).toBe(true);
    }
  });

  if (expected.canonical) {
    test('is given back byte for byte by the encoder', () => {
      expect(expected.events.map(event => `${encodeEvent(event)}\n`).join('')).toBe(content.toString());
    });
  }
});
