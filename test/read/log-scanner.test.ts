import { appendFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../src/format/lines.js';
import { lineOf, rejection, sampleEvent, sampleEvents, writeLog } from '../support/logs.js';
import { openScanner, scan } from '../support/scanning.js';
import { temporaryVolume } from '../support/volume.js';

function endsOf(lines: readonly string[]): number[] {
  let end = 0;
  return lines.map(line => (end += Buffer.byteLength(line)));
}

const EVENTS = sampleEvents(6);
const LINES = EVENTS.map(lineOf);
const [LINE_0 = '', LINE_1 = '', LINE_2 = ''] = LINES;

describe('whole lines', () => {
  test('become events with the position after each', async () => {
    const root = temporaryVolume();
    writeLog(root, LINES.join(''));
    const scanned = await scan(root);
    expect(scanned).toEqual({ events: EVENTS, ends: endsOf(LINES), error: undefined, tornBytes: 0 });
  });

  test('are found wherever the ends of the blocks fall, and may be longer than a block', async () => {
    const root = temporaryVolume();
    const events = sampleEvents(2000).map(event =>
      event.type === 'pipe.aborted' ? { ...event, reason: 'ы'.repeat(Number(event.id.slice(-4))) } : event,
    );
    events.push({ ...sampleEvent(9998), type: 'pipe.aborted', reason: 'x'.repeat(3 * BLOCK_BYTES) });
    events.push(sampleEvent(9999));
    const lines = events.map(lineOf);
    writeLog(root, lines.join(''));
    const scanned = await scan(root);
    expect(scanned.error).toBeUndefined();
    expect(scanned.events).toEqual(events);
    expect(scanned.ends).toEqual(endsOf(lines));
  });

  test('an empty log has none', async () => {
    const root = temporaryVolume();
    writeLog(root, '');
    expect(await scan(root)).toEqual({ events: [], ends: [], error: undefined, tornBytes: 0 });
  });

  test('may end in CR LF: a carriage return is white space', async () => {
    const root = temporaryVolume();
    const lines = LINES.map(line => line.replace('\n', '\r\n'));
    writeLog(root, lines.join(''));
    expect(await scan(root)).toMatchObject({ events: EVENTS, ends: endsOf(lines), error: undefined });
  });
});

describe('the end of the file', () => {
  test('an unterminated line is not yet written: it is counted, not decoded', async () => {
    const root = temporaryVolume();
    for (const torn of ['{', '\0\0\0', LINE_2.slice(0, -1), '\ufeff']) {
      writeLog(root, LINE_0 + LINE_1 + torn);
      const scanned = await scan(root);
      expect(scanned).toMatchObject({ events: EVENTS.slice(0, 2), error: undefined });
      expect(scanned.tornBytes).toBe(Buffer.byteLength(torn));
    }
  });

  test('may be asked again once the file has grown', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LINE_0);
    const scanner = await openScanner(root);
    expect(await scanner.next()).toEqual({ events: [EVENTS[0]], ends: endsOf([LINE_0]) });
    expect(await scanner.next()).toBeUndefined();
    appendFileSync(path, LINE_1 + LINE_2.slice(0, 10));
    expect(await scanner.next()).toMatchObject({ events: [EVENTS[1]] });
    expect(await scanner.next()).toBeUndefined();
    expect(scanner.tornBytes).toBe(10);
    appendFileSync(path, LINE_2.slice(10));
    expect(await scanner.next()).toMatchObject({ events: [EVENTS[2]] });
    expect(await scanner.next()).toBeUndefined();
    expect(scanner.tornBytes).toBe(0);
    await scanner.log.close();
  });

  test('may be far away by then: lines that fit the next block to the byte are read like others', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LINE_0);
    const scanner = await openScanner(root);
    expect(await scanner.next()).toMatchObject({ events: [EVENTS[0]] });
    expect(await scanner.next()).toBeUndefined();
    // A block of 32 KiB is filled by a line of 24 KiB and the first half of another; the next block has 8 KiB.
    const long = (index: number, bytes: number) => {
      const event = { ...sampleEvent(index), type: 'pipe.aborted', reason: '' } as const;
      return { ...event, reason: 'x'.repeat(bytes - Buffer.byteLength(lineOf(event))) };
    };
    const events = [long(3, 24_576), long(8, 16_384), sampleEvent(9)];
    appendFileSync(path, events.map(lineOf).join(''));
    const seen: unknown[] = [];
    for (let batch = await scanner.next(); batch !== undefined; batch = await scanner.next())
      seen.push(...batch.events);
    expect(seen).toEqual(events);
    await scanner.log.close();
  });
});

describe('the place to start', () => {
  test('beyond the end of the log is ERR_LOG_TRUNCATED', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LINE_0);
    for (const options of [{}, { last: 1 }]) {
      const from = Buffer.byteLength(LINE_0) + 1;
      const error = await rejection(scan(root, { ...options, from }));
      expect(error).toMatchObject({ code: 'ERR_LOG_TRUNCATED', path, offset: from });
    }
  });

  test('inside a line, whole or torn, is ERR_INVALID_POSITION', async () => {
    const root = temporaryVolume();
    const content = LINE_0 + LINE_1 + LINE_2.slice(0, 20);
    const path = writeLog(root, content);
    const starts = [0, ...endsOf([LINE_0, LINE_1])];
    for (let from = 0; from <= Buffer.byteLength(content); from++) {
      const opened = scan(root, { from });
      if (starts.includes(from)) expect(await opened).toMatchObject({ error: undefined });
      else
        expect(await rejection(opened)).toMatchObject({ code: 'ERR_INVALID_POSITION', path, offset: from });
    }
  });

  test('at the very end gives nothing, and what comes later', async () => {
    const root = temporaryVolume();
    const path = writeLog(root, LINE_0);
    const scanner = await openScanner(root, { from: Buffer.byteLength(LINE_0) });
    expect(await scanner.next()).toBeUndefined();
    appendFileSync(path, LINE_1);
    expect(await scanner.next()).toMatchObject({ events: [EVENTS[1]] });
    await scanner.log.close();
  });
});
